"""Golden files: the statement as it was sent, `----`, what the engine is given (or the error)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.sql.lowered.printing import to_engine
from gateway.sql.text.dialect import parse
from tests import goldens


def printed(text: str) -> str:
    try:
        return "\n".join(to_engine(tree) for tree in parse(text))
    except GatewayError as error:
        place = f" at {error.position}" if error.position else ""
        return f"{error.code}{place}: {error}"


@pytest.mark.parametrize("file", goldens.files("sql"), ids=lambda file: file.stem)
def test_printed_for_the_engine(file: Path, rewriting: bool) -> None:
    goldens.check(file, printed, rewriting)
