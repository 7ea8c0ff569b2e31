"""Stars and NATURAL joins written out, in the text of a view.

A view has the columns that its query had when it was made, and joins by those that it joined by:
neither may come to mean more when one of its relations has more columns (PostgreSQL 15 manual,
CREATE VIEW). Nothing else of the text is touched.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from gateway.rewrite.passes import bind
from gateway.rewrite.rewriting import Rewriting
from gateway.sql.meaning.analysis import STAR
from gateway.sql.meaning.merging import COMMON
from gateway.sql.names.relation import Constants, Lookup
from gateway.sql.text.dialect import parse, tokenize
from gateway.sql.text.quoting import identifier

_NATURAL = "natural"  # on a join, under this key, its number among those of the text
# What stands after a relation in FROM, at the same depth; all are reserved.
_AFTER = frozenset(
    {
        "NATURAL", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "ON", "USING", "WHERE",
        "GROUP", "HAVING", "WINDOW", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET",
        "FETCH", "FOR", ",", ";",
    }
)  # fmt: skip

_Edit = tuple[int, int, str]  # from where to where in the text, and what stands there


def written_out(source: str, lookup: Lookup, constants: Constants) -> str:
    """A query's text with columns in the place of each star and NATURAL that is known to mean them.

    Args:
        source: One query that plans.
        lookup: What a name in FROM means.
        constants: What functions of the session stand for.
    """
    if "*" not in source and "natural" not in source.lower():
        return source
    tree = parse(source)[0]
    places = dict(place for star in tree.find_all(exp.Star) if (place := _place(star)))
    joins = _natural_joins(source, tree)
    if not places and not joins:
        return source
    state = Rewriting(tree, lookup, constants)
    bind(state)
    edits = [*_stars(state.tree, places), *_joins(state.tree, joins)]
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text + source[end:]
    return source


def _stars(tree: exp.Expr, places: dict[int, tuple[int, int]]) -> list[_Edit]:
    columns: dict[int, list[str]] = {}
    for select in tree.find_all(exp.Select):
        for item in select.expressions:
            if item.meta.get(STAR) in places:
                columns.setdefault(item.meta[STAR], []).append(_written(item))
    return [(*places[star], ", ".join(each)) for star, each in columns.items()]


def _natural_joins(source: str, tree: exp.Expr) -> list[tuple[int, int]]:
    """Where each NATURAL stands, and where the relation after it ends; numbers on their joins."""
    joins = [join for join in tree.find_all(exp.Join) if join.method == "NATURAL"]
    if not joins:
        return []
    tokens = tokenize(source)
    words = [
        "" if token.token_type in (TokenType.IDENTIFIER, TokenType.STRING) else token.text.upper()
        for token in tokens
    ]
    places = [place for place, word in enumerate(words) if word == "NATURAL"]
    starts = {id(join): min(_starts(join.this), default=-1) for join in joins}
    if len(places) != len(joins) or len({*starts.values()}) != len(joins):
        return []
    for number, join in enumerate(sorted(joins, key=lambda join: starts[id(join)])):
        join.meta[_NATURAL] = number
    return [(tokens[place].start, tokens[_last(words, place)].end + 1) for place in places]


def _starts(tree: exp.Expr) -> list[int]:
    return [node.meta["start"] for node in tree.walk() if "start" in node.meta]


def _last(words: list[str], natural: int) -> int:
    """The place of the last token of the relation that a NATURAL joins."""
    depth, place = 0, words.index("JOIN", natural) + 1
    while place < len(words):
        if depth == 0 and (words[place] in _AFTER or words[place] == ")"):
            break
        depth += (words[place] == "(") - (words[place] == ")")
        place += 1
    return place - 1


def _joins(tree: exp.Expr, places: list[tuple[int, int]]) -> list[_Edit]:
    edits: list[_Edit] = []
    for join in tree.find_all(exp.Join):
        if (number := join.meta.get(_NATURAL)) is None or COMMON not in join.meta:
            continue
        start, end = places[number]
        names = ", ".join(identifier(name) for name in join.meta[COMMON])
        edits.append((start, start + len("NATURAL "), ""))
        edits.append((end, end, f" USING ({names})" if names else " ON true"))
    return edits


def _place(star: exp.Star) -> tuple[int, tuple[int, int]] | None:
    """Where a star of a SELECT list stands, and from where to where its `t.*` does."""
    parent = star.parent
    parts: list[exp.Expr] = [star]
    if isinstance(parent, exp.Column):
        parts = [part for part in parent.parts if "start" in part.meta]
        parent = parent.parent
    if not isinstance(parent, exp.Select) or "start" not in star.meta:
        return None
    start = min(part.meta["start"] for part in parts)
    return star.meta["start"], (start, star.meta["end"] + 1)


def _written(item: exp.Expr) -> str:
    """A column that a star gives, as a client would write it."""
    column = item.unalias()
    if not isinstance(column, exp.Column):  # what FULL JOIN USING merges
        return identifier(item.alias_or_name)
    text = f"{identifier(column.table)}.{identifier(column.name)}"
    named = item.alias_or_name != column.name
    return f"{text} AS {identifier(item.alias_or_name)}" if named else text
