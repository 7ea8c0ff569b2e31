"""A type as a catalogue query writes it -> its oid and modifier; and back, for messages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.catalog.system.static import INFORMATION_SCHEMA, static
from gateway.catalog.translation.resolution import array_of
from gateway.catalog.translation.terms import Term
from gateway.errors import UndefinedFunction, UndefinedObject
from gateway.sql.names.scope import position_of
from gateway.types import ALIASES

_WORDS: dict[str, str] = {
    **ALIASES,
    "int2": "int2",
    "tinyint": "int2",
    "boolean": "bool",
    "varchar": "varchar",
    "char": "bpchar",
    "nchar": "bpchar",
    "timestampntz": "timestamp",
    "varbinary": "bytea",
    "usmallint": "int2",
    "uint": "oid",
}


def type_of_node(node: exp.Expr) -> tuple[int, int]:
    """The oid of the type that a cast names, and its modifier.

    Raises:
        UndefinedObject: 42704.
    """
    if isinstance(node, exp.DataType) and node.this == exp.DType.ARRAY:
        inner = node.expressions[0] if node.expressions else None
        if inner is None:
            raise UndefinedObject("an array needs a type")
        return array_of(type_of_node(inner)[0]), -1
    name, schema = _named(node)
    oid = type_named(name, schema)
    return oid, _modifier(node, oid)


def _named(node: exp.Expr) -> tuple[str, str]:
    if isinstance(node, exp.DataType) and node.this == exp.DType.USERDEFINED:
        kind = node.args.get("kind")
        if isinstance(kind, exp.Dot):
            return kind.expression.name, kind.this.name
        if isinstance(kind, exp.Identifier):
            return kind.name, "" if kind.quoted else "?"
        return str(kind), "?"
    if isinstance(node, exp.DataType) and node.this == exp.DType.FLOAT:
        return "float4", ""  # so sqlglot calls a real
    if isinstance(node, exp.DataType):
        word = (node.this.value if isinstance(node.this, exp.DType) else str(node.this)).lower()
        return _WORDS.get(word, word), ""
    return str(node.this).lower(), ""


def type_named(name: str, schema: str = "") -> int:
    """The oid of a type; `schema` "?" says that the name is in no quotes.

    Raises:
        UndefinedObject: 42704.
    """
    if schema == "information_schema":
        for row in static().types.values():
            if row.name == name and row.schema == INFORMATION_SCHEMA:
                return row.oid
    spelt_name = _WORDS.get(name, name) if schema == "?" else name
    found = static().type_named(spelt_name)
    if found is None:
        raise UndefinedObject(f'type "{name}" does not exist')
    return found.oid


def _modifier(node: exp.Expr, oid: int) -> int:
    sizes = (
        [int(s.name) for s in node.expressions if isinstance(s, exp.DataTypeParam)]
        if (isinstance(node, exp.DataType))
        else []
    )
    if not sizes:
        return -1
    if static().types[oid].name in ("varchar", "bpchar"):
        return sizes[0] + 4
    return -1


def spelt(oid: int) -> str:
    """A type as PostgreSQL's messages spell it."""
    found = static().types.get(oid)
    if found is None:
        return str(oid)
    if found.element and found.category == "A":
        return spelt(found.element) + "[]"
    for sql, name in ALIASES.items():
        if name == found.name and sql not in ("int", "float", "double", "decimal"):
            return sql
    return found.name


def undefined(schema: str, name: str, terms: Sequence[Term], node: exp.Expr) -> UndefinedFunction:
    """The refusal of a call that no function fits."""
    shown = ", ".join(spelt(term.type) for term in terms)
    return UndefinedFunction(
        f"function {schema + '.' if schema else ''}{name}({shown}) does not exist",
        hint="No function matches the given name and argument types. "
        "You might need to add explicit type casts.",
        position=position_of(node),
    )
