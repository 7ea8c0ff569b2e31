"""ORDER BY: a name alone is an output, inside an expression it is a column of FROM.

PostgreSQL manual, SELECT, "ORDER BY Clause". The engine takes a name for an output wherever it
stands, and would sort by another value without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from gateway.errors import AmbiguousColumn, FeatureNotSupported, GatewayError
from gateway.sql.names.scope import Block, column_node, position_of, resolve, resolves_here
from gateway.sql.text.trees import SETS, copied, nodes_of, own_nodes

# Under this key an item of ORDER BY is noted to be a column of FROM, whatever the outputs.
HIDDEN = "hidden_key"


def refuse_ambiguous(query: exp.Expr, names: Sequence[str], block: Block | None = None) -> None:
    """Refuse a name alone in ORDER BY and its like that outputs of several values have.

    Args:
        query: A SELECT, or a set operation.
        names: Those of its columns, as its user knows them.
        block: That of the SELECT.

    Raises:
        AmbiguousColumn: 42702.
    """
    if len(set(names)) == len(names):
        return
    for clause, column in _lone_names(query):
        places = [place for place, name in enumerate(names) if name == column.name]
        if len(places) < 2 or (
            clause == "GROUP BY" and block is not None and _is_of(block, column)
        ):
            continue
        items = [query.expressions[place].unalias() for place in places] if block else []
        if block is None or any(
            qualified(items[0], block) != qualified(item, block) for item in items[1:]
        ):
            message = f'{clause} "{column.name}" is ambiguous'
            raise AmbiguousColumn(message, position=position_of(column))


def _lone_names(query: exp.Expr) -> Iterator[tuple[str, exp.Column]]:
    distinct, order, group = (query.args.get(key) for key in ("distinct", "order", "group"))
    on = distinct.args.get("on") if isinstance(distinct, exp.Expr) else None
    for clause, held in (("DISTINCT ON", on), ("ORDER BY", order), ("GROUP BY", group)):
        for item in held.expressions if held is not None else ():
            value = item.this if isinstance(item, exp.Ordered) else item
            if isinstance(value, exp.Column) and not value.table:
                yield clause, value


def qualified(tree: exp.Expr, block: Block) -> exp.Expr:
    """The expression with every column under its relation's name."""
    if tree.find(exp.Query):  # where they mean something else
        return tree

    def named(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column) or node.is_star:
            return node
        source, name = resolve(block, node)
        return column_node(source.alias, name)

    return tree.transform(named)


def settle_order(block: Block) -> None:
    """Make the engine read ORDER BY as PostgreSQL does, in place.

    Raises:
        AmbiguousColumn: 42702, a name alone is that of several outputs.
        FeatureNotSupported: 0A000, a column inside an expression has the name of another output.
        GatewayError: a column of a relation means none: the engine finds out when it runs.
    """
    refuse_ambiguous(block.select, block.names or (), block)
    order = block.select.args.get("order")
    distinct = block.select.args.get("distinct")
    on = distinct.args.get("on") if distinct is not None else None
    if on is not None:
        _spell_first(on, block.select)
    if order is None:
        return
    for column in nodes_of(order, exp.Column):
        if column.table and not column.is_star and column.find_ancestor(exp.Select) is block.select:
            resolve(block, column)
    outputs = [item for item in block.select.expressions if isinstance(item, exp.Alias)]
    others = {item.alias for item in outputs if item.alias != _column_name(item.this)}
    if on is not None:
        order.set("expressions", _once(order.expressions, block.select))
    for ordered in order.expressions:
        _settle_item(ordered, block, outputs, others)


def _spell_first(on: exp.Expr, select: exp.Select) -> None:
    """A number in DISTINCT ON is an output."""
    for key in on.expressions:
        if key.is_int and 0 < int(key.name) <= len(select.expressions):
            key.replace(meant(key, select))


