"""Constants of a text's conditions taken out of it, so that texts that differ in them are one.

`SELECT * FROM t WHERE id = 17` becomes `SELECT * FROM t WHERE id = $1` and 17. Nothing is parsed:
a constant is lifted where a look at what is around it says that it is one side of a comparison
whose other side is a column, and the whole of that side; there no rule asks for its value, and a
parameter of its type means the same. Others stay in the text: those of the SELECT list, of LIMIT,
of ORDER BY 1, arguments of functions, `DATE '2020-01-01'`. A text that one look does not
understand (comments, dollar quotes, escapes, parameters of its own) is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.types import FLOAT8, INT8, TEXT, Type

# A longer text has so much else in it that it will hardly come again with other constants.
LONGEST_TEXT = 2_000

_WORD = r'(?:[^\W\d]\w*|"[^"]+")'
_NAME = rf"{_WORD}(?:\.{_WORD}){{0,2}}"
# Whole numbers that are a bigint, fractions that a double holds exactly as they are written.
_NUMBER = r"(?:(?<=\s)-)?(?:\d{1,18}|\d{1,9}\.\d{1,6})(?![\w.])"
_VALUE = rf"(?:{_NUMBER}|'[^'\\\0]*'(?!'))"
_ENDS = r"\s*(?:$|;|\)|\b(?:AND|OR|GROUP|HAVING|ORDER|LIMIT|OFFSET|WHERE|JOIN|LEFT|INNER)\b)"

# The first of these that fits, from left to right: so nothing is found inside quotes.
_PIECES = re.compile(
    rf"""
      (?P<before> \b (?:WHERE|AND|OR|ON|HAVING) \b \s* (?:NOT\s+)? \(* \s* {_NAME}
        (?: \s* (?:=|<>|!=|<=|>=|<|>) \s* | \s+ BETWEEN \s+ ) )
      (?P<value> {_VALUE} )
      (?P<between> \s+ AND \s+ (?= {_VALUE} {_ENDS} ) )?
      (?(between) (?P<high> {_VALUE} ) )
      (?= {_ENDS} )
    | (?P<left_alone> (?<!\w) '[^'\\]*' | (?<!\w) "[^"]*" )
    | (?P<unknown> '|"|--|/\*|\$|\\|\0 )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BETWEEN = re.compile(r"BETWEEN\s+\Z", re.IGNORECASE)
_QUERY = re.compile(r"\s*SELECT\b", re.IGNORECASE)


# UPDATE and DELETE of rows that are named by constants, to constants or a step away. Of the whole
# text nothing else may be there.
_CONSTANT = r"(?:-?(?:\d{1,18}|\d{1,9}\.\d{1,6})(?![\w.])|'[^'\\\0]*'(?!\s*'))"
_SET = rf"{_WORD}\s*=\s*(?:{_WORD}\s*[-+*]\s*)?{_CONSTANT}"
_IS = rf"{_NAME}\s*=\s*{_CONSTANT}"
_CHANGE = re.compile(
    rf"""\s*(?:UPDATE\s+{_NAME}\s+SET\s+{_SET}(?:\s*,\s*{_SET})*|DELETE\s+FROM\s+{_NAME})
    \s+WHERE\s+{_IS}(?:\s+AND\s+{_IS})*\s*;?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_GIVEN = re.compile(rf"""(?:"[^"]*"|[=+*-]\s*(?P<value>{_CONSTANT}))""")


@dataclass(frozen=True, slots=True)
class Lifted:
    """A text without its constants.

    Args:
        shape: The text, `$1`, `$2`, ... in the place of the constants.
        values: The constants, in that order.
        types: Their types: a quoted one is text.
    """

    shape: str
    values: tuple[int | float | str, ...]
    types: tuple[Type, ...]


def lift(text: str) -> Lifted | None:
    """A query without the constants of its conditions; None where none can be lifted.

    Of an UPDATE or DELETE, which must be of the simplest kind, those that are assigned, too.

    >>> lift("SELECT a FROM t WHERE b = 'x' AND c BETWEEN 1 AND 2.5 LIMIT 3").shape
    'SELECT a FROM t WHERE b = $1 AND c BETWEEN $2 AND $3 LIMIT 3'
    >>> lift("UPDATE t SET a = a + -5, b = 'x' WHERE id = 7").shape
    'UPDATE t SET a = a + $1, b = $2 WHERE id = $3'
    """
    if len(text) > LONGEST_TEXT:
        return None
    if not _QUERY.match(text):
        return _lifted_change(text)
    parts: list[str] = []
    found: list[str] = []
    end = 0
    for piece in _PIECES.finditer(text):
        if piece["unknown"]:
            return None
        if piece["left_alone"] or bool(_BETWEEN.search(piece["before"])) != bool(piece["high"]):
            continue
        for group in ("value", "high") if piece["high"] else ("value",):
            found.append(piece[group])
            parts += [text[end : piece.start(group)], f"${len(found)}"]
            end = piece.end(group)
    if not found:
        return None
    return _without(found, [*parts, text[end:]])


def _lifted_change(text: str) -> Lifted | None:
    if not _CHANGE.fullmatch(text) or "--" in text:
        return None
    parts: list[str] = []
    found: list[str] = []
    end = 0
    for piece in _GIVEN.finditer(text):
        if piece["value"]:
            found.append(piece["value"])
            parts += [text[end : piece.start("value")], f"${len(found)}"]
            end = piece.end("value")
    return _without(found, [*parts, text[end:]])


def _without(found: list[str], parts: list[str]) -> Lifted:
    values = tuple(map(_read, found))
    shape = "".join(parts)
    return Lifted(shape, values, tuple(_TYPES[type(value)] for value in values))


_TYPES: dict[type, Type] = {int: INT8, float: FLOAT8, str: TEXT}


def _read(constant: str) -> int | float | str:
    if constant.startswith("'"):
        return constant[1:-1]
    # PostgreSQL reads a numeric, which has no -0.
    return float(constant) + 0.0 if "." in constant else int(constant)
