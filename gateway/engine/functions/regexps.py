"""Every place where a pattern matches: regexp_count, _instr, _substr and _replace (manual, 9.7.3).

By Arrow's regular expressions (RE2), which take linear time; Python's `re` may take exponential
time and holds every client's thread meanwhile. What one search finds is marked with NUL, which no
text holds, so that one call tells every match in its surroundings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.result_sizes import MOST_BYTES, MOST_ELEMENTS, admit
from gateway.engine.functions.rows import Row
from gateway.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    InvalidRegularExpression,
)
from gateway.sql.inputs.regexps import translated

_MARK = "\x00"
# PostgreSQL's options -> RE2's; a newline is matched by everything unless an option says otherwise.
_OPTIONS = {"i": {"i": True}, "c": {"i": False}, "n": {"m": True, "s": False},
            "m": {"m": True, "s": False}, "s": {"m": False, "s": True},
            "p": {"m": False, "s": False}, "w": {"m": True, "s": True}}  # fmt: skip
_CONTEXT = re.compile(r"(?<!\\)(?<!\[)\^|\\[bBAyY]")


@dataclass(frozen=True, slots=True)
class Match:
    """Where a match is, counted in characters from 0, and what was asked for of it."""

    start: int
    end: int
    texts: tuple[str, ...]


def count(text: str, pattern: str, start: int, flags: str) -> int:
    """How often the pattern matches from a character on."""
    refuse_global("regexp_count", flags)
    return len(found_in(text, pattern, flags, start))


def place(text: str, pattern: str, start: int, nth: int, after: int, flags: str, part: int) -> int:
    """Where the nth match begins, or ends with `after`; 0 where there is none."""
    refuse_global("regexp_instr", flags)
    _check("endoption", after, 0, 1)
    _check("n", nth, 1)
    _check("subexpr", part, 0)
    found = found_in(text, pattern, flags, start)
    if part and len(found) >= nth:
        raise FeatureNotSupported("regexp_instr with a subexpression is not supported")
    if len(found) < nth:
        return 0
    return (found[nth - 1].end if after else found[nth - 1].start) + 1


def part(
    text: str, pattern: str, start: int, nth: int, flags: str, subexpression: int
) -> str | None:
    """The nth match, or what a group of it matched; None where there is none."""
    refuse_global("regexp_substr", flags)
    _check("n", nth, 1)
    _check("subexpr", subexpression, 0)
    found = found_in(text, pattern, flags, start)
    if subexpression > groups_in(pattern, flags) or len(found) < nth:
        return None
    if not subexpression:
        return text[found[nth - 1].start : found[nth - 1].end]
    return groups_of(text, pattern, flags, start)[nth - 1][subexpression - 1]


def replace(text: str, pattern: str, new: str, start: int, nth: int, flags: str) -> str:
    """The text with the nth match replaced; with `nth` 0, every one."""
    _check("n", nth, 0)
    found = found_in(text, pattern, flags.replace("g", ""), start, new)
    kept = found if nth == 0 else found[nth - 1 : nth]
    parts, end = [], 0
    for match in kept:
        parts += [text[end : match.start], *match.texts]
        end = match.end
    return "".join([*parts, text[end:]])


def replace_by_flags(text: str, pattern: str, new: str, flags: str) -> str:
    """The text with the first match replaced; with the flag g, every one."""
    if flags[:1].isdigit():
        raise InvalidParameterValue(
            f'invalid regular expression option: "{flags[:1]}"',
            hint="If you meant to use regexp_replace() with a start parameter, "
            "cast the fourth argument to integer explicitly.",
        )
    return replace(text, pattern, new, 1, 0 if "g" in flags else 1, flags)


def _check(name: str, value: int, least: int, most: int | None = None) -> None:
    if value < least or (most is not None and value > most):
        raise InvalidParameterValue(f'invalid value for parameter "{name}": {value}')


def refuse_global(name: str, flags: str) -> None:
    if "g" in flags:
        raise InvalidParameterValue(f'{name}() does not support the "global" option')


def found_in(text: str, pattern: str, flags: str, start: int = 1, *asked: str) -> list[Match]:
    """Every match that begins at a character or after it, counted from 1, in order.

    Args:
        asked: What is to be told of each match, as regexp_replace's third argument says it.

    Raises:
        FeatureNotSupported: 0A000, what it matches depends on what stands before `start`.
    """
    _check("start", start, 1)
    written = _written(pattern, flags)
    skipped = min(start - 1, len(text))
    if start - 1 > len(text):
        return []
    if skipped and _CONTEXT.search(written):
        raise FeatureNotSupported("an anchor in a pattern with a start is not supported")
    into = _MARK.join(["", "\\0", *map(_replacement, asked), ""])
    news = sum(len(new) + 1 for new in asked)
    references = sum(new.count("\\") for new in asked)
    room = (len(text) - skipped + 1) * (news + 3) + len(text) * (1 + references)
    admit(room, MOST_BYTES, "matches, in bytes,")
    marked, stride = _search(text[skipped:], written, into), 2 + len(asked)
    admit(marked.count(_MARK) // stride, MOST_ELEMENTS, "matches")
    parts, place_, found = marked.split(_MARK), skipped, []
    for number in range(0, len(parts) - 1, stride):
        begin = place_ + len(parts[number])
        place_ = begin + len(parts[number + 1])
        found.append(Match(begin, place_, tuple(parts[number + 2 : number + stride])))
    return _with_empty(found, written, asked)


def _search(text: str, pattern: str, into: str) -> str:
    try:
        marked = pc.replace_substring_regex(pa.array([text]), pattern, into)
    except pa.ArrowInvalid as error:
        raise InvalidRegularExpression(f"invalid regular expression: {_reason(error)}") from error
    found: str = marked[0].as_py()
    return found


def _reason(error: Exception) -> str:
    return str(error).removeprefix("Invalid regular expression: ")


def _with_empty(found: list[Match], pattern: str, asked: tuple[str, ...]) -> list[Match]:
    """PostgreSQL finds nothing, too, right after a match, which RE2 passes over."""
    if not found or not _search("", f"^(?:{pattern})$", "x"):
        return found
    if _CONTEXT.search(pattern) or "$" in pattern:
        return found
    bare = tuple(
        re.sub(r"\\(.)", lambda each: "\\" if each[1] == "\\" else "", new) for new in asked
    )
    starts = {match.start for match in found}
    more = [
        Match(match.end, match.end, bare)
        for match in found
        if match.end > match.start and match.end not in starts
    ]
    return sorted([*found, *more], key=lambda match: (match.start, match.end))


def _written(pattern: str, flags: str) -> str:
    """The pattern as RE2 reads it, under PostgreSQL's options."""
    options = {"i": False, "m": False, "s": True}
    for flag in flags:
        if flag == "q":
            pattern = re.escape(pattern)
        elif flag == "x":
            raise FeatureNotSupported("the regular expression option x is not supported")
        elif flag in _OPTIONS:
            options |= _OPTIONS[flag]
        else:
            raise InvalidParameterValue(f'invalid regular expression option: "{flag}"')
    on = "".join(name for name, wanted in options.items() if wanted)
    plain = translated(pattern, re2=True)
    return f"(?{on}){plain}" if on else plain