def _settle_item(
    ordered: exp.Expr, block: Block, outputs: list[exp.Alias], others: set[str]
) -> None:
    distinct = block.select.args.get("distinct")
    clash = next((c for c in _inside(ordered) if c.name in others and _is_of(block, c)), None)
    if clash is None and distinct is None:
        return
    same = next((item for item in outputs if item.this == ordered.this), None)
    if same is not None and (distinct is None or distinct.args.get("on") is None):
        ordered.set("this", exp.Column(this=exp.to_identifier(same.alias, quoted=True)))
    elif clash is not None and distinct is not None:
        raise FeatureNotSupported(
            f'"{clash.name}" in an expression of ORDER BY is a column of FROM, '
            "and an output has the same name",
            hint="Give the output another name.",
            position=position_of(clash),
        )
    elif clash is not None:
        ordered.meta[HIDDEN] = True


def _once(keys: list[exp.Expr], select: exp.Select) -> list[exp.Expr]:
    """The keys without those that are there before; the engine breaks on one twice."""
    values = [meant(key.this, select) for key in keys]
    return [key for n, key in enumerate(keys) if values[n] not in values[:n]]


def _inside(ordered: exp.Expr) -> Iterator[exp.Column]:
    """Columns that are not the whole item, nor inside a subquery."""
    if isinstance(ordered.this, exp.Column) and not ordered.this.table:
        return
    for node in own_nodes(ordered):
        if isinstance(node, exp.Column) and not node.is_star:
            yield node


def _column_name(tree: exp.Expr) -> str:
    bare = tree.unnest()
    return bare.name if isinstance(bare, exp.Column) else ""


def _is_of(block: Block, column: exp.Column) -> bool:
    try:
        return resolves_here(block, column)
    except GatewayError:  # ambiguous: the engine reports it, in its turn
        return False


def order_meant(select: exp.Select) -> exp.Expr:
    """The ORDER BY of a query as a window has it, where a number or a name is no output."""
    order: exp.Expr = select.args["order"].copy()
    for item in order.expressions:
        item.set("this", meant(item.this, select))
    return order


def meant(by: exp.Expr, select: exp.Select) -> exp.Expr:
    """What an item of ORDER BY stands for: a number or a name alone is an output."""
    if isinstance(by, exp.Literal) and by.is_int:
        if not 0 < int(by.name) <= len(select.expressions):
            return copied(by)
        numbered_item: exp.Expr = select.expressions[int(by.name) - 1].unalias()
        return copied(numbered_item)
    if isinstance(by, exp.Column) and not by.table:
        for item in select.expressions:
            if item.alias_or_name == by.name:
                named_item: exp.Expr = item.unalias()
                return copied(named_item)
    return copied(by)


def written_keys(holder: exp.Expr | None) -> Iterator[exp.Expr]:
    """The keys of a GROUP BY as they are written, those in sets too, without parentheses."""
    for key in holder.expressions if holder is not None else ():
        while isinstance(key, exp.Paren):
            key = key.this
        yield from written_keys(key) if isinstance(key, (*SETS, exp.Tuple)) else (key,)


def grouping_keys(block: Block) -> list[exp.Expr]:
    """What the keys of GROUP BY are: a column of FROM comes before an output of its name."""
    keys = written_keys(block.select.args.get("group"))
    return [key if _is_of_from(key, block) else _output(key, block.select) for key in keys]


def _is_of_from(key: exp.Expr, block: Block) -> bool:
    return isinstance(key, exp.Column) and (bool(key.table) or resolves_here(block, key))


def _output(key: exp.Expr, select: exp.Select) -> exp.Expr:
    """The output that a key of GROUP BY names, by its place or its name; else itself."""
    if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(select.expressions):
        item: exp.Expr = select.expressions[int(key.name) - 1]
        return item.unalias()
    if isinstance(key, exp.Column) and not key.table:
        named = (each.unalias() for each in select.expressions if each.alias_or_name == key.name)
        return next(named, key)
    return key
