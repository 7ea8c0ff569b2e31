"""A cancel, or a deadline, that comes while the engine plans: nothing interrupts it there."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from gateway.app import App
from gateway.engine.embedded import EmbeddedSession
from gateway.errors import QueryCanceled
from tests.conftest import Connect
from tests.wire.client import Client

ASK = {
    "simple": ['Query "SELECT count(*) FROM ncep.winds"'],
    "parse": ['Parse "" "SELECT count(*) FROM ncep.winds" []', "Sync"],
}


@pytest.mark.parametrize("protocol", ASK)
def test_a_cancel_that_comes_while_it_is_planned_stops_it(
    protocol: str, gateway_address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = gateway_address[1]
    cancels: list[str] = []
    register = EmbeddedSession._register

    def cancels_and_registers(session: EmbeddedSession, *given: Any) -> None:
        if cancels:
            with Client(port) as other:
                other.send(cancels.pop())
                assert other.hear() == "(closed)"  # it has been obeyed
        register(session, *given)

    monkeypatch.setattr(EmbeddedSession, "_register", cancels_and_registers)
    with Client(port) as client:
        client.start()
        process_id, secret = int.from_bytes(client.key[:4], "big"), client.key[4:].hex()
        cancels.append(f'CancelRequest {process_id} {{"hex": "{secret}"}}')
        heard = client.ask(*ASK[protocol])
        assert not cancels
        assert any("57014" in line for line in heard), heard
        assert not any("ErrorResponse" in line for line in client.ask(*ASK[protocol]))


def test_time_spent_on_planning_counts(connect: Connect) -> None:
    connection = connect(autocommit=False)
    connection.execute("SET LOCAL statement_timeout = '50ms'")
    nested = "abs(" * 150 + "uwnd" + ")" * 150  # planning takes ten times as long
    with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
        connection.execute(f"SELECT {nested} FROM ncep.winds LIMIT 1")
    connection.rollback()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_cancel_between_the_statements_of_a_message_stops_the_rest(gateway_app: App) -> None:
    """It comes when one has ended and the next has not begun: the message is what is cancelled."""
    session = gateway_app.gateway.create_session()
    try:
        session.start("u", "d", {})
        results = session.run_simple("SELECT 1; SELECT 2; SELECT 3")
        next(results).end()
        session.cancel()
        with pytest.raises(QueryCanceled, match="user request") as caught:
            next(results)
        session.fail(caught.value)
        assert [list(result.take()) for result in session.run_simple("SELECT 4")]
    finally:
        gateway_app.gateway.close_session(session)
