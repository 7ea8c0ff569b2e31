"""Deeply nested statements: read and printed, or refused; never a crash."""

from __future__ import annotations

import sys
import threading

import pytest

from gateway.errors import StatementTooComplex, SyntaxFault
from gateway.sql.lowered.printing import to_engine
from gateway.sql.text.dialect import parse

NESTED = {
    "brackets": lambda depth: "SELECT " + "(" * depth + "1" + ")" * depth,
    "calls": lambda depth: "SELECT " + "abs(" * depth + '"x"' + ")" * depth,
    "chain": lambda depth: "SELECT " + " + ".join(["1"] * depth),
    "conditions": lambda depth: "SELECT 1 WHERE " + " AND ".join(["TRUE"] * depth),
    "unions": lambda depth: " UNION ALL ".join(["SELECT 1"] * depth),
}


def limits() -> tuple[int, int]:
    """Frames, and bytes of stack of new threads; asking for the latter sets it to 0."""
    stack_bytes = threading.stack_size()
    threading.stack_size(stack_bytes)
    return sys.getrecursionlimit(), stack_bytes


@pytest.mark.parametrize("shape", NESTED)
def test_two_hundred_levels(shape: str) -> None:
    before = limits()
    text = NESTED[shape](200)
    (tree,) = parse(text)
    assert to_engine(tree) == text
    assert limits() == before


@pytest.mark.parametrize("shape", ["brackets", "calls"])
def test_too_deep(shape: str) -> None:
    with pytest.raises(StatementTooComplex):
        parse(NESTED[shape](20_000))


def test_an_error_deep_inside_keeps_its_place() -> None:
    text = "SELECT " + "(" * 100 + "1 +" + ")" * 100
    with pytest.raises(SyntaxFault) as caught:
        parse(text)
    assert caught.value.position == text.index(")") + 1
