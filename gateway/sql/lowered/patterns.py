"""regexp_match with groups that may match nothing: NULL in their place, as in PostgreSQL.

The engine leaves such a group out, so that those after it move up. So each group is asked for by
itself, by a pattern in which it is the one group.
"""

from __future__ import annotations

import re

from sqlglot import exp

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


def write_replacement(node: exp.Expr) -> None:
    """Let regexp_replace put in a literal as PostgreSQL would, in place."""
    given = node.expressions
    if node.name == "regexp_replace" and len(given) > 2 and given[2].is_string:
        given[2].replace(exp.Literal.string(replacement(given[2].name)))


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
