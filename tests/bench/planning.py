"""How long the largest statement of each shape that the limits let in takes: to plan and to run.

`python -m tests.bench.planning` prints a row per shape.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.app import App
from gateway.config import Settings


@dataclass(frozen=True, slots=True)
class Shape:
    """Statements of one shape, by their length: about the longest let in, and one refused."""

    text: Callable[[int], str]
    admitted: int
    refused: int
    limit: str


def _joined(separator: str, item: str, count: int) -> str:
    return separator.join(item.format(n=n) for n in range(count))


def _layers(count: int) -> str:
    """The beginning of a query over `count` sub-selects of 600 columns, one in another."""
    names = _joined(", ", "c{n}", 600)
    query = f"(SELECT {_joined(', ', 'x AS c{n}', 600)} FROM t) AS q"
    for _ in range(count):
        query = f"(SELECT {names} FROM {query}) AS q"
    return f"SELECT c0 FROM {query}"


def _chain(count: int) -> str:
    """WITH queries in a chain, each with a condition on what the one before computes."""
    steps = "c0 AS (SELECT x + 1 AS x FROM t)"
    for n in range(1, count):
        steps += f", c{n} AS (SELECT x + 1 AS x FROM c{n - 1} WHERE x > {n})"
    return f"WITH {steps} SELECT x FROM c{count - 1}"


SHAPES = {
    "chain": Shape(_chain, 57, 70, "planning_steps"),
    "sum": Shape(
        lambda n: f"SELECT {_joined(' + ', 'x', n)} FROM t", 1050, 1500, "planning_steps"
    ),
    "calls": Shape(
        lambda n: f"SELECT {'abs(' * n}x{')' * n} FROM t", 380, 420, "planning_steps"
    ),
    "and": Shape(
        lambda n: f"SELECT x FROM t WHERE {_joined(' AND ', 'x > {n}', n)}",
        1700, 2100, "planning_steps",
    ),
    "or": Shape(
        lambda n: f"SELECT x FROM t WHERE {_joined(' OR ', '(x > {n} AND y < {n})', n)}",
        1100, 1500, "planning_steps",
    ),
    "layers": Shape(
        lambda n: _layers(n), 14, 18, "planning_steps"
    ),
    "in": Shape(
        lambda n: f"SELECT x FROM t WHERE k IN ({_joined(',', '{n}', n)})",
        49_900, 51_000, "statement_nodes",
    ),
    "values": Shape(
        lambda n: f"INSERT INTO t VALUES {_joined(',', '({n}.5,{n}.25,{n})', n)}",
        12_000, 13_000, "statement_nodes",
    ),
    "case": Shape(
        lambda n: f"SELECT CASE {_joined(' ', 'WHEN k = {n} THEN {n}', n)} END FROM t",
        9_000, 11_000, "statement_nodes",
    ),
    "union": Shape(
        lambda n: _joined(" UNION ALL ", "SELECT x FROM t", n), 500, 501, "union_branches"
    ),
}  # fmt: skip


def _measure(app: App) -> None:
    session = app.gateway.create_session()
    session.start("bench", "bench", {})

    def run(text: str) -> None:
        for result in session.run_simple(text):
            result.take()
        session.sync()

    run("CREATE TABLE t (x double precision, y double precision, k integer)")
    run("INSERT INTO t VALUES (1, 2, 3)")
    for name, shape in SHAPES.items():
        began = time.perf_counter()
        run(shape.text(shape.admitted))
        print(f"{name:8} {shape.admitted:7,} {time.perf_counter() - began:6.2f} s")
    app.gateway.close_session(session)


if __name__ == "__main__":
    with App(Settings(port=0)) as _app:
        _thread = threading.Thread(target=_measure, args=(_app,))  # with the stack of a client's
        _thread.start()
        _thread.join()
