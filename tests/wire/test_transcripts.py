"""Every transcript: over a scripted session, over the whole gateway, and against PostgreSQL 15."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app import App
from gateway.wire.connection.server import GatewayServer
from gateway.wire.protocol.states import TABLE
from tests.wire import postgres, scripted, transcript

FOLDER = Path(__file__).parents[1] / "transcripts"
TRANSCRIPTS = sorted(FOLDER.glob("*.pg"))
# Every message in every state of a connection; the states of a COPY and of cursors need the whole.
STATES = sorted((FOLDER / "states").glob("*.pg"))
each_state = pytest.mark.parametrize("path", STATES, ids=lambda path: path.stem)
# What needs a store is played over the whole gateway only.
_STORED = ("copy_", "prepared", "cursors", "written", "encodings", "numeric")
STORED = [path for path in TRANSCRIPTS if path.stem.startswith(_STORED)]
SCRIPTED = [path for path in TRANSCRIPTS if path not in STORED]
each = pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
scripted_each = pytest.mark.parametrize("path", SCRIPTED, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def server() -> Iterator[GatewayServer]:
    with scripted.running() as server:
        yield server


def _rewrite(path: Path, port: int, request: pytest.FixtureRequest) -> None:
    theirs = None
    if postgres.missing() is None:
        theirs = transcript.replay(path, request.getfixturevalue("postgres_port"))
    transcript.rewrite(path, transcript.replay(path, port), theirs)


@scripted_each
def test_the_gateway_says_what_the_transcript_says(
    path: Path, server: GatewayServer, rewriting: bool, request: pytest.FixtureRequest
) -> None:
    port = server.address[1]
    if rewriting:
        _rewrite(path, port, request)
    transcript.play(path, transcript.GATEWAY, port)


@each
def test_the_gateway_with_all_its_parts_says_it_too(
    path: Path, gateway_app: App, rewriting: bool, request: pytest.FixtureRequest
) -> None:
    if rewriting and path in STORED:
        _rewrite(path, gateway_app.address[1], request)
    transcript.play(path, transcript.GATEWAY, gateway_app.address[1])


@each
def test_postgresql_says_it_too(path: Path, postgres_port: int) -> None:
    transcript.play(path, transcript.POSTGRES, postgres_port)


@each_state
def test_the_gateway_answers_every_message_in_every_state(
    path: Path, gateway_app: App, rewriting: bool, request: pytest.FixtureRequest
) -> None:
    port = gateway_app.address[1]
    if rewriting:
        _rewrite(path, port, request)
    transcript.play(path, transcript.GATEWAY, port)


@each_state
def test_postgresql_answers_it_too(path: Path, postgres_port: int) -> None:
    transcript.play(path, transcript.POSTGRES, postgres_port)


def test_every_state_meets_every_message() -> None:
    for path in STATES:
        scenes = {scene[0].scene for scene in transcript.read(path)}
        assert {row.name for row in TABLE.values()} <= scenes, path
