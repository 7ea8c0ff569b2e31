"""Stars and NATURAL joins written out, in the text of a view.

A view has the columns that its query had when it was made, and joins by those that it joined by:
neither may come to mean more when one of its relations has more columns (PostgreSQL 15 manual,
CREATE VIEW). Nothing else of the text is touched.

A column that has another name by now is written under it; the view's own columns keep their names,
as in PostgreSQL: what was `SELECT a` is `SELECT b AS a`.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from gateway.errors import FeatureNotSupported
from gateway.rewrite.passes import bind
from gateway.rewrite.rewriting import Rewriting
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import STAR
from gateway.sql.meaning.merging import COMMON
from gateway.sql.names.relation import Constants, Lookup
from gateway.sql.names.scope import Block, resolved
from gateway.sql.text.dialect import parse, tokenize
from gateway.sql.text.quoting import identifier
from gateway.sql.text.trees import copied, own_nodes

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


def with_renamed(
    source: str,
    bound: exp.Expr,
    lookup: Lookup,
    constants: Constants,
    table: TableName,
    names: tuple[str, str],
) -> str:
    """A query's text with another name for a column of a table.

    Args:
        source: The query.
        bound: Its tree, with every relation under the name that it has now.
        lookup: What names in FROM mean now.
        constants: What functions of the session stand for.
        table: Whose column it is.
        names: The column's name now, and its new one.

    Raises:
        FeatureNotSupported: 0A000, a NATURAL join would be another one.
    """
    if any(join.args.get("method") == "NATURAL" for join in bound.find_all(exp.Join)):
        raise FeatureNotSupported("columns under a NATURAL join cannot be renamed")
    outputs = {
        column.this.meta.get("start")
        for column in bound.find_all(exp.Column)
        if isinstance(column.parent, exp.Select) and column.arg_key == "expressions"
    }
    state = Rewriting(copied(bound), lookup, constants)
    bind(state)
    old, new = names
    places: dict[int, int] = {}
    for block in state.analysis.blocks:
        for node in own_nodes(block.select):
            written = isinstance(node, exp.Column) and "start" in node.this.meta
            if written and node.name == old and _is_of(block, node, table):
                places[node.this.meta["start"]] = node.this.meta["end"] + 1
    for start in sorted(places, reverse=True):
        named = f" AS {identifier(old)}" if start in outputs else ""
        source = source[:start] + identifier(new) + named + source[places[start] :]
    return source


def _is_of(block: Block, column: exp.Expr, table: TableName) -> bool:
    """Whether a column is one of a table's, under the name that it has there."""
    found = resolved(block, column)
    if found is None:  # an output in ORDER BY
        return False
    tree = found[0].tree
    if not isinstance(tree, exp.Table) or TableName(tree.db, tree.name) != table:
        return False
    alias = tree.args.get("alias")
    return not any(each.name == column.name for each in (alias.columns if alias else ()))
