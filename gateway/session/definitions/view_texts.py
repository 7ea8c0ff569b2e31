"""The text of a view's query as it is kept: as written, but for stars, NATURAL, renamed columns."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import GatewayError
from gateway.rewrite.view_texts import with_renamed, written_out
from gateway.session.computation import Bound, Computation, fields_of
from gateway.session.result import Field
from gateway.session.writes.execution import Executor
from gateway.session.writes.updatable_views import bound_query
from gateway.sources.table import TableName
from gateway.sql.statements.altering import Action
from gateway.sql.text.dialect import parse
from gateway.store.definitions.definitions import View


def kept_text(executor: Executor, source: str, fields: Sequence[Field]) -> str:
    """A query's text without stars and NATURAL, where that gives the same columns; else as it is.

    Args:
        executor: Plans it.
        source: The query.
        fields: The columns that it gives.
    """
    try:
        written = written_out(source, executor.registry.relation, executor.constants)
        if written == source:
            return source
        rewritten = executor.rewrite(parse(written)[0])
        plan = executor.plan(Computation(rewritten), Bound(), read=False)
        found = fields_of(rewritten, plan.schema)
    except GatewayError:  # some relation has no name that its columns can be written with
        return source
    same = [(f.name, f.type) for f in found] == [(f.name, f.type) for f in fields]
    return written if same else source


def renamed_text(
    executor: Executor, table: TableName, actions: Sequence[Action], view: View
) -> str:
    """A view's query once a column of a table is renamed; as it is where that cannot be told."""
    text = view.sql
    for action in actions:
        if action.kind != "rename column":
            continue
        registry, names = executor.registry, (action.column, action.name)
        try:
            bound = bound_query(registry, view)
            text = with_renamed(
                view.sql, bound, registry.relation, executor.constants, table, names
            )
        except GatewayError:  # then the view stops the change, as it would not plan any more
            return view.sql
    return text
