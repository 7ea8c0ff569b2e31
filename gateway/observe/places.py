"""Where in this program an error was raised or a notice made: the fields F, L and R of the wire.

PostgreSQL sends file, line and routine with every error and notice (`\\errverbose` of psql shows
them): whoever reports a fault has the place at hand.
"""

from __future__ import annotations

import sys
from types import CodeType
from typing import NamedTuple

_PACKAGE = __name__.partition(".")[0]


class Place(NamedTuple):
    """A line of this program."""

    file: str  # as Python spells its module: session/dispatch.py
    line: int
    routine: str


def raised_at(error: BaseException) -> Place | None:
    """The innermost line of this program that the error went through; None if not raised."""
    found = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if str(step.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE:
            found = code, step.tb_lineno
        step = step.tb_next
    return None if found is None else _place(*found)


def made_at(depth: int) -> Place:
    """The line that called, `depth` frames above the caller of this function."""
    frame = sys._getframe(depth + 1)
    return _place(frame.f_code, frame.f_lineno)


def _place(code: CodeType, line: int) -> Place:
    path = code.co_filename.replace("\\", "/")
    return Place(path.rpartition(f"/{_PACKAGE}/")[2], line, code.co_name)
