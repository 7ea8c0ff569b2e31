"""What a session answers to one message, as a test reads it."""

from __future__ import annotations

from gateway.errors import GatewayError
from gateway.session.session import Session


def answer(session: Session, text: str) -> object:
    """Rows or tag of the last statement, or the SQLSTATE, as the wire would have it."""
    last: object = None
    try:
        for result in session.run_simple(text):
            if result.fields is None:
                last = result.tag(0)
                continue
            columns = [[c.to_pylist() for c in batch.columns] for batch in result.take()]
            rows = [row for batch in columns for row in zip(*batch, strict=True)]
            last = result.tag(len(rows)) if result.tag(0) != "SELECT 0" else rows
        session.sync()
    except GatewayError as error:
        session.fail(error)
        return error.code
    return last
