"""Infinite dates and timestamps where the engine would reckon with them as with any other.

They are the ends of the integers' range (`far_moments`), so the engine compares and sorts them
rightly; but it truncates, moves, casts and takes them apart as if they were moments, or fails.
What PostgreSQL gives for them (manual, 8.5.1.4 and 9.9) is written out here as a CASE. A dataset
holds none, so nothing is written around its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sqlglot import exp

from gateway.sql.inputs import far_moments
from gateway.sql.lowered.values.origins import may_give, may_hold
from gateway.sql.names.scope import Block
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, Types
from gateway.types import DATE, FLOAT8, TIME, TIMESTAMP, TIMESTAMPTZ, Type

# Where a node holds an operand: the name of the argument, and the place in it where it is a list.
Place = tuple[str, int | None]
Change = Callable[[], None]

# Each becomes those after it when it is compared with one of these.
_MOMENTS = (DATE, TIMESTAMP, TIMESTAMPTZ)
# Parts that grow for ever, and are infinite themselves; the others are NULL.
_ENDLESS = ("century", "decade", "epoch", "isoyear", "julian", "millennium", "year")
_CONCERNED = (
    exp.Cast, exp.Anonymous, exp.AtTimeZone, exp.Add, exp.Sub, exp.Extract, exp.Between, exp.In,
    *COMPARISONS,
)  # fmt: skip


def keep_infinite(block: Block) -> bool:
    """Write what becomes of infinite moments in this SELECT, in place; whether there was one."""
    known = Types(block)
    here = [node for node in own_nodes(block.select) if isinstance(node, _CONCERNED)]
    # All types are asked for before anything is changed; then the innermost is changed first.
    changes = [change for node in reversed(here) for change in _changes(node, known)]
    for change in changes:
        change()
    return bool(changes)


def _changes(node: exp.Expr, known: Types) -> Iterator[Change]:
    difference = isinstance(node, exp.Sub) and _is_moment(known.of(node.expression))
    if difference or isinstance(node, (exp.Between, exp.In, *COMPARISONS)):
        yield from _beside(node, known, difference)
        return
    place = _operand(node, known)
    kind = None if place is None else known.of(_at(node, place))
    if place is None or kind is None:
        return
    if not (_may_be(_at(node, place), known) or _is_seen_through(node, kind)):
        return
    part = _part(node)
    asked = _at(node, place).find(exp.Query) is not None  # which is to be done once
    if asked or part == "":
        yield partial(_bound, node, place, kind, f"reckon with infinite {_plural(kind)} here")
    else:
        yield partial(_split, node, place, kind, _result(node, kind, known))


def _is_seen_through(node: exp.Expr, kind: Type) -> bool:
    """Whether the engine compares what is inside with a constant, as though it were the same.

    It takes ``AT TIME ZONE`` off a plain timestamp, and the constant keeps its own zone; it does
    not look into a CASE.
    """
    return isinstance(node, exp.AtTimeZone) and kind is not TIMESTAMPTZ


def _beside(node: exp.Expr, known: Types, difference: bool) -> Iterator[Change]:
    """What is compared is of one type; what is subtracted is finite, too."""
    places = [place for place in _sides(node) if _is_moment(known.of(_at(node, place)))]
    if not any(_may_be(_at(node, place), known) for place in places):
        return
    kinds = [kind for place in places if (kind := known.of(_at(node, place))) is not None]
    widest = max(kinds, key=_MOMENTS.index)
    for place, kind in zip(places, kinds, strict=True):
        if kind is not widest:
            yield partial(_widen, node, place, kind, widest)
        if difference:
            yield partial(_bound, node, place, widest, f"subtract infinite {_plural(widest)}")


def _is_moment(kind: Type | None) -> bool:
    return kind in _MOMENTS


def _plural(kind: Type) -> str:
    return "dates" if kind is DATE else "timestamps"


def _sides(node: exp.Expr) -> list[Place]:
    if isinstance(node, exp.Between):
        return [("this", None), ("low", None), ("high", None)]
    if isinstance(node, exp.In):
        return [("this", None), *(("expressions", n) for n in range(len(node.expressions)))]
    return [("this", None), ("expression", None)]


def _at(node: exp.Expr, place: Place) -> exp.Expr:
    value = node.args[place[0]]
    found: exp.Expr = value if place[1] is None else value[place[1]]
    return found


def _operand(node: exp.Expr, known: Types) -> Place | None:
    """Where the moment stands that the node makes another value of; None where there is none."""
    place: Place = ("this", None)
    if isinstance(node, exp.Extract):
        place = ("expression", None)
    elif isinstance(node, exp.Anonymous):
        if (node.name, len(node.expressions)) not in _CALLS:
            return None
        place = ("expressions", 1)
    elif isinstance(node, exp.Cast):
        kind, target = known.of(node.this), known.of(node)
        told = _is_moment(target) or target is TIME
        if not told or kind is target or node.this.is_string:
            return None
    elif isinstance(node, exp.Add) and not _is_moment(known.of(node.this)):
        place = ("expression", None)
    elif not isinstance(node, exp.Add | exp.Sub | exp.AtTimeZone):
        return None
    return place if _is_moment(known.of(_at(node, place))) else None


_CALLS = frozenset({("date_trunc", 2), ("date_bin", 3), ("date_part", 2)})


def _part(node: exp.Expr) -> str | None:
    """The part that extract or date_part takes; empty where it is computed."""
    if isinstance(node, exp.Extract):
        return str(node.this.name).lower()
    if isinstance(node, exp.Anonymous) and node.name == "date_part":
        part = node.expressions[0]
        return part.name.lower() if part.is_string else ""
    return None


def _result(node: exp.Expr, kind: Type, known: Types) -> Type | None:
    """The type in which the node's value is infinite; None where it is NULL."""
    part = _part(node)
    if part is not None:
        return FLOAT8 if part in _ENDLESS else None
    if isinstance(node, exp.Anonymous):
        return TIMESTAMPTZ if kind is DATE and node.name == "date_trunc" else kind
    given = known.of(node)
    if given is None and isinstance(node, exp.Add):
        return kind  # a date moved by an integer
    return None if given is TIME else given  # no time of day is infinite


