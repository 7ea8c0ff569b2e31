"""Golden files of derivatives: the query as it was sent, the SQL that runs (or the error)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import GatewayError
from tests import goldens
from tests.autodiff.relations import rewritten


def printed(text: str) -> str:
    try:
        return rewritten(text).text
    except GatewayError as error:
        caret = "\n" + " " * (error.position - 1) + "^" if error.position else ""
        hint = f"\nhint: {error.hint}" if error.hint else ""
        return f"{error.code} {error}{hint}\n{text}{caret}"


@pytest.mark.parametrize("file", goldens.files("derivatives"), ids=lambda file: file.stem)
def test_rewritten(file: Path, rewriting: bool) -> None:
    goldens.check(file, printed, rewriting)
