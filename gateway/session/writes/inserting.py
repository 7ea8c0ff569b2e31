"""INSERT ... VALUES of constants, as its text is read in one pass (`sql.writes.constant_rows`).

No tree is made of the rows, so a text may be as long as a message, whatever `statement_bytes` and
`statement_nodes` say of others. What cannot be taken so is read as it stands, and so is a text of
which a value met an error, to be told with its place; one too long for that tells it without.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from gateway.errors import GatewayError
from gateway.session.client import Client
from gateway.session.computation import Bound
from gateway.session.result import Result
from gateway.session.writes.batches import SAVEPOINT
from gateway.session.writes.execution import Executor
from gateway.sql.names.relation import zone_of
from gateway.sql.statements.limits import Limits
from gateway.sql.statements.statement import Statement
from gateway.sql.writes.constant_rows import ConstantRows, read
from gateway.types import DATE, TIMESTAMP, TIMESTAMPTZ

_MOMENTS = (DATE, TIMESTAMP, TIMESTAMPTZ)


def insert_constants(client: Client, text: str, limits: Limits) -> Result | None:
    """The result of a message's text; None where it must be read as it stands.

    Raises:
        GatewayError: as an INSERT.
    """
    found = read(text)
    if found is None or (client.block.status == "T" and client.store.isolation.pins):
        return None  # going back to a savepoint may fail where a transaction sees one commit
    try:
        statement = client.executor.statement_cache.read(found.shape)[0]
        columns = _columns(client.executor, statement, found)
    except GatewayError:  # it will be told of the text as it was sent
        return None
    if columns is None:
        return None
    client.account.run(statement)
    is_long = len(text) > limits.statement_bytes // 4
    return _done(client, statement, Bound(columns=columns), is_long)


def _columns(
    executor: Executor, statement: Statement, found: ConstantRows
) -> Sequence[pa.Array] | None:
    query = executor.computation(statement)
    if query is None or query.given is None or query.write is None or query.target is None:
        return None
    names = query.write.columns
    if len(names) != len(found.columns):
        return None
    target = executor.registry.target_columns(query.target)
    if zone_of(executor.constants) != "UTC" and any(
        target[name].type in _MOMENTS and found.holds_texts(place)
        for place, name in enumerate(names)
    ):
        return None
    return found.arrays(names, target)


def _done(client: Client, statement: Statement, bound: Bound, is_long: bool) -> Result | None:
    """Insert the rows; None where one met an error and the text can tell it, with nothing done."""
    nested = client.block.status == "T" and not is_long
    if nested:
        client.store.savepoint(SAVEPOINT)
    try:
        result = client.run(statement, bound)
    except GatewayError as error:
        if nested:
            client.store.rollback_to(SAVEPOINT)
            client.store.release(SAVEPOINT)
        if is_long or error.code[:2] not in ("22", "42"):
            raise
        return None
    if nested:
        client.store.release(SAVEPOINT)
    return result
