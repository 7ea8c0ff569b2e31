"""A relation as the language sees it: columns, or the query that a view stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.sources.table import TableName
from gateway.sql.inputs.notation import PLAIN, Notation, from_text
from gateway.sql.text.datatypes import DomainName
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """What is known of a column.

    Args:
        type: None: not known.
        nullable: Whether it can be NULL.
        typmod: Its length or digits as PostgreSQL packs them; -1: none.
        origin: Oid of the relation and number of the column that it is; zeros: of none.
        nan: Whether it can be NaN, if its type can: a dataset has NULL there.
        shown: Digits after the point of the numeric that PostgreSQL has where the engine has a
            double; None: it has a double, too.
        domain: The domain that its values are of; None: of none.
        made_of: Of a generated column the numbers of those that it is computed from.
        dims: Of a column of a dataset the dimensions that it lies along.
    """

    type: Type | None = None
    nullable: bool = True
    typmod: int = -1
    origin: tuple[int, int] = (0, 0)
    nan: bool = True
    shown: int | None = None
    domain: DomainName | None = None
    made_of: frozenset[int] = frozenset()
    dims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """What a name in FROM means; `view` is a view's SELECT as its author wrote it.

    `reads` says which relation each name in that SELECT meant when the view was made; `oid` is its
    number, `zone` the TimeZone of who made it, "" where it is not known; `key` are the columns of
    its primary key, if that holds at every moment; of one that is `guarded` some may read single
    columns.
    """

    name: TableName
    columns: Mapping[str, ColumnInfo] = field(default_factory=dict)
    view: str | None = None
    view_columns: tuple[str, ...] = ()
    reads: Mapping[tuple[str, str], TableName] = field(default_factory=dict)
    oid: int = 0
    zone: str = ""
    key: tuple[str, ...] = ()
    guarded: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return tuple(self.columns) if self.view is None else self.view_columns


Relations = Mapping[TableName, Mapping[str, ColumnInfo]]

# A relation that is named; the number of the view that names it, or 0; the columns that may be
# meant of it, None: all.
Read = tuple[TableName, int, frozenset[str] | None]

# (schema or "", name) -> the relation; raises UndefinedTable (42P01).
Lookup = Callable[[str, str], Relation]

# Under this name Constants hold how the session writes and reads moments, as a literal.
NOTATION = "notation"

# What a function of the session stands for: a literal for a call without arguments, or a function
# of the call.
Replacement = exp.Expr | Callable[[exp.Expr], exp.Expr]
Constants = Mapping[str, Replacement]


def notation_of(constants: Constants) -> Notation:
    """How the session writes and reads moments; as PostgreSQL begins where there is no session."""
    held = constants.get(NOTATION)
    return from_text(held.name) if isinstance(held, exp.Expr) else PLAIN


def unsettled(constants: Constants) -> Constants:
    """The same for what is kept, which sessions of another DateStyle read too."""
    text = notation_of(constants).unsettled.as_text
    return {**constants, NOTATION: exp.Literal.string(text)}


def zone_of(constants: Constants) -> str:
    """The session's time zone; UTC where there is no session."""
    return notation_of(constants).zone
