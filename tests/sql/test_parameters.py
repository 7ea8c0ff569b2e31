"""`$n`: how many, and the types that the text alone tells."""

from __future__ import annotations

import pytest
from sqlglot import exp

from gateway.errors import SyntaxFault, UndefinedParameter
from gateway.sql.lowered.printing import to_engine
from gateway.sql.text.dialect import parse
from gateway.sql.types.parameters import declared_types, literal_type, number
from gateway.types import DATE

TOLD = {
    "SELECT 1": {},
    "SELECT $1": {},
    "SELECT $1::int4, $1, $3::float8[]": {1: "int4", 3: "_float8"},
    "SELECT CAST(($1) AS date), (-$2)::numeric(4, 1)": {1: "date", 2: "numeric"},
    "SELECT 1 LIMIT $2 OFFSET $1": {1: "int8", 2: "int8"},
    "SELECT 1 FETCH FIRST $1 ROWS ONLY": {1: "int8"},
    "SELECT a LIKE $1, $2 || a, a ~ $3": {1: "text", 2: "text", 3: "text"},
    "SELECT 1 WHERE $1 AND a": {1: "bool"},
    "SELECT a = $1, a = 'x', $2 = 'x'": {2: "text"},
    "SELECT d = $1, d BETWEEN $2 AND $3, d IN ($4, 'x')": {
        1: "date",
        2: "date",
        3: "date",
        4: "date",
    },
    "SELECT d = ANY ($1)": {1: "_date"},
    "SELECT $1 = $2": {},
}


@pytest.mark.parametrize("text", TOLD)
def test_types_that_the_text_tells(text: str) -> None:
    (tree,) = parse(text)
    found = declared_types(tree, lambda node: DATE if node.name == "d" else literal_type(node))
    assert {number: row.name for number, row in found.items()} == TOLD[text]


def numbers(tree: exp.Expr) -> set[int]:
    return {number(node) for node in tree.find_all(exp.Parameter)}


def test_numbers_are_read_and_printed() -> None:
    (tree,) = parse("SELECT $3, $1")
    assert numbers(tree) == {1, 3}
    assert to_engine(tree) == "SELECT $3, $1"


def test_parameters_without_a_space_between_are_no_dollar_quote() -> None:
    (tree,) = parse("SELECT power($1,$2), $$a $1,$2$$, $tag$ $3 $tag$, '$4'")
    assert numbers(tree) == {1, 2}
    strings = [node.this for node in tree.expressions[1:]]
    assert strings == ["a $1,$2", " $3 ", "$4"]


@pytest.mark.parametrize("text", ["SELECT $0", "SELECT $65536"])
def test_no_such_parameter(text: str) -> None:
    with pytest.raises(UndefinedParameter):
        numbers(parse(text)[0])


@pytest.mark.parametrize("text", ["SELECT ?", "SELECT :x", "SELECT %s", "SELECT $x"])
def test_other_systems_placeholders(text: str) -> None:
    with pytest.raises(SyntaxFault):
        parse(text)
