"""Statements that would choke a differentiator: how long each takes, and what others notice.

    python -m tests.bench.bombs

Each runs through psycopg against a server, while another client asks SELECT 1 over and over. Every
one is answered with rows or with 54001; the goal is an answer within 5 s.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg

from gateway.app import App
from gateway.config import Settings


def nested(function: str, order: int) -> str:
    """The derivative by x of that order, as grad in grad."""
    return "grad(" * order + function + ", x)" * order


def deep(opening: str, closing: str, levels: int) -> str:
    return f"grad({opening * levels}x{closing * levels}, x)"


def wide(separator: str, item: str, count: int) -> str:
    return f"grad({separator.join(item.format(n=n) for n in range(count))}, x)"


FUNCTION = """CREATE OR REPLACE FUNCTION bomb(x double precision) RETURNS double precision
LANGUAGE sql RETURN x * exp(sin(x)) / (1 + x * x)"""

# Name -> an expression over a table with the columns x and y.
BOMBS = {
    "60 calls deep": deep("sin(", ")", 60),
    "1,000 calls deep": deep("sin(", ")", 1000),
    "1,000 operators deep": deep("(", " + x)", 1000),
    "1,000 CASE deep": deep("CASE WHEN x > 0 THEN x * (", " + x) END", 1000),
    "1,000 grad deep": nested("x * x", 1000),
    "2,000 terms": wide(" + ", "sin(x * {n})", 2000),
    "10,000 terms": wide(" + ", "x * {n}.5", 10_000),
    "10,000 factors": wide(" * ", "(x + {n})", 10_000),
    "grad 12 times": nested("exp(sin(x)) * x / (1 + x * x)", 12),
    "grad 12 times of tan": nested("tan(x) * exp(x * x)", 12),
    "grad 12 times of a sine": nested("sin(x)", 12),
    "grad 12 times of a CASE": nested("CASE WHEN x > 1 THEN exp(sin(x)) ELSE tan(x * y) END", 12),
    "grad 12 times of a product": nested("x * y * sin(x * y) * cos(x * y)", 12),
    "grad 12 times of a function": nested("bomb(bomb(x * y))", 12),
    "grad 12 times of a power": nested("power(x, x)", 12),
    "grad 12 times of a choice": nested("greatest(sin(x), x * x, y) / (1 + x * x)", 12),
}


def _measure(address: tuple[str, int]) -> None:
    def connect() -> psycopg.Connection[Any]:
        host, port = address
        return psycopg.connect(host=host, port=port, user="b", dbname="b", autocommit=True)

    with connect() as client, connect() as other:
        client.execute("CREATE TABLE bombs (x double precision, y double precision)")
        client.execute(FUNCTION)
        client.execute("INSERT INTO bombs VALUES (0.5, 0.7), (1.5, -1.0)")
        print(f"{'':28}{'answer':>8}{'seconds':>9}{'worst SELECT 1 beside, ms':>28}")
        for name, expression in BOMBS.items():
            done, waits = threading.Event(), [0.0]
            asking = threading.Thread(target=_ask, args=(other, done, waits))
            asking.start()
            began = time.perf_counter()
            try:
                client.execute(f"SELECT {expression} FROM bombs").fetchall()
                answer = "rows"
            except psycopg.Error as error:
                answer = error.sqlstate or type(error).__name__
            seconds = time.perf_counter() - began
            done.set()
            asking.join()
            print(f"{name:28}{answer:>8}{seconds:>9.2f}{max(waits) * 1e3:>28.0f}", flush=True)


def _ask(client: psycopg.Connection[Any], done: threading.Event, waits: list[float]) -> None:
    while not done.is_set():
        began = time.perf_counter()
        client.execute("SELECT 1").fetchall()
        waits.append(time.perf_counter() - began)


if __name__ == "__main__":
    with App(Settings(port=0)) as _app:
        _measure(_app.address)