def _may_be(tree: exp.Expr, known: Types) -> bool:
    """Whether the value may be infinite: what comes from datasets and plain literals is not."""
    for node in own_nodes(tree):
        if isinstance(node, exp.Parameter):
            return True
        if isinstance(node, exp.Query):
            query = known.block.inner.get(id(node)) if known.block is not None else None
            if query is None or any(may_give(each, _may_be) for each in query.outputs):
                return True
        if node.is_string and "inf" in node.name.lower():
            return True
        if (
            isinstance(node, exp.Column)
            and _is_moment(known.of(node))
            and may_hold(node, known, _may_be)
        ):
            return True
    return False


def _literal(word: str, kind: Type | None) -> exp.Expr:
    if kind is None:
        return exp.Null()
    to = data_type(kind)
    return exp.Cast(this=exp.Literal.string(word), to=to)


def _sign_of(constant: exp.Expr) -> int:
    """1 or -1 of an infinity that is written there, 0 of anything else."""
    if isinstance(constant, exp.Cast) and constant.this.is_string:
        return far_moments.infinity(constant.this.name)
    return 0


def _signed(sign: int, kind: Type | None) -> exp.Expr:
    return _literal("infinity" if sign > 0 else "-infinity", kind)


def _unless_null(found: exp.Expr, node: exp.Expr, place: Place) -> exp.Expr:
    """What becomes of an infinite moment unless one of the other operands is NULL."""
    if isinstance(node, exp.Add | exp.Sub):
        others = [_at(node, ("expression" if place[0] == "this" else "this", None))]
    elif isinstance(node, exp.Anonymous):
        others = [each for n, each in enumerate(node.expressions) if n != place[1]]
    else:
        return found
    absent = [
        exp.Is(this=exp.Paren(this=other.copy()), expression=exp.Null())
        for other in others
        if not isinstance(other, exp.Literal | exp.Interval) and other.find(exp.Query) is None
    ]
    ifs = [exp.If(this=each, true=exp.Null()) for each in absent]
    return exp.Case(ifs=ifs, default=found) if ifs else found


def _cases(
    value: exp.Expr,
    kind: Type,
    after: Type | None,
    otherwise: exp.Expr,
    kept: Callable[[exp.Expr], exp.Expr] = lambda found: found,
) -> exp.Case:
    words = ("infinity", "-infinity")
    ifs = [exp.If(this=_literal(word, kind), true=kept(_literal(word, after))) for word in words]
    # Some calls give nanoseconds, in which no infinity has a place.
    subject = exp.Cast(this=value, to=data_type(kind))
    return exp.Case(this=subject, ifs=ifs, default=otherwise)


def _split(node: exp.Expr, place: Place, kind: Type, after: Type | None) -> None:
    """The node for finite moments, and for infinite ones what PostgreSQL gives.

    The node itself stays in the tree: subqueries inside are known by their identity.
    """
    parent, key, index = node.parent, node.arg_key, node.index
    assert parent is not None and key is not None
    subject = _at(node, place).copy().unnest()
    kept = partial(_unless_null, node=node, place=place)
    if sign := _sign_of(subject):
        # A constant is computed by the planner, in every branch.
        found = _signed(sign, after)
        if after is None:
            to = node.args["to"] if isinstance(node, exp.Cast) else data_type(FLOAT8.sql)
            found = exp.Cast(this=found, to=to.copy())
        parent.set(key, kept(found), index)
        return
    finite = node
    if after is not None and not isinstance(node, exp.Cast):
        finite = exp.Cast(this=finite, to=data_type(after))
    parent.set(key, _cases(subject, kind, after, finite, kept), index)


def _widen(node: exp.Expr, place: Place, kind: Type, wider: Type) -> None:
    side = _at(node, place)
    if side.find(exp.Query) is not None:
        return
    if sign := _sign_of(side.unnest()):
        node.set(place[0], _signed(sign, wider), place[1])
        return
    cast = exp.Cast(this=side.copy(), to=data_type(wider))
    node.set(place[0], _cases(side, kind, wider, cast), place[1])


def _bound(node: exp.Expr, place: Place, kind: Type, what: str) -> None:
    """Let an infinite operand be an error: `cannot {what}`."""
    arguments = [_at(node, place), exp.Literal.string(what)]
    bounded = exp.Anonymous(this=f"finite_{kind.name}", expressions=arguments)
    bounded.meta[GIVES] = kind
    node.set(place[0], bounded, place[1])
