"""What stands in a query at a moment: what passes are left out by that find nothing to do there.

Nearly every pass looks for something that few statements have, and walks the whole tree for it;
half the time of a short statement went there. So a pass says what it needs (`Pass.needs`), as
traits: kinds of nodes, names of functions and columns, names of types. The census is taken of the
tree as it stands, and anew after each pass that was run, whatever that did: it cannot be older
than the tree. What may be there and is not told counts as there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import exp

from gateway.rewrite.rewriting import Rewriting
from gateway.sources.table import TableName
from gateway.sql.names.relation import ColumnInfo
from gateway.sql.names.scope import Block
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import unnamed
from gateway.sql.types.inference import GIVES
from gateway.sql.types.parameters import TYPES
from gateway.sql.types.results import types_given
from gateway.types import FLOATING

# A kind of node, with those derived from it; a name in small letters of a function, a column, a
# table, a type or the schema of a relation; or one of these, which no name is.
Trait = type[exp.Expr] | str
ANY_TYPE = "(a value of a type that no column has)"  # beside booleans, texts and numbers
OTHER_TYPE = "(a type whose values the engine may take otherwise)"
COMPUTED = "(arithmetic beside reals that may be infinite)"
POINT = "(a number that is not a few digits)"
PARTS = "(a name with a schema or a database before it)"
QUOTED = "(a text in quotes)"
UNNAMED = "(a relation in FROM that is no name)"
NESTED = "(a SELECT beside another)"
WHOLE_ROW = "(a column that has a relation's name, or may have)"

_COMMON = frozenset({"bool", "int2", "int4", "int8", "float8", "text", "varchar"})
# Nodes that are no value, or one of the types of what is inside, a boolean, an integer or a text.
_TELLING = frozenset(
    {exp.Select, exp.From, exp.Where, exp.Join, exp.Table, exp.TableAlias, exp.Alias,
     exp.Column, exp.Star, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.And, exp.Or,
     exp.Not, exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ, exp.LT, exp.LTE, exp.GT,
     exp.GTE, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.Exists, exp.Add, exp.Sub,
     exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Case, exp.If, exp.Order, exp.Ordered, exp.Limit,
     exp.Offset, exp.Group, exp.Having, exp.Distinct, exp.Subquery, exp.With, exp.CTE,
     exp.Union, exp.Except, exp.Intersect, exp.Anonymous, exp.Cast, exp.DataType,
     exp.DataTypeParam, exp.Filter, exp.Window, exp.WindowSpec, exp.Pow, exp.Extract, Marker}
)  # fmt: skip
_SIGNING = frozenset({exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg})
_FEW_DIGITS = 15  # of any number so long a double keeps them all


Run = Callable[[Rewriting], bool | None]


@dataclass(frozen=True, slots=True)
class Pass:
    """A step of rewriting.

    Args:
        run: What it does; False: surely nothing.
        needs: It has nothing to do unless of each of these sets a trait is there.
    """

    run: Run
    needs: tuple[frozenset[Trait], ...] = ()

    def has_to_do(self, found: frozenset[Trait]) -> bool:
        """Whether what it needs is there."""
        return not any(map(found.isdisjoint, self.needs))


def only(run: Run, *needs: set[Trait]) -> Pass:
    """A pass that does nothing without one trait of each set."""
    return Pass(run, tuple(map(frozenset, needs)))


def in_tree(change: Callable[[exp.Expr], bool | None]) -> Run:
    """A pass that changes the whole tree, in place."""
    return lambda state: change(state.tree)


def refusing(look: Callable[[exp.Expr], None]) -> Run:
    """A pass that looks at the whole tree and leaves it as it is."""

    def run(state: Rewriting) -> bool:
        look(state.tree)
        return False

    return run


def in_blocks(change: Callable[[Block], bool | None]) -> Run:
    """A pass over each SELECT by itself, in place."""

    def run(state: Rewriting) -> bool:
        return any([change(block) is not False for block in state.analysis.blocks])

    return run


def traits_of(
    tree: exp.Expr, relations: Mapping[TableName, Mapping[str, ColumnInfo]]
) -> frozenset[Trait]:
    """All traits of a query over the relations that it names, as it stands now.

    >>> from gateway.sql.text.dialect import parse
    >>> found = traits_of(parse("SELECT a + 1.5 FROM t WHERE b IN (1, 2)")[0], {})
    >>> [each in found for each in (exp.Predicate, exp.Window, "a", "t", "c", POINT, ANY_TYPE)]
    [True, False, True, True, False, True, False]
    """
    found = _Found()
    selects = 0
    for node in unnamed(tree, (exp.Column,)):
        kind = type(node)
        selects += kind is exp.Select
        found.kinds.add(kind)
        if (look := _LOOKS.get(kind)) is not None:
            look(node, found)
        if node._meta is not None and GIVES in node._meta:
            found.types.add(ANY_TYPE)
    _look_at_relations(relations, found)
    if found.infinite and not found.kinds.isdisjoint(_SIGNING):
        found.names.add(COMPUTED)
    if selects > 1:
        found.names.add(NESTED)
    if _EVERY in found.columns or not found.columns.isdisjoint(found.relations):
        found.names.add(WHOLE_ROW)
    if not found.types <= _COMMON:
        found.names.add(OTHER_TYPE)
    families = _families(frozenset(found.kinds))
    return frozenset({*found.names, *found.columns, *found.types, *families})


@dataclass(slots=True)
class _Found:
    """What is found, node by node; `types` are those that values may have."""

    kinds: set[type[exp.Expr]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    relations: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    infinite: bool = False  # whether a column of reals may hold what is no number


def _look_at_relations(
    relations: Mapping[TableName, Mapping[str, ColumnInfo]], found: _Found
) -> None:
    for name, known in relations.items():
        found.names.add(name.schema)
        for column in known if _EVERY in found.columns else found.columns & known.keys():
            info = known[column]
            found.types.add(ANY_TYPE if info.type is None else info.type.name)
            if info.nan and info.type is not None and info.type.name in FLOATING:
                found.infinite = True
                if not info.origin[0]:  # of what was run before: it may be computed
                    found.names.add(COMPUTED)


@lru_cache(1024)
def _families(kinds: frozenset[type[exp.Expr]]) -> frozenset[Trait]:
    """Kinds of nodes with those from which they are derived."""
    found: set[Trait] = {each for kind in kinds for each in kind.__mro__[:-1]}
    return frozenset(found if kinds <= _TELLING else {*found, ANY_TYPE})


_EVERY = "*"  # among the names of columns: there may be any


def _look_at_column(node: exp.Expr, found: _Found) -> None:
    this = node.args["this"]
    found.columns.add(this.args["this"] if type(this) is exp.Identifier else _EVERY)
    if node.args.get("db") is not None:
        found.names.add(PARTS)


def _look_at_table(node: exp.Expr, found: _Found) -> None:
    this, alias = node.args.get("this"), node.args.get("alias")
    found.names.add(this.name if isinstance(this, exp.Identifier) else UNNAMED)
    if alias is None:
        found.relations.add(node.name)
    if node.args.get("catalog") is not None:
        found.names.add(PARTS)
    if alias is not None and alias.args.get("columns"):
        found.columns.add(_EVERY)


def _look_at_alias(node: exp.Expr, found: _Found) -> None:
    found.relations.add(node.name)


def _look_at_join(node: exp.Expr, found: _Found) -> None:
    found.columns.update(each.name for each in node.args.get("using") or ())
    if node.args.get("method"):
        found.columns.add(_EVERY)


def _look_at_star(node: exp.Expr, found: _Found) -> None:
    if type(node.parent) is not exp.Anonymous:
        found.columns.add(_EVERY)


def _look_at_call(node: exp.Expr, found: _Found) -> None:
    name = node.name.lower()
    found.names.update((node.name, name))
    given = types_given(name)
    found.types.update((ANY_TYPE,) if given is None else given)


def _look_at_real(node: exp.Expr, found: _Found) -> None:
    found.types.add("float8")


def _look_at_cast(node: exp.Expr, found: _Found) -> None:
    kind = TYPES.get(node.args["to"].this)
    found.types.add(ANY_TYPE if kind is None else kind.name)


def _look_at_literal(node: exp.Expr, found: _Found) -> None:
    text = node.args["this"]
    if node.args.get("is_string"):
        found.names.add(QUOTED)
    elif len(text) > _FEW_DIGITS or not text.isdigit():
        found.names.add(POINT)


_LOOKS: dict[type[exp.Expr], Callable[[exp.Expr, _Found], None]] = {
    exp.Column: _look_at_column,
    exp.Table: _look_at_table,
    exp.TableAlias: _look_at_alias,
    exp.Join: _look_at_join,
    exp.Star: _look_at_star,
    exp.Anonymous: _look_at_call,
    exp.Cast: _look_at_cast,
    exp.Pow: _look_at_real,
    exp.Extract: _look_at_real,
    Marker: _look_at_real,
    exp.Literal: _look_at_literal,
}
