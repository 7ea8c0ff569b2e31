"""What an expression of a loss takes from rows before and after its own, as joins by their numbers.

The rows of a SELECT are numbered in the order of a window: by row_number for a frame in ROWS, by
rank in RANGE, where rows that are alike have one number, by dense_rank in GROUPS. `lag(e)` is the
`e` of the row whose number is less by 1, and an aggregate over a frame that of a group of rows,
each of which is in the frames of some numbers:

    avg(e) OVER (ORDER BY k ROWS 1 PRECEDING)
    SELECT avg(r.e), r.n - d.n FROM rows AS r, (VALUES (-1), (0)) AS d(n) GROUP BY r.n - d.n

A frame without a bound is found by comparing each number with each. LIMIT leaves the rows of some
numbers. Left as they are, for the stages to refuse: EXCLUDE, bounds that are no literals, RANGE
with a distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isinf

from sqlglot import exp

from gateway.autodiff.relational.queries import named, over_rows
from gateway.autodiff.relational.weights import has_weights
from gateway.sql.lowered.relations.per_key import among, numbered
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.scope import Block, column_node
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import copied, own_nodes

_NUMBER, _PART, _COLUMN, _VALUE = "∂n", "∂part", "∂c", "∂value"  # columns
_ROWS, _OTHERS, _FRAMES = "∂o", "∂r", "∂f"  # relations
_NUMBERINGS = {"ROWS": "row_number", "RANGE": "rank", "GROUPS": "dense_rank"}
_SINGLE = frozenset({"lag", "lead", "first_value"})  # of one row
_MOST_OFFSETS = 100  # rows of a frame that are written out; of more, each is compared with each

# Noted of a key of an order that was not asked for: it decides between rows that are alike.
TIE = "tie"

Reads = Callable[[exp.Expr], bool]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Which rows a window takes: those whose numbers, less the row's own, are within bounds.

    Args:
        numbering: The function that numbers the rows.
        first, last: The bounds, infinite where there is none.
        counted: They are numbers themselves, whatever the row's own is.
    """

    numbering: str
    first: float
    last: float
    counted: bool = False


def join_neighbours(block: Block, reads: Reads) -> bool:
    """Make joins of a SELECT's windows with an order, and of its LIMIT; whether it had any.

    Args:
        block: A SELECT of a loss, laid open, changed in place.
        reads: Whether a query reads what changes.
    """
    select = block.select
    if not reads(select):
        return False
    if block.picks_rows:
        return _number_picked(block)
    if block.is_grouped or any(item.find(exp.Query) for item in select.expressions):
        return False
    windows = [(each, frame) for each in _windows(select) if (frame := _frame(each)) is not None]
    if not windows:
        return False
    _join_windows(block, windows)
    return True


def _windows(select: exp.Select) -> Iterator[exp.Window]:
    for window in (node for item in select.expressions for node in own_nodes(item)):
        if isinstance(window, exp.Window) and window.args.get("order") is not None:
            yield window


def _call(window: exp.Window) -> exp.Expr:
    made: exp.Expr = window.this.this if isinstance(window.this, exp.Filter) else window.this
    return made


def _frame(window: exp.Window) -> _Frame | None:
    """The rows that a window takes; None where it is not followed."""
    call, spec = _call(window), window.args.get("spec")
    if not isinstance(call, exp.Anonymous) or window.args.get("alias"):
        return None
    name = call.name.lower()
    if name in ("lag", "lead"):
        far = 1 if len(call.expressions) == 1 else _distance(call.expressions[1])
        number = far if far is None or name == "lead" else -far
        return None if number is None else _Frame("row_number", number, number)
    kind = "RANGE" if spec is None else spec.args["kind"].upper()
    start, end = (_bound(spec, side) for side in ("start", "end"))
    if start is None or end is None or end < start or (spec and spec.args.get("exclude")):
        return None
    if kind == "RANGE" and any(bound and not isinf(bound) for bound in (start, end)):
        return None
    if name == "first_value":
        return _Frame("row_number", 1, 1, counted=True) if start == -inf and end >= 0 else None
    return _Frame(_NUMBERINGS[kind], start, end) if has_weights(call) else None


def _distance(written: exp.Expr) -> int | None:
    bare = written.unnest()
    return int(bare.this) if isinstance(bare, exp.Literal) and bare.is_int else None


