"""Log lines on standard error, as text or JSON, which show no value that a client sent.

An error's message may quote a literal, a row or a password; so a line tells an error by its class,
and a traceback by its places alone. `log_statement_text` lifts that, for whoever may read it all.

A client is told the place as well, in the fields F, L and R of every error and notice: whoever
reports a fault has it at hand.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import CodeType, TracebackType
from typing import NamedTuple

_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s [%(threadName)s] %(name)s: %(message)s"

_Exception = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


def write_log(level: str, form: str = "text", *, values: bool = False) -> None:
    """Write the gateway's log lines from `level` up to standard error.

    Args:
        level: debug, info, warning or error.
        form: text, or json: an object a line.
        values: Show what clients sent: texts of statements, messages of errors.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form, values=values))
    logger = logging.getLogger("gateway")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
    # Asked for by a setting of their own.
    logging.getLogger("gateway.statements").setLevel(min(logger.level, logging.INFO))


def formatter(form: str, *, values: bool = False) -> logging.Formatter:
    """What makes a line of a record; see `write_log`."""
    return JsonLines(values) if form == "json" else TextLines(values)


class Withheld:
    """An error in a log line: its class and SQLSTATE, and its message where values are shown."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        code = getattr(self.error, "code", "")
        return f"{type(self.error).__name__} {code}".strip()


class TextLines(logging.Formatter):
    """A line of text; fields as key=value."""

    def __init__(self, values: bool) -> None:
        super().__init__(_FORMAT, "%Y-%m-%d %H:%M:%S")
        self._values = values

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(_shown(record, self._values))
        fields: Mapping[str, object] = getattr(record, "fields", {})
        pairs = (f"{name}={_pair(value)}" for name, value in fields.items() if value is not None)
        return " ".join([line, *pairs])

    def formatException(self, ei: _Exception) -> str:
        return super().formatException(ei) if self._values else places(ei[1])  # type: ignore[arg-type]


class JsonLines(logging.Formatter):
    """A JSON object a line: time, level, thread, logger, message, and the fields."""

    def __init__(self, values: bool) -> None:
        super().__init__()
        self._values = values

    def format(self, record: logging.LogRecord) -> str:
        record = _shown(record, self._values)
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, object] = {
            "time": moment,
            "level": record.levelname.lower(),
            "thread": record.threadName,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields: Mapping[str, object] = getattr(record, "fields", {})
        told |= {name: value for name, value in fields.items() if value is not None}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            told["traceback"] = (
                "".join(traceback.format_exception(error)) if self._values else places(error)
            )
        return json.dumps(told, ensure_ascii=False, default=str)


def _shown(record: logging.LogRecord, values: bool) -> logging.LogRecord:
    """The record with the messages of errors, where values are shown."""
    if not values or not isinstance(record.args, tuple):
        return record
    shown = logging.makeLogRecord(record.__dict__)
    shown.args = tuple(
        f"{each}: {each.error}" if isinstance(each, Withheld) else each for each in record.args
    )
    return shown


def _pair(value: object) -> str:
    """A value as logfmt writes it: bare, or as a JSON string where it must be quoted."""
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    plain = text and text.isprintable() and not set(text) & {" ", '"', "=", "\\"}
    return text if plain else json.dumps(text, ensure_ascii=False)


def places(error: BaseException | None) -> str:
    """Where an error and those behind it came from, without their messages."""
    lines: list[str] = []
    while error is not None:
        lines.append(f"{type(error).__name__}")
        frames = traceback.extract_tb(error.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        error = error.__cause__ or error.__context__
    return "\n".join(lines)


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
