"""What all tests share: a gateway over the bundled dataset, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from gateway.app import App
from gateway.config import Dataset, Settings
from tests.examples import WANTED
from tests.wire import postgres as real

Connect = Callable[..., psycopg.Connection[Any]]

# No deadline: a shared machine may be slow at any example. No database: what failed once is found
# again by the same examples.
settings.register_profile("gradwire", deadline=None, derandomize=not WANTED, database=None)
settings.load_profile("gradwire")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite",
        action="store_true",
        default=False,
        help="write what came out into golden files and transcripts, for the reviewer to read",
    )


@pytest.fixture
def rewriting(request: pytest.FixtureRequest) -> bool:
    """Whether `--rewrite` was given."""
    return bool(request.config.getoption("--rewrite"))


@pytest.fixture(scope="session")
def gateway_app() -> Iterator[App]:
    """A gateway in this process: ncep.winds, ncep.height, ncep.sst, and no user tables yet."""
    settings = Settings(port=0, datasets=[Dataset(name="ncep", uri="bundled:ncep")])
    with App(settings) as app:
        yield app


@pytest.fixture(scope="session")
def gateway_address(gateway_app: App) -> tuple[str, int]:
    """Host and port of that gateway."""
    return gateway_app.address


@pytest.fixture
def connect(gateway_address: tuple[str, int]) -> Iterator[Connect]:
    """Makes psycopg connections, in autocommit unless told otherwise; all closed afterwards.

    Every test shares one gateway: give tables names of the test's own, and drop them.
    """
    made: list[psycopg.Connection[Any]] = []

    def open_connection(**options: Any) -> psycopg.Connection[Any]:
        host, port = gateway_address
        place = {"host": host, "port": port}
        defaults = {"user": "tester", "dbname": "gradwire", "autocommit": True, **place}
        made.append(psycopg.connect(**(defaults | options)))
        return made[-1]

    yield open_connection
    for connection in made:
        connection.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Connect]:
    """Makes connections to a real PostgreSQL 15, or skips, saying why there is none."""
    reason = real.missing()
    if reason is not None:
        pytest.skip(reason)
    with real.running() as port:

        def open_connection(**options: Any) -> psycopg.Connection[Any]:
            defaults = {"user": "postgres", "dbname": "postgres", "autocommit": True}
            return psycopg.connect(host="127.0.0.1", port=port, **(defaults | options))

        yield open_connection