def _bound(spec: exp.Expr | None, side: str) -> float | None:
    """How far a frame reaches, less than 0 before the row; None: it is no literal."""
    written = None if spec is None else spec.args.get(side)
    if spec is None or written is None:
        return -inf if side == "start" else 0
    if not isinstance(written, exp.Expr) and written.upper() == "CURRENT ROW":
        return 0
    far = _distance(written) if isinstance(written, exp.Expr) else inf
    sign = -1 if spec.args[f"{side}_side"].upper() == "PRECEDING" else 1
    return None if far is None else sign * far


@dataclass(frozen=True, slots=True)
class _Order:
    """One order of the rows of a SELECT: their numbers in it, the keys of its partitions.

    Args:
        column: What the column of the numbers is called.
        number: The numbers.
        parts: The keys, by what their columns are called.
    """

    column: str
    number: exp.Window
    parts: dict[str, exp.Expr]

    def same(self, one: str, other: str) -> list[exp.Expr]:
        """Whether rows of two relations are of one partition."""
        return [
            exp.NullSafeEQ(this=column_node(one, part), expression=column_node(other, part))
            for part in self.parts
        ]

    def beside(self, query: exp.Select, alias: str, number: exp.Expr) -> exp.Join:
        """A query's row of this number beside each row."""
        same = exp.EQ(this=column_node(alias, self.column), expression=number)
        on = exp.and_(*self.same(_ROWS, alias), same, copy=False)
        return exp.Join(this=subquery(query, alias), side="LEFT", on=on)

    def apart(self, relation: str, distance: float) -> exp.Expr:
        """The number of a row so far from that of a relation."""
        number = column_node(relation, self.column)
        return exp.Add(this=number, expression=_literal(distance)) if distance else number


def _join_windows(block: Block, windows: Sequence[tuple[exp.Window, _Frame]]) -> None:
    """Put a column of the numbered rows, or of what is made of them, in each window's place."""
    select = block.select
    names = [output_name(item) for item in select.expressions]
    read = [n for i in select.expressions for n in own_nodes(i) if isinstance(n, exp.Column)]
    columns = {copied(column): f"{_COLUMN} {n}" for n, column in enumerate(read)}
    orders = _orders(windows, columns)
    items = [named(copied(column), name) for column, name in columns.items()]
    for order in {each.column: each for each in orders}.values():
        items += [named(copied(part), name) for name, part in order.parts.items()]
        items.append(named(order.number, order.column))
    rows = over_rows(block, items)
    for column in read:
        column.replace(column_node(_ROWS, columns[column]))
    joins = []
    for n, ((window, frame), order) in enumerate(zip(windows, orders, strict=True), 1):
        taken = _one if _call(window).name.lower() in _SINGLE else _framed
        value, join = taken(window, frame, order, f"{_OTHERS} {n}", rows)
        joins.append(join)
        window.replace(value)
    made = [named(i.unalias(), n) for i, n in zip(select.expressions, names, strict=True)]
    select.set("expressions", made)
    for clause in ("laterals", "where"):
        select.set(clause, None)
    select.from_(subquery(rows, _ROWS), copy=False)
    select.set("joins", joins)


def _orders(windows: Sequence[tuple[exp.Window, _Frame]], ties: Iterable[exp.Expr]) -> list[_Order]:
    """The order of each window; those alike have one."""
    found: dict[exp.Window, _Order] = {}
    orders = []
    for window, frame in windows:
        parts = [copied(part) for part in window.args.get("partition_by") or []]
        call, order = exp.Anonymous(this=frame.numbering), copied(window.args["order"])
        number = exp.Window(this=call, partition_by=parts, order=order, over="OVER")
        n = len(found) + 1
        keys = {f"{_PART} {n}.{place}": part for place, part in enumerate(parts, 1)}
        made = found.setdefault(copied(number), _Order(f"{_NUMBER} {n}", number, keys))
        if made.number is number and frame.numbering == "row_number":
            _break_ties(number, ties)
        orders.append(made)
    return orders


def _one(
    window: exp.Window, frame: _Frame, order: _Order, alias: str, rows: exp.Select
) -> tuple[exp.Expr, exp.Join]:
    """A value of one other row."""
    argument, *others = _call(window).expressions
    number = _literal(frame.first) if frame.counted else order.apart(_ROWS, frame.first)
    there = exp.Not(this=exp.Is(this=column_node(alias, order.column), expression=exp.null()))
    found = exp.If(this=there, true=_of(argument, alias))
    value = exp.Case(ifs=[found], default=others[1].copy() if len(others) > 1 else None)
    return value, order.beside(copied(rows), alias, number)


