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


# PostgreSQL's escapes for the ends of words and of the text, as the engine writes them.
_ENDS = {"y": r"\b", "Y": r"\B", "m": r"\b{start}", "M": r"\b{end}", "Z": r"\z"}


def as_engine_reads(pattern: str) -> str:
    r"""A pattern with the escapes that the engine writes otherwise.

    >>> as_engine_reads(r"\mred\M \\m")
    '\\b{start}red\\b{end} \\\\m'
    """
    return re.sub(r"\\(.)", lambda found: _ENDS.get(found[1], found[0]), pattern, flags=re.DOTALL)


def match_lines(node: exp.Expr) -> None:
    """Let regexp_match and regexp_replace take a newline for a character as any, in place.

    Unless an option says otherwise, whatever options there are.
    """
    given = node.expressions
    place = {"regexp_match": 2, "regexp_replace": 3}.get(node.name)
    if place is None or len(given) < 2 or not given[1].is_string or node.args.get("apart"):
        return
    options = given[place] if len(given) > place else None
    if options is None or (options.is_string and not set(options.name) & set("nmpwq")):
        given[1].replace(_literal(given[1].name))


def _literal(pattern: str) -> exp.Expr:
    lines = "(?s)" if "." in pattern else ""
    return exp.Literal.string(lines + as_engine_reads(pattern))


def write_pattern(node: exp.Expr) -> None:
    """Let `~` and `~*` read a literal as PostgreSQL would, in place."""
    if node.expression.is_string:
        node.expression.replace(_literal(node.expression.name))


def write_replacement(node: exp.Expr) -> None:
    """Let regexp_replace put in a literal as PostgreSQL would, in place."""
    given = node.expressions
    if node.name != "regexp_replace":
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