def _replacement(new: str) -> str:
    r"""What is put in, as RE2 reads it: `\&` is the whole match, `\\` a backslash."""
    return re.sub(r"\\(.?)", _reference, new, flags=re.DOTALL)


def _reference(found: re.Match[str]) -> str:
    if found[1].isdigit():
        return found[0]
    if found[1] == "&":
        return "\\0"
    return "\\\\" if found[1] in ("", "\\") else f"\\\\{found[1]}"


# An escape, a bracket expression, the opening of any group, the end of one.
_PART = re.compile(r"\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]|\((?:\?:)?|\)", re.DOTALL)
_AT_ONCE = 9  # groups that a replacement can name


def groups_in(pattern: str, flags: str = "") -> int:
    """How many groups of a pattern are counted."""
    return 0 if "q" in flags else sum(part[0] == "(" for part in _PART.finditer(pattern))


def groups_of(text: str, pattern: str, flags: str, start: int = 1) -> list[list[str | None]]:
    """What each group matched, of every match; None of one that took no part."""
    count, found = groups_in(pattern, flags), found_in(text, pattern, flags, start)
    rows: list[list[str | None]] = [[] for _ in found]
    for first in range(0, count, _AT_ONCE):
        wanted = range(first, min(first + _AT_ONCE, count))
        asked = [f"\\{number + 1}" for number in range(len(wanted))]
        again = found_in(text, _rewritten(pattern, wanted), flags, start, *asked)
        for row, match in zip(rows, again, strict=True):
            whole = text[match.start : match.end]
            row += [
                part if part or _must_take_part(whole, pattern, flags, number) else None
                for number, part in zip(wanted, match.texts, strict=True)
            ]
    return rows


def _must_take_part(whole: str, pattern: str, flags: str, number: int) -> bool:
    """Whether a match is none without a group of it, which matched nothing."""
    without = _written(_rewritten(pattern, range(0), number), flags)
    return not _search(whole, f"\\A(?:{without})\\z", _MARK).count(_MARK)


def _rewritten(pattern: str, counted: range, never: int = -1) -> str:
    """The pattern with some of its groups counted; in place of the group `never` what never is."""
    parts, end, number, inside = [], 0, -1, 0
    for found in _PART.finditer(pattern):
        part = found[0]
        number += part == "("
        if not inside:
            parts.append(pattern[end : found.start()])
        end = found.end()
        if inside or (part == "(" and number == never):
            inside += (part[0] == "(") - (part == ")")
            part = "" if inside else r"[^\s\S]"
        elif part == "(":
            part = "(" if number in counted else "(?:"
        parts.append(part)
    return "".join([*parts, pattern[end:]])


_TEXT, _BIGINT, _INTEGER = pa.string(), pa.int64(), pa.int32()
ROWS: tuple[Row, ...] = (
    ("matches_counted", count, [_TEXT, _TEXT, _BIGINT, _TEXT], _INTEGER),
    ("match_place", place, [_TEXT, _TEXT, *[_BIGINT] * 3, _TEXT, _BIGINT], _INTEGER),
    ("match_part", part, [_TEXT, _TEXT, _BIGINT, _BIGINT, _TEXT, _BIGINT], _TEXT),
    ("matches_replaced", replace, [*[_TEXT] * 3, _BIGINT, _BIGINT, _TEXT], _TEXT),
    ("read_pattern", lambda pattern: f"(?s){translated(pattern)}", [_TEXT], _TEXT),
    ("every_match_replaced", replace_by_flags, [_TEXT] * 4, _TEXT),
)
