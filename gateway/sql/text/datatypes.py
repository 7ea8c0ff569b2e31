"""Types as nodes of a tree, by their spelling.

sqlglot sets up a tokenizer and a parser for each type that it reads, which costs more than most
passes over a statement do; a spelling is read once here.
"""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp

from gateway.sql.text.trees import copied
from gateway.types import Type, dimensions

_DIALECT = "postgres"
_MOST_KEPT = 1000  # spellings: all types, and the numerics with their digits


# Under this key a node of an enum holds the Type that its name means.
OWN = "own"


def data_type(spelt: str | Type) -> exp.DataType:
    """A new node for a type, or for one as PostgreSQL spells it.

    >>> data_type("numeric(4, 2)[]").sql("postgres")
    'DECIMAL(4, 2)[]'
    """
    if isinstance(spelt, str):
        return copied(_read(spelt))
    own = spelt.element or spelt
    if not own.labels:
        return copied(_read(spelt.sql))
    name = exp.to_identifier(own.sql.strip('"'), quoted=True)
    kind = exp.DataType(this=exp.DType.USERDEFINED, kind=name, udt=True)
    kind.set(OWN, own)
    if spelt.element is None:
        return kind
    return exp.DataType(this=exp.DType.ARRAY, expressions=[kind], nested=True)


def with_depth(kind: Type) -> str | Type:
    """How `data_type` is told of a type with the dimensions that its arrays have here."""
    return kind if (kind.element or kind).labels else kind.sql + "[]" * (dimensions(kind) - 1)


def own_type(kind: exp.DataType) -> Type | None:
    """The enum that a node means; None: it is of another kind, or nobody has looked it up."""
    found = kind.args.get(OWN)
    return found if isinstance(found, Type) else None


@lru_cache(_MOST_KEPT)
def _read(spelt: str) -> exp.DataType:
    if spelt[:1] == '"':  # "char": a name, which sqlglot reads as a type in a cast alone
        name = exp.to_identifier(spelt.strip('"'), quoted=True)
        return exp.DataType(this=exp.DType.USERDEFINED, kind=name, udt=True)
    return exp.DataType.build(spelt, dialect=_DIALECT)
