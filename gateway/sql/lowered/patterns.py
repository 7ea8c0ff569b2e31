"""regexp_match with groups that may match nothing: NULL in their place, as in PostgreSQL.

The engine leaves such a group out, so that those after it move up. So each group is asked for by
itself, by a pattern in which it is the one group.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from gateway.sql.inputs.regexps import translated

# An escape, a bracket expression, or the opening of a group that is counted.
_PART = re.compile(r"\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]|\((?!\?)")
_MAY_BE_EMPTY = re.compile(r"\)(?:[?*]|\{0)|\|")


_ESCAPED = re.compile(r"\\(\d|&|\\)|\$")


def replacement(text: str) -> str:
    """What regexp_replace puts in, as the engine writes it: `\\&` is the whole match, `$` itself.

    >>> replacement(r"<\\1> $0 \\&")
    '<${1}> $$0 ${0}'
    """

    def written(found: re.Match[str]) -> str:
        what = found[1]
        if what is None:
            return "$$"
        return "\\" if what == "\\" else "${0}" if what == "&" else f"${{{what}}}"

    return _ESCAPED.sub(written, text)


_LINES = frozenset("nmpswqx")


def match_lines(node: exp.Expr) -> None:
    """Let regexp_match and regexp_replace read a pattern as PostgreSQL would, in place.

    Unless an option says otherwise, a newline is a character as any, whatever options there are.
    """
    given = node.expressions
    place = {"regexp_match": 2, "regexp_replace": 3}.get(node.name)
    if place is None or len(given) < 2 or node.args.get("apart") or node.args.get("read"):
        return
    node.set("read", True)
    options = given[place] if len(given) > place else None
    lines = options is None or (options.is_string and not set(options.name) & _LINES)
    if lines or options is None or not options.is_string:
        given[1].replace(_as_read(given[1], lines))
    elif given[1].is_string:  # the engine has no such options, but they may stand in a pattern
        written = f"(?{''.join(sorted(set(options.name) & _LINES))}){given[1].name}"
        given[1].replace(exp.Literal.string(translated(written)))
        kept = "".join(letter for letter in options.name if letter not in _LINES)
        node.set("expressions", [*given[:place], *([exp.Literal.string(kept)] if kept else [])])


def _as_read(pattern: exp.Expr, lines: bool = True) -> exp.Expr:
    if isinstance(pattern, exp.Literal | exp.Order) and not pattern.is_string:
        return pattern.copy()  # no text, or an order where none may be, which the engine refuses
    if not pattern.is_string:
        return exp.Anonymous(this="read_pattern", expressions=[pattern.copy()])
    written = translated(pattern.name)
    return exp.Literal.string(f"(?s){written}" if lines and "." in written else written)


def write_pattern(node: exp.Expr) -> None:
    """Let `~` and `~*` read a pattern as PostgreSQL would, in place."""
    node.expression.replace(_as_read(node.expression))


def write_replacement(node: exp.Expr) -> None:
    """Let regexp_replace put in a literal as PostgreSQL would, in place."""
    given = node.expressions
    if node.name != "regexp_replace" or node.args.get("read"):
        return
    if _is_not_the_engines(given):
        node.set("this", "every_match_replaced")
        return
    match_lines(node)
    if len(given) > 2 and given[2].is_string:
        given[2].replace(exp.Literal.string(replacement(given[2].name)))


def _is_not_the_engines(given: Sequence[exp.Expr]) -> bool:
    """Whether the engine's regexp_replace may do otherwise (`engine.functions.regexps`).

    It passes over nothing that is found right after a match, and lacks options.
    """
    if len(given) < 4:
        return False
    if given[3].is_string and not set(given[3].name) <= set("gi"):
        return True  # the engine has not these options
    if given[3].is_string and "g" not in given[3].name:
        return False
    pattern = given[1]
    if not pattern.is_string:
        return True
    try:
        empty = pc.match_substring_regex(pa.array([""]), f"^(?:{pattern.name})$")
    except pa.ArrowInvalid:  # the engine reads more than this, or says why it does not
        return False
    return bool(empty[0].as_py())


def groups_apart(node: exp.Expr) -> exp.Expr | None:
    """The array of what each group matches; None where the engine's own call gives it."""
    given = node.expressions
    pattern = given[1] if len(given) > 1 else None
    if pattern is None or not pattern.is_string or not _MAY_BE_EMPTY.search(pattern.name):
        return None
    count = sum(match[0] == "(" for match in _PART.finditer(pattern.name))
    if not count or node.args.get("apart"):
        return None
    groups = [_group(node, pattern.name, number) for number in range(count)]
    whole = exp.Anonymous(this="regexp_match", expressions=[each.copy() for each in given])
    whole.set("apart", True)
    there = exp.Not(this=exp.paren(exp.Is(this=whole, expression=exp.Null())))
    return exp.Case(ifs=[exp.If(this=there, true=exp.Array(expressions=groups))])


def _group(node: exp.Expr, pattern: str, number: int) -> exp.Expr:
    text, _, *flags = (each.copy() for each in node.expressions)
    alone = exp.Literal.string(only_group(pattern, number))
    call = exp.Anonymous(this="regexp_match", expressions=[text, alone, *flags])
    call.set("apart", True)
    return exp.Anonymous(this="array_element", expressions=[call, exp.Literal.number(1)])


def only_group(pattern: str, number: int) -> str:
    """The pattern with one of its groups, counted from 0; the others only hold together.

    >>> only_group("(x)?(b)", 1)
    '(?:x)?(b)'
    """
    seen = -1

    def opened(match: re.Match[str]) -> str:
        nonlocal seen
        if match[0] != "(":
            return match[0]
        seen += 1
        return "(" if seen == number else "(?:"

    return _PART.sub(opened, pattern)
