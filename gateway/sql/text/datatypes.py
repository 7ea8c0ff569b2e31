"""Types as nodes of a tree, by their spelling.

sqlglot sets up a tokenizer and a parser for each type that it reads, which costs more than most
passes over a statement do; a spelling is read once here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from gateway.errors import InvalidParameterValue
from gateway.sql.text.trees import copied
from gateway.types import Type, dimensions

_DIALECT = "postgres"
_MOST_KEPT = 1000  # spellings: all types, and the numerics with their digits


# Under this key a node of an enum holds the Type that its name means.
OWN = "own"
# Under this key a node of the type beneath a domain, or the expression that holds a value to it,
# has the domain's name and number.
DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class DomainName:
    """A domain that a cast names."""

    name: str
    oid: int

    def __deepcopy__(self, memo: object) -> DomainName:
        """Itself: a copy of a tree names the same domain."""
        return self


def domain_cast(tree: exp.Expr) -> tuple[exp.Cast, DomainName] | None:
    """A cast to a domain as a cast to the type beneath, and the domain; None of what is none."""
    if isinstance(tree, exp.Case) and (found := tree.meta_get(DOMAIN)) is not None:
        return tree.args["ifs"][0].args["true"], found
    if isinstance(tree, exp.Cast) and (found := tree.args["to"].args.get(DOMAIN)) is not None:
        return tree, found
    return None


def data_type(spelt: str | Type) -> exp.DataType:
    """A new node for a type, or for one as PostgreSQL spells it.

    >>> data_type("numeric(4, 2)[]").sql("postgres")
    'DECIMAL(4, 2)[]'
    """
    if isinstance(spelt, str):
        return copied(_read(spelt))
    own = spelt.element or spelt
    if not own.is_enum:
        return copied(_read(spelt.sql))
    name = exp.to_identifier(own.sql.strip('"'), quoted=True)
    kind = exp.DataType(this=exp.DType.USERDEFINED, kind=name, udt=True)
    kind.set(OWN, own)
    if spelt.element is None:
        return kind
    return exp.DataType(this=exp.DType.ARRAY, expressions=[kind], nested=True)


def with_depth(kind: Type) -> str | Type:
    """How `data_type` is told of a type with the dimensions that its arrays have here."""
    return kind if (kind.element or kind).is_enum else kind.sql + "[]" * (dimensions(kind) - 1)


def own_type(kind: exp.DataType) -> Type | None:
    """The enum that a node means; None: it is of another kind, or nobody has looked it up."""
    found = kind.args.get(OWN)
    return found if isinstance(found, Type) else None


def type_name(kind: exp.DataType) -> tuple[str, ...]:
    """The name of a type that is none of the engine's, in its parts."""
    if kind.this != exp.DType.USERDEFINED:  # a word that some other system has as a type
        word = kind.this.value if isinstance(kind.this, exp.DType) else kind.this  # REGCLASS
        return () if kind.expressions else (str(word).lower(),)
    named = kind.args.get("kind")
    if isinstance(named, exp.Identifier):
        return (named.name,)
    if isinstance(named, exp.Expr):
        return tuple(part.name for part in named.find_all(exp.Identifier, bfs=False))
    return tuple(str(named).split(".")) if named else ()


def _float_of(digits: int) -> exp.DType:
    """The type that float(n) is (gram.y, opt_float).

    Raises:
        InvalidParameterValue: 22023.
    """
    if digits < 1:
        raise InvalidParameterValue("precision for type float must be at least 1 bit")
    if digits > 53:
        raise InvalidParameterValue("precision for type float must be less than 54 bits")
    return exp.DType.FLOAT if digits <= 24 else exp.DType.DOUBLE


def settle_floats(kind: exp.DataType) -> None:
    """Make float(n) the real or the double precision that it is, in place."""
    for each in kind.find_all(exp.DataType):
        digits = each.expressions[0].name if each.expressions else ""
        if each.this == exp.DType.DOUBLE and digits.isdigit():
            each.set("this", _float_of(int(digits)))
            each.set("expressions", None)


@lru_cache(_MOST_KEPT)
def _read(spelt: str) -> exp.DataType:
    if spelt[:1] == '"':  # "char": a name, which sqlglot reads as a type in a cast alone
        name = exp.to_identifier(spelt.strip('"'), quoted=True)
        return exp.DataType(this=exp.DType.USERDEFINED, kind=name, udt=True)
    return exp.DataType.build(spelt, dialect=_DIALECT)
