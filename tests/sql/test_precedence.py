"""Random expressions without parentheses: our parser and printer against PostgreSQL itself.

PostgreSQL evaluates the text; the engine evaluates what we print for it. A text that PostgreSQL
takes for a syntax error must be one here; one that fails while it runs is passed over.
"""

from __future__ import annotations

import math
import random
from typing import Any

import psycopg
import pytest

from gateway.errors import SyntaxFault
from gateway.sql.lowered.printing import to_engine
from gateway.sql.text.dialect import parse
from tests.sql import engine

ROW = "(SELECT 2.0::float8 AS p, 3.0::float8 AS q, 0.5::float8 AS r, 5::int8 AS i, 3::int8 AS j,"
ROW += " 6::int8 AS k, true AS t, false AS f, NULL::boolean AS n) AS v"
COMPARISONS = ("=", "<>", "!=", "<", ">", "<=", ">=")


class Writer:
    """Writes random expressions of a sort; every choice comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)

    def chain(self, atom: Any, operators: tuple[str, ...], most: int) -> str:
        parts = [atom()]
        for _ in range(self.pick.randrange(most)):
            parts += [self.pick.choice(operators), atom()]
        return " ".join(parts)

    def real(self, most: int = 5) -> str:
        return self.chain(self.real_atom, ("+", "-", "*", "/", "^", "^"), most)

    def real_atom(self) -> str:
        prefix = self.pick.choice(("", "", "- ", "+ ", "- - ", "@ ", "|/ @ "))
        suffix = self.pick.choice(("", "", "::float8"))
        return prefix + self.pick.choice(("p", "q", "r", "2", "(p - q)")) + suffix

    def whole(self, most: int = 5) -> str:
        operators = ("+", "-", "*", "%", "&", "|", "#", "<< 1 |", ">> 1 &")
        return self.chain(self.whole_atom, operators, most)

    def whole_atom(self) -> str:
        return self.pick.choice(("", "", "- ", "~ ")) + self.pick.choice("ijk72")

    def text(self) -> str:
        return self.chain(self.pick_text, ("||",), 4)

    def pick_text(self) -> str:
        return self.pick.choice(("'a'", "'b%'", "i::text", "i + j || 'c'", "'_'"))

    def truth(self) -> str:
        return self.chain(self.truth_atom, ("AND", "OR", "AND NOT", "OR NOT"), 4)

    def truth_atom(self) -> str:
        forms = (
            lambda: self.pick.choice("tfn"),
            lambda: f"NOT {self.pick.choice('tfn')}",
            lambda: f"{self.whole(3)} {self.pick.choice(COMPARISONS)} {self.whole(3)}",
            lambda: f"{self.real(3)} {self.pick.choice(COMPARISONS)} {self.real(3)}",
            lambda: f"{self.whole(2)}{self.maybe_not()}BETWEEN {self.whole(2)} AND {self.whole(2)}",
            lambda: f"{self.whole(2)} BETWEEN SYMMETRIC {self.whole(2)} AND {self.whole(2)}",
            lambda: f"{self.whole(2)}{self.maybe_not()}IN ({self.whole(2)}, {self.whole(2)})",
            lambda: f"{self.text()}{self.maybe_not()}LIKE {self.text()}",
            lambda: f"{self.text()} {self.pick.choice(('~', '!~', '~*', '~~', '!~~'))} 'a'",
            lambda: f"{self.truth_part()} = {self.truth_part()}",
        )
        return self.pick.choice(forms)() + self.tail()

    def truth_part(self) -> str:
        return self.pick.choice(("t", "f", "NOT t", "i < j", "i IN (1, 5)", "i IS NULL"))

    def tail(self) -> str:
        tails = ("", "", "", " IS TRUE", " IS NOT NULL", " IS NOT FALSE", " IS DISTINCT FROM t")
        return self.pick.choice((*tails, " ISNULL", " IS NULL = f", " IS NOT DISTINCT FROM i < j"))

    def maybe_not(self) -> str:
        return self.pick.choice((" ", " NOT "))


def ours(text: str) -> Any:
    try:
        (tree,) = parse(text)
    except SyntaxFault:
        return "syntax error"
    return engine.rows(to_engine(tree))[0][0]


def theirs(real: psycopg.Connection, text: str) -> Any:
    try:
        (row,) = real.execute(text, prepare=False).fetchall()
        return row[0]
    except psycopg.errors.SyntaxError:
        return "syntax error"


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-12, abs_tol=1e-300)
    return left == right


@pytest.mark.parametrize("sort", ["real", "whole", "text", "truth"])
@pytest.mark.parametrize("seed", range(3))
def test_expressions_mean_what_they_mean_to_postgresql(
    real: psycopg.Connection, sort: str, seed: int
) -> None:
    writer, wrong, compared = Writer(seed), [], 0
    for _ in range(150):
        expression = getattr(writer, sort)()
        text = f"SELECT {expression} AS x FROM {ROW}"
        try:
            expected = theirs(real, text)
        except psycopg.Error:
            continue  # division by zero, a type PostgreSQL does not combine: nothing to compare
        compared += 1
        try:
            found = ours(text)
        except Exception as error:  # collected, to show every difference at once
            found = error
        if not same(found, expected):
            wrong.append((expression, expected, found))
    assert not wrong
    assert compared > 30


# What the manual's table says, by hand: the text, and the parenthesised text that it stands for.
@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("-2 ^ 2", "power(-2, 2)"),
        ("2 ^ 3 ^ 2", "power(power(2, 3), 2)"),
        ("2 * 3 ^ 2", "2 * power(3, 2)"),
        ("2 ^ -1 ^ 2", "power(power(2, -1), 2)"),
        ("~ 5 + 1", "(-1 - (5 + 1))"),
        ("1 - 2 - 3", "1 - 2 - 3"),
        ("1 - (2 - 3)", "1 - (2 - 3)"),
        ("NOT 1 = 2", "NOT 1 = 2"),
        ("1 = 2 IS NULL", "(1 = 2) IS NULL"),
        ("1 IS DISTINCT FROM 2 = 3", "1 IS DISTINCT FROM (2 = 3)"),
        ("1 IS DISTINCT FROM 2 OR true", "(1 IS DISTINCT FROM 2) OR TRUE"),
        ("'a' || 'b' ~ 'c'", "'a' || 'b' ~ 'c'"),  # || binds closer to the engine, too
        ("'a' || ('b' ~ 'c')", "'a' || ('b' ~ 'c')"),
    ],
)
def test_table(text: str, meaning: str) -> None:
    (tree,) = parse(f"SELECT {text}")
    spaced = to_engine(tree).removeprefix("SELECT ")
    assert spaced == meaning


@pytest.mark.parametrize("text", ["1 < 2 < 3", "1 = 2 = 3", "1 = 2 < 3", "2 ** 3", "1 +"])
def test_not_an_expression(text: str) -> None:
    with pytest.raises(SyntaxFault):
        parse(f"SELECT {text}")
