"""Definitions and writes to the gateway and to PostgreSQL 15: the same answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Connect
from tests.session.test_against_postgresql import answers
from tests.store import (
    assigning_scripts,
    constraint_scripts,
    ddl_scripts,
    dml_scripts,
    domain_scripts,
    enum_scripts,
    key_scripts,
    view_scripts,
)
from tests.wire import postgres as real

SCRIPTS = {
    **ddl_scripts.SCRIPTS,
    **dml_scripts.SCRIPTS,
    **key_scripts.SCRIPTS,
    **assigning_scripts.SCRIPTS,
    **view_scripts.SCRIPTS,
    **constraint_scripts.SCRIPTS,
    **enum_scripts.SCRIPTS,
    **domain_scripts.SCRIPTS,
}


@pytest.fixture(scope="module")
def reference() -> Iterator[int]:
    """The port of a real PostgreSQL."""
    reason = real.missing()
    if reason is not None:
        pytest.skip(reason)
    with real.running() as port:
        yield port


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_gateway_answers_as_postgresql_does(
    name: str, connect: Connect, reference: int
) -> None:
    options = {"user": "postgres", "dbname": "postgres", "prepare_threshold": None}
    ours = connect(**options)
    with connect(**options, host="127.0.0.1", port=reference) as theirs:
        for text in SCRIPTS[name]:
            assert (text, answers(ours, text)) == (text, answers(theirs, text))


def test_rows_that_a_view_would_not_show(connect: Connect, reference: int) -> None:
    options = {"user": "postgres", "dbname": "postgres", "prepare_threshold": None}
    ours = connect(**options)
    with connect(**options, host="127.0.0.1", port=reference) as theirs:
        for text in view_scripts.CHECKED:
            assert (text, answers(ours, text)) == (text, answers(theirs, text))


def test_on_conflict_changes_no_row_that_a_view_does_not_show(
    connect: Connect, reference: int
) -> None:
    options = {"user": "postgres", "dbname": "postgres", "prepare_threshold": None}
    ours = connect(**options)
    with connect(**options, host="127.0.0.1", port=reference) as theirs:
        refuses = theirs.info.server_version >= 150020
        found = [answers(ours, text) for text in view_scripts.HIDDEN]
        if refuses:
            expected = [answers(theirs, text) for text in view_scripts.HIDDEN]
            assert found == expected
    assert sum("55000" in str(each) for each in found) == 9
