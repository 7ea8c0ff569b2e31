"""Walks a query once and gives every SELECT its block (`scope`).

Tables are looked up in a plain mapping, so this module knows no catalogue. Stars are expanded and
NATURAL joins spelt out on the way where every column is known, because a later pass may add
columns to a subquery.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest

from sqlglot import exp

from gateway.errors import InvalidColumnReference
from gateway.sources.table import TableName
from gateway.sql.meaning.merging import (
    as_output,
    merge,
    merged_column,
    refuse_repeated,
    spell_out_merged,
)
from gateway.sql.meaning.naming import number_repeated
from gateway.sql.names.grouped_joins import is_join
from gateway.sql.names.ordering import refuse_ambiguous, settle_order
from gateway.sql.names.relation import ColumnInfo, Relations
from gateway.sql.names.scope import (
    Analysis,
    Block,
    Listed,
    Output,
    Query,
    Source,
    position_of,
)
from gateway.sql.text.trees import copied, is_comma, own_nodes
from gateway.sql.types.inference import alternatives_type, info_of, type_of

# On a column that a star stood for: where the star stands in the text.
STAR = "star"


def analyse(tree: exp.Expr, relations: Relations) -> Analysis:
    """The blocks of a query; expands its stars in place where the columns are known."""
    analysis = Analysis()
    analysis.outputs = _Walker(relations, analysis).query(tree, None, {}).outputs
    return analysis


@dataclass(frozen=True, slots=True)
class _Common:
    """A CTE in scope: analysed, or (inside its own definition) only named."""

    columns: dict[str, ColumnInfo] | None
    query: Query | None
    cte: exp.CTE


class _Walker:
    def __init__(self, relations: Relations, analysis: Analysis) -> None:
        self.relations = relations
        self.analysis = analysis

    def query(self, tree: exp.Expr, parent: Block | None, ctes: Mapping[str, _Common]) -> Query:
        ctes = self._with(tree, parent, ctes)
        if isinstance(tree, exp.Subquery):
            inner = self.query(tree.this, parent, ctes)
            return Query(tree, inner.branches, inner.outputs)
        if isinstance(tree, exp.SetOperation):
            left = self.query(tree.left, parent, ctes)
            right = self.query(tree.right, parent, ctes)
            refuse_ambiguous(tree, [output.shown for output in left.outputs])
            pairs = zip_longest(left.outputs, right.outputs[: len(left.outputs)])
            outputs = [Output(o.name, None, None, o.shown, _sides(o, other)) for o, other in pairs]
            return Query(tree, left.branches + right.branches, outputs)
        if isinstance(tree, exp.Select):
            block = self._block(tree, parent, ctes)
            shown = block.names or ("",) * len(tree.expressions)
            outputs = [
                Output(item.alias_or_name, item.unalias(), block, name)
                for item, name in zip(tree.expressions, shown, strict=True)
            ]
            return Query(tree, [block], outputs)
        self._expressions(tree, parent, ctes)
        if isinstance(tree, exp.Values):
            columns = value_columns(tree, None) or {}
            return Query(tree, [], [Output(n, None, None, info=i) for n, i in columns.items()])
        return Query(tree, [], [])

    def _with(
        self, tree: exp.Expr, parent: Block | None, ctes: Mapping[str, _Common]
    ) -> Mapping[str, _Common]:
        clause = tree.args.get("with_")
        if clause is None:
            return ctes
        inside = dict(ctes)
        for cte in clause.expressions:
            if clause.args.get("recursive"):
                inside[cte.alias] = _Common(self._seed_columns(cte, parent, inside), None, cte)
            query = self.query(cte.this, parent, inside)
            columns = _columns(query, cte.args.get("alias"))
            _complete(cte.args.get("alias"), columns)
            inside[cte.alias] = _Common(columns, query, cte)
        return inside

    def _seed_columns(
        self, cte: exp.CTE, parent: Block | None, ctes: Mapping[str, _Common]
    ) -> dict[str, ColumnInfo] | None:
        """Names (and types) that the non-recursive term gives to the reference to itself."""
        seed = cte.this.left if isinstance(cte.this, exp.SetOperation) else cte.this
        silent = _Walker(self.relations, Analysis())
        return _columns(silent.query(copied(seed), parent, ctes), cte.args.get("alias"))

    def _block(
        self, select: exp.Select, parent: Block | None, ctes: Mapping[str, _Common]
    ) -> Block:
        block = Block(select, parent)
        self.analysis.open(block)
        start = select.args.get("from_")
        if start is not None:
            self._relation(start.this, block, ctes)
        first = 0
        for join in select.args.get("joins") or ():
            first = len(block.listed) if is_comma(join) else first
            self._join(join, block, ctes, first)
        for lateral in select.args.get("laterals") or ():
            _add(block, Source(lateral.alias_or_name, lateral, None))
        _expand_stars(block)
        refuse_repeated(block)
        spell_out_merged(block)
        block.names = number_repeated(select)
        settle_order(block)
        self._expressions(select, block, ctes)
        self.analysis.add(block)
        return block

    def _join(self, join: exp.Join, block: Block, ctes: Mapping[str, _Common], first: int) -> None:
        """One join, on whose left stands what is listed from `first`."""
        middle = len(block.listed)
        self._relation(join.this, block, ctes)
        merge(join, block, first, middle)
        if join.side:  # an outer join makes every column on its other side nullable
            for source in block.sources:
                source.columns = _nullable(source.columns)

    def _relation(self, tree: exp.Expr, block: Block, ctes: Mapping[str, _Common]) -> None:
        first = len(block.listed)
        if isinstance(tree, exp.Subquery) and not tree.alias and is_join(tree.this):
            self._relation(tree.this, block, ctes)  # FROM (a JOIN b ...)
        else:
            _name(tree, block)
            source = self._source(tree, block, ctes)
            _complete(tree.args.get("alias"), source.columns)
            _add(block, source)
        for join in tree.args.get("joins") or ():
            self._join(join, block, ctes, first)

    def _source(self, tree: exp.Expr, block: Block, ctes: Mapping[str, _Common]) -> Source:
        alias = tree.args.get("alias")
        if isinstance(tree, exp.Table):
            return self._table(tree, alias, ctes, block)
        if isinstance(tree, exp.Subquery):
            outer = block.parent
            query = self.query(tree.this, outer, self._with(tree, outer, ctes))
            columns = _of_view(_columns(query, alias), tree.meta.get("view", 0))
            return Source(tree.alias, tree, columns, query, shown=_shown(query, alias))
        if isinstance(tree, exp.Values):
            self._expressions(tree, block.parent, ctes)
            return Source(tree.alias, tree, value_columns(tree, alias))
        if isinstance(tree, exp.Lateral) and isinstance(tree.this, exp.Subquery):
            return _derived(tree, self.query(tree.this.this, block, ctes), alias)
        if isinstance(tree, exp.Unnest):
            self._expressions(tree, block, ctes)
        if isinstance(tree, exp.Unnest) and (columns := _named(alias)) is not None:
            for name, listed in zip(columns, tree.expressions, strict=False):  # ORDINALITY is last
                call = exp.Anonymous(this="unnest", expressions=[listed.copy()])
                columns[name] = ColumnInfo(type_of(call, block))
            return Source(tree.alias_or_name, tree, columns, shown=tree.meta.get("shown", {}))
        return Source(tree.alias_or_name, tree, _named(alias))

    def _table(
        self,
        tree: exp.Table,
        alias: exp.TableAlias | None,
        ctes: Mapping[str, _Common],
        block: Block,
    ) -> Source:
        name = tree.alias_or_name
        common = None if tree.db else ctes.get(tree.name)
        if common is not None:
            columns = _renamed(_pairs(common.columns), alias)
            seen = Source(name, tree, columns, common.query, common.cte, common.query is None)
            if common.query is not None:
                seen.shown = _shown(common.query, alias, common.cte.args.get("alias"))
            return seen
        if isinstance(tree.this, exp.Anonymous):
            self._subqueries(tree.this, block, ctes)
            return Source(name, tree, _of_call(tree.this, alias, block))
        known = self.relations.get(TableName(tree.db, tree.name))
        columns = _named(alias) if known is None else _renamed(list(known.items()), alias)
        return Source(name, tree, columns)

    def _expressions(
        self, tree: exp.Expr, block: Block | None, ctes: Mapping[str, _Common]
    ) -> None:
        """Analyse the subqueries that stand in expressions; those of FROM and WITH are done."""
        for key, value in tree.args.items():
            if key in ("with_", "from_"):
                continue
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, exp.Join):
                    child = child.args.get("on")
                if isinstance(child, exp.Expr):
                    self._subqueries(child, block, ctes)

    def _subqueries(self, tree: exp.Expr, block: Block | None, ctes: Mapping[str, _Common]) -> None:
        for node in own_nodes(tree):
            if isinstance(node, exp.Query):
                query = self.query(node, block, ctes)
                if block is not None:
                    block.inner[id(node)] = query


def _add(block: Block, source: Source) -> None:
    """Put a relation after the others of FROM."""
    block.sources.append(source)
    names = ["*"] if source.columns is None else list(source.columns)
    block.listed += [Listed(name, (source,), (source,)) for name in names]


def _sides(left: Output, right: Output | None) -> tuple[Output, ...]:
    """The columns that a set operation joins, where both are told."""
    return () if right is None else (left, right)


def _columns(query: Query, alias: exp.TableAlias | None) -> dict[str, ColumnInfo] | None:
    """The query's columns under the names of an alias list, where there is one."""
    if any(output.name == "*" for output in query.outputs) or not query.outputs:
        if isinstance(query.tree, exp.Values):
            return value_columns(query.tree, alias)
        return _named(alias)
    return _renamed([(output.name, info_of(output)) for output in query.outputs], alias)


