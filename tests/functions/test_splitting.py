"""A text is split into so many parts and no more."""

from __future__ import annotations

import pytest

from gateway.engine.functions.matches import split
from gateway.engine.functions.result_sizes import MOST_ELEMENTS
from gateway.errors import OutOfMemory


@pytest.mark.parametrize(
    ("text", "pattern"), [("," * (MOST_ELEMENTS + 1), ","), ("a" * (MOST_ELEMENTS + 1), "[bc]")]
)
def test_too_many_parts_are_refused(text: str, pattern: str) -> None:
    with pytest.raises(OutOfMemory):
        split(text, pattern, "")


def test_a_long_text_of_few_parts_is_not() -> None:
    text = "a" * MOST_ELEMENTS + ",b"
    assert [len(part) for part in split(text, ",", "")] == [MOST_ELEMENTS, 1]
