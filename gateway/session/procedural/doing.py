"""DO: a block that is run, as one transaction where it stands alone."""

from __future__ import annotations

from gateway.errors import StatementTooComplex
from gateway.session.client import Client
from gateway.session.computation import Bound
from gateway.session.procedural.committing import Committing
from gateway.session.procedural.running import Running
from gateway.session.result import Result
from gateway.sql.procedural.steps import Do
from gateway.sql.statements.statement import Statement


def run_do(client: Client, statement: Statement, bound: Bound) -> Result:
    """Run the block of a DO; its messages wait among the client's notices.

    Raises:
        GatewayError: what no handler of the block caught. StatementTooComplex: 54001.
    """
    tree, several = statement.tree, client.several
    assert isinstance(tree, Do)
    committing = Committing(client, statement, ends=not (several or client.in_transaction()))
    client.several = True  # what cannot stand in a transaction cannot stand in a block
    try:
        Running(client, committing).run(tree.block)
    except RecursionError:  # blocks that execute each other
        raise StatementTooComplex("stack depth limit exceeded") from None
    finally:
        client.several = several
    return Result("DO")