def _framed(
    window: exp.Window, frame: _Frame, order: _Order, alias: str, rows: exp.Select
) -> tuple[exp.Expr, exp.Join]:
    """An aggregate of several rows."""
    number: exp.Expr = column_node(_FRAMES, order.column)
    if frame.last - frame.first > _MOST_OFFSETS:
        frames = _compared(frame, order, rows)
    else:
        frames = _written_out(frame, order, rows)
        number = exp.Sub(this=column_node(_OTHERS, order.column), expression=number)
    keys = {part: column_node(_OTHERS, part) for part in order.parts} | {order.column: number}
    items = [named(key, name) for name, key in keys.items()]
    frames.set("expressions", [*items, named(_of(window.this, _OTHERS), _VALUE)])
    frames.set("group", exp.Group(expressions=[copied(key) for key in keys.values()]))
    own = column_node(_ROWS, order.column)
    return column_node(alias, _VALUE), order.beside(frames, alias, own)


def _compared(frame: _Frame, order: _Order, rows: exp.Select) -> exp.Select:
    """The rows beside each number in whose frame they are."""
    keys = [*order.parts, order.column]
    each = exp.select(*(named(column_node(_ROWS, key), key) for key in keys), copy=False)
    each = each.from_(subquery(copied(rows), _ROWS), copy=False)
    each = each.group_by(*(column_node(_ROWS, key) for key in keys), copy=False)
    conditions = [
        kind(this=column_node(_OTHERS, order.column), expression=order.apart(_FRAMES, bound))
        for kind, bound in ((exp.GTE, frame.first), (exp.LTE, frame.last))
        if not isinf(bound)
    ]
    found = exp.Select().from_(subquery(each, _FRAMES), copy=False)
    found.append("joins", exp.Join(this=subquery(copied(rows), _OTHERS), kind="CROSS"))
    return found.where(*order.same(_FRAMES, _OTHERS), *conditions, copy=False)


def _written_out(frame: _Frame, order: _Order, rows: exp.Select) -> exp.Select:
    """The rows, each once for each place that it has in a frame."""
    places = range(int(frame.first), int(frame.last) + 1)
    listed = [exp.Tuple(expressions=[_literal(place)]) for place in places]
    names = exp.TableAlias(
        this=exp.to_identifier(_FRAMES, quoted=True),
        columns=[exp.to_identifier(order.column, quoted=True)],
    )
    found = exp.Select().from_(subquery(copied(rows), _OTHERS), copy=False)
    values = exp.Values(expressions=listed, alias=names)
    found.append("joins", exp.Join(this=values, kind="CROSS"))
    return found


def _break_ties(window: exp.Window, values: Iterable[exp.Expr]) -> None:
    """Let rows be in one order wherever they are numbered, alike as the keys of it may be."""
    for value in values:
        tie = exp.Ordered(this=copied(value))
        tie.meta[TIE] = True
        window.args["order"].append("expressions", tie)


def _of(tree: exp.Expr, alias: str) -> exp.Expr:
    """An expression over the numbered rows as one over those of another name."""

    def renamed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.table == _ROWS:
            return column_node(alias, node.name)
        return node

    return copied(tree).transform(renamed, copy=False)


def _literal(number: float) -> exp.Expr:
    return exp.Literal.number(int(number))


# LIMIT


def _number_picked(block: Block) -> bool:
    """Let LIMIT and OFFSET be a condition on the numbers of the rows, in their order."""
    select = block.select
    names = [output_name(item) for item in select.expressions]
    plain = select.args.get("distinct") is None and len(set(names)) == len(names)
    if not plain or select.args.get("order") is None or select.parent is None:
        return False
    clauses = {part: select.args.get(part) for part in ("limit", "offset")}
    inner, number = copied(select), numbered(select, [], clauses)
    if number.this.name == "row_number":
        _break_ties(number, (item.unalias() for item in select.expressions))
    inner.append("expressions", named(number, _NUMBER))
    for part in ("order", "limit", "offset"):
        inner.set(part, None)
    for part in list(select.args):
        select.set(part, None)
    select.set("expressions", [named(column_node(_ROWS, name), name) for name in names])
    select.from_(subquery(inner, _ROWS), copy=False)
    if (condition := among(column_node(_ROWS, _NUMBER), clauses)) is not None:
        select.where(condition, copy=False)
    return True
