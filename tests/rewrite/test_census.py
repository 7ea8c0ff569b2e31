"""Passes are left out by a census of the tree: every golden statement comes out as without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlglot import exp

from gateway.app import App
from gateway.errors import GatewayError
from gateway.rewrite import passes
from gateway.rewrite.census import Pass
from gateway.session.session import Session
from tests import goldens
from tests.differential.vocabulary import SETUP
from tests.examples import WANTED
from tests.functions import test_mistakes, test_queries
from tests.session import described_types, test_described_types

FOLDERS = ("queries", "derivatives", "functions", "errors", "mistakes", "sql", "described")
# Each is rewritten twice, and all of them take 10 s; with GRADWIRE_EXAMPLES all are tried.
EVERY = 1 if WANTED else 16


@pytest.fixture(scope="module")
def session(gateway_app: App) -> Iterator[Session]:
    """A session whose tables are those of the golden files."""
    session = gateway_app.gateway.create_session()
    session.start("census", "gradwire", {})
    setup = test_queries.TABLES + SETUP + test_mistakes.SETUP + described_types.SETUP
    for text in ("CREATE SCHEMA census", "SET search_path TO census", *setup.split(";\n")):
        _run(session, text)
    yield session
    _run(session, "DROP SCHEMA census CASCADE")
    gateway_app.gateway.close_session(session)


def _run(session: Session, text: str) -> None:
    for result in session.run_simple(text):
        result.take()
    session.sync()


def _rewritten(session: Session, tree: exp.Expr) -> object:
    """All that is told of a query, or of its refusal."""
    try:
        made = session._client.executor.rewrite(tree)
        return made.text, made.names, made.columns, made.parameters, made.reads
    except GatewayError as error:
        return error.code, str(error), error.hint, error.position


def _trees(session: Session, text: str) -> list[exp.Expr]:
    try:
        found = session._client.executor.statement_cache.limits.read(text)
    except GatewayError:
        return []
    return [each.tree for each in found if isinstance(each.tree, exp.Query)]


def _texts(folder: str) -> list[str]:
    if folder == "described":
        return test_described_types.texts()
    prefix = "SELECT " if folder == "functions" else ""
    return [prefix + text for file in goldens.files(folder) for text, _ in goldens.cases(file)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_pass_is_missed(folder: str, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = [tree for text in _texts(folder)[::EVERY] for tree in _trees(session, text)]
    gated = [_rewritten(session, tree) for tree in trees]
    for name in ("NAMES", "COLUMNS", "VALUES", "PASSES"):
        ungated = tuple(Pass(each.run) for each in getattr(passes, name))
        monkeypatch.setattr(passes, name, ungated)
    whole = [_rewritten(session, tree) for tree in trees]
    told = zip(trees, gated, whole, strict=True)
    differing = {tree.sql(): (some, all_) for tree, some, all_ in told if some != all_}
    assert trees
    assert not differing
