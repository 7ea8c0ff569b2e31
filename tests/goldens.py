"""Golden files: what goes in, `----`, what comes out; cases are apart by an empty line.

`pytest --rewrite` writes what came out, and the diff is what the reviewer reads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def files(folder: str) -> list[Path]:
    """The golden files of one folder; there must be some."""
    found = sorted((GOLDEN / folder).glob("*.test"))
    assert found, f"no golden files in {folder}"
    return found


def cases(file: Path) -> list[tuple[str, str]]:
    """(input, expected output) of each case."""
    blocks = file.read_text().strip().split("\n\n")
    parts = [f"{block}\n".partition("\n----\n") for block in blocks]
    return [(text, output.rstrip()) for text, _, output in parts]


def check(file: Path, produce: Callable[[str], str], rewriting: bool) -> None:
    """Compare what `produce` makes of each input with the file, or write it there."""
    found = [(text, produce(text).rstrip()) for text, _ in cases(file)]
    if rewriting:
        file.write_text("\n\n".join(f"{text}\n----\n{output}" for text, output in found) + "\n")
    assert found == cases(file)
