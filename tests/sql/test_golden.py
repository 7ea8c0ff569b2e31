"""Golden files: the statement as it was sent, `----`, what the engine is given (or the error)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.sql.dialect import parse, to_engine

FILES = sorted((Path(__file__).parent.parent / "golden" / "sql").glob("*.test"))


def printed(text: str) -> str:
    try:
        return "\n".join(to_engine(tree) for tree in parse(text))
    except GatewayError as error:
        place = f" at {error.position}" if error.position else ""
        return f"{error.code}{place}: {error}"


def cases(file: Path) -> list[tuple[str, str]]:
    parts = [block.partition("\n----\n") for block in file.read_text().strip().split("\n\n")]
    return [(text, output) for text, _, output in parts]


def test_there_are_golden_files() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_printed_for_the_engine(file: Path, rewriting: bool) -> None:
    found = [(text, printed(text)) for text, _ in cases(file)]
    if rewriting:
        blocks = (f"{text}\n----\n{output}".rstrip() for text, output in found)
        file.write_text("\n\n".join(blocks) + "\n")
    assert found == cases(file)