def _of_view(columns: dict[str, ColumnInfo] | None, oid: int) -> dict[str, ColumnInfo] | None:
    """The columns as those of view `oid`; as they are when it is 0."""
    if not oid or columns is None:
        return columns
    numbered = enumerate(columns.items(), 1)
    return {name: replace(info, origin=(oid, n)) for n, (name, info) in numbered}


def value_columns(tree: exp.Values, alias: exp.TableAlias | None) -> dict[str, ColumnInfo] | None:
    """Columns of VALUES: column1, column2, ... unless the alias names them."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in tree.expressions]
    if not rows:
        return _named(alias)
    infos = [ColumnInfo(alternatives_type(values)) for values in zip(*rows, strict=False)]
    return _renamed([(f"column{n}", info) for n, info in enumerate(infos, 1)], alias)


def _renamed(
    columns: list[tuple[str, ColumnInfo]] | None, alias: exp.TableAlias | None
) -> dict[str, ColumnInfo] | None:
    """Columns by name; an alias list names the first ones, which may have had one name before."""
    if columns is None:
        return _named(alias)
    names = [identifier.name for identifier in (alias.columns if alias else ())]
    old = [name for name, _ in columns]
    infos = [info for _, info in columns]
    return dict(zip(names + old[len(names) :], infos, strict=False))


def _pairs(columns: dict[str, ColumnInfo] | None) -> list[tuple[str, ColumnInfo]] | None:
    return None if columns is None else list(columns.items())


def _named(alias: exp.TableAlias | None) -> dict[str, ColumnInfo] | None:
    if alias is None or not alias.columns:
        return None
    return {identifier.name: ColumnInfo() for identifier in alias.columns}


def _of_call(
    call: exp.Expr, alias: exp.TableAlias | None, block: Block
) -> dict[str, ColumnInfo] | None:
    """The columns of a table function: of a type that is told where there is one alone."""
    columns = _named(alias)
    if columns is None or len(columns) > 1:
        return columns
    return dict.fromkeys(columns, ColumnInfo(type_of(call, block)))


def _nullable(columns: dict[str, ColumnInfo] | None) -> dict[str, ColumnInfo] | None:
    if columns is None:
        return None
    return {name: replace(info, nullable=True) for name, info in columns.items()}


def _derived(tree: exp.Expr, query: Query, alias: exp.TableAlias | None) -> Source:
    columns = _columns(query, alias)
    return Source(tree.alias, tree, columns, query, shown=_shown(query, alias))


def _shown(query: Query, *lists: exp.TableAlias | None) -> dict[str, str]:
    """The name that the user knows for each numbered column that no alias list renames."""
    renamed = max(len(alias.columns) if alias is not None else 0 for alias in lists)
    outputs = query.outputs[renamed:]
    return {o.name: o.shown for o in outputs if o.shown not in ("", o.name)}


def _complete(alias: exp.TableAlias | None, columns: dict[str, ColumnInfo] | None) -> None:
    """Let an alias list name every column: the engine, unlike PostgreSQL, takes no shorter one.

    Raises:
        InvalidColumnReference: 42P10, it names more.
    """
    if alias is not None and alias.columns and columns is not None:
        if len(alias.columns) > len(columns):
            what = "WITH query" if isinstance(alias.parent, exp.CTE) else "table"
            raise InvalidColumnReference(
                f'{what} "{alias.name}" has {len(columns)} columns available but '
                f"{len(alias.columns)} columns specified",
                position=position_of(alias) if what != "table" else 0,
            )
        rest = list(columns)[len(alias.columns) :]
        added = [exp.to_identifier(name, quoted=True) for name in rest]
        alias.set("columns", alias.columns + added)


def _name(tree: exp.Expr, block: Block) -> None:
    """Give a subquery without a name one, and the column of a table function its own."""
    alias = tree.args.get("alias")
    if isinstance(tree, exp.Subquery | exp.Values) and not tree.alias:
        columns = alias.columns if alias is not None else []
        name = exp.to_identifier(f"unnamed_subquery_{len(block.sources)}", quoted=True)
        tree.set("alias", exp.TableAlias(this=name, columns=columns))
    elif _gives_one_column(tree) and not (alias is not None and alias.columns):
        function = "unnest" if isinstance(tree, exp.Unnest) else tree.this.name.lower()
        name = exp.to_identifier(tree.alias or function, quoted=True)
        tree.set("alias", exp.TableAlias(this=name, columns=[name.copy()]))
    elif isinstance(tree, exp.Unnest) and not (tree.args.get("offset") or tree.alias_column_names):
        names = ["unnest", *(f"unnest {n}" for n in range(2, len(tree.expressions) + 1))]
        name, *listed = (
            exp.to_identifier(n, quoted=True) for n in (tree.alias or "unnest", *names)
        )
        tree.set("alias", exp.TableAlias(this=name, columns=listed))
        tree.meta["shown"] = dict.fromkeys(names[1:], "unnest")  # each is called so


def _gives_one_column(tree: exp.Expr) -> bool:
    """True of a table function whose one column PostgreSQL names after the relation."""
    if isinstance(tree, exp.Unnest):
        return len(tree.expressions) == 1
    call = tree.this if isinstance(tree, exp.Table) else None
    return isinstance(call, exp.Anonymous) and call.name.lower() == "generate_series"


def _expand_stars(block: Block) -> None:
    items: list[exp.Expr] = []
    for item in block.select.expressions:
        items += [item] if (found := columns_of_star(block, item)) is None else found
    if any(new is not old for new, old in zip_longest(items, block.select.expressions)):
        block.select.set("expressions", items)


def columns_of_star(block: Block, item: exp.Expr) -> list[exp.Expr] | None:
    """The columns that `*` or `t.*` stands for; None when it is not a star or they are unknown."""
    if isinstance(item, exp.Star) and not any(item.args.values()):
        listed, star = block.listed, item
    elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
        named = block.source(item.table)
        if named is None or named.columns is None:
            return None
        listed, star = [Listed(name, (named,), (named,)) for name in named.columns], item.this
    else:
        return None
    open_ones = [each for each in listed if each.name == "*"]
    unknown = len(open_ones) == len(listed) and bool(listed or not block.sources)
    if unknown or (open_ones and block.merges):
        return None
    items = [_as_item(each) for each in listed]
    for each in items if "start" in star.meta else ():
        each.meta[STAR] = star.meta["start"]
    return items


def _as_item(listed: Listed) -> exp.Expr:
    source = listed.sources[0]
    if listed.name == "*":
        return exp.Column(this=exp.Star(), table=exp.to_identifier(source.alias, True))
    shown = listed.name if listed.is_merged else source.shown.get(listed.name, listed.name)
    return as_output(merged_column(listed), shown)
