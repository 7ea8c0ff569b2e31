"""Calls of every operator, cast and immutable function that a catalogue lists, over edge values.

Which there are is asked of the reference; types that the gateway does not have are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

import psycopg

_INTS = ["0", "1", "-1", "7"]
_MOMENTS = [
    "2000-01-01 00:00:00",
    "0044-03-15 12:00:00 BC",
    "2011-03-27 02:30:00.25",
    "1969-12-31 23:59:59.999999",
    "100000-12-31 01:02:03",
    "infinity",
    "-infinity",
]
_REALS = ["0", "-0", "1.5", "-2.5", "NaN", "Infinity", "-Infinity", "1e-5", "123456789.125"]
_TEXTS = ["", "a", "abc", " x ", "it''s", '"q" \\ b', "héllo 日本 😀", "12", "aXbXc" * 9]

# Each value stands in quotes and is cast to its type.
EDGES: dict[str, list[str]] = {
    "bool": ["true", "false"],
    "bytea": ["", "\\x00ff", "abc", "\\x616263646566"],
    '"char"': ["", "a", "é", "7"],
    "name": ["", "a", "Some name", "it''s"],
    "int2": [*_INTS, "-32768", "32767"],
    "int4": [*_INTS, "-2147483648", "2147483647"],
    "int8": [*_INTS, "-9223372036854775808", "9223372036854775807"],
    "oid": ["0", "1", "25", "4294967295"],
    "text": _TEXTS,
    "varchar": _TEXTS[:8],
    "bpchar": ["", "a", "a  ", "abc", "É"],
    "float4": [*_REALS, "3.4028235e38"],
    "float8": [*_REALS, "1.7976931348623157e308"],
    "numeric": ["0", "1", "-1", "1.50", "-2.5", "0.005", "123456.789", "99999999999999"],
    "date": ["2000-01-01", "2020-02-29", "0044-03-15 BC", "100000-12-31", "infinity", "-infinity"],
    "time": ["00:00", "12:34:56.789", "23:59:59.999999", "24:00"],
    "timestamp": _MOMENTS,
    "timestamptz": ["2011-03-27 00:59:59+00", "2011-10-30 01:00:00+00", *_MOMENTS],
    "interval": ["0", "1 mon", "-1 day", "1 year 2 mons -3 days 04:05:06.7", "-00:00:00.000001",
                 "36:00", "1 mon -30 days"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "inet": ["10.0.0.1", "10.0.0.1/24", "10.0.0.0/8", "9.255.0.0", "::1", "::ffff:1.2.3.4/120"],
    "json": ['{"a": 1, "b": [1, null]}', "[]", "null", '"s"', "1.50"],
    "jsonb": ['{"a": 1, "b": [1, null]}', "[1, 2]", "{}", "null", '"s"', "1.50"],
    "int4[]": ["{}", "{1}", "{3,NULL,1}", "{1,2,3}"],
    "text[]": ["{}", "{a,b}", '{NULL,"",a b}'],
}  # fmt: skip

# What stands for a polymorphic type; all arguments of one call by the same choice.
_POLYMORPHIC = {
    "anyelement": "int4", "anyarray": "int4[]", "anynonarray": "int4", "any": "text",
    "anycompatible": "int4", "anycompatiblearray": "int4[]", "anycompatiblenonarray": "int4",
}  # fmt: skip
_SPELT = {
    "bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real",
    "float8": "double precision", "varchar": "character varying", "bpchar": "character",
    "time": "time without time zone", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "int4[]": "integer[]",
}  # fmt: skip
_EDGED = {_SPELT.get(name, name): name for name in EDGES}


@dataclass(frozen=True, slots=True)
class Listed:
    """An operator, cast or function: `{0}`, `{1}` in its template are its arguments."""

    name: str
    template: str
    types: tuple[str, ...]


_OPERATORS = """
SELECT oprname, CASE WHEN oprleft = 0 THEN '' ELSE format_type(oprleft, NULL) END,
  format_type(oprright, NULL) FROM pg_operator JOIN pg_proc p ON p.oid = oprcode
WHERE provolatile = 'i' ORDER BY 1, 2, 3
"""
_CASTS = """
SELECT format_type(castsource, NULL), format_type(casttarget, NULL) FROM pg_cast ORDER BY 1, 2
"""
_FUNCTIONS = """
SELECT proname, ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) t)
FROM pg_proc p WHERE prokind = 'f' AND provolatile = 'i' AND pronargs BETWEEN 1 AND 3
  AND NOT proretset AND provariadic = 0 AND pronamespace = 'pg_catalog'::regnamespace
  AND prorettype NOT IN ('internal'::regtype, 'cstring'::regtype)
  AND NOT EXISTS (SELECT FROM pg_operator WHERE oprcode = p.oid)
  AND NOT EXISTS (SELECT FROM pg_cast WHERE castfunc = p.oid)
  AND NOT EXISTS (SELECT FROM pg_aggregate
                  WHERE p.oid IN (aggtransfn, aggfinalfn, aggcombinefn, aggmtransfn, aggminvtransfn,
                                  aggmfinalfn, aggserialfn, aggdeserialfn))
  AND NOT EXISTS (SELECT FROM pg_amproc WHERE amproc = p.oid)
ORDER BY 1, 2
"""


def listed(reference: psycopg.Connection[Any]) -> list[Listed]:
    """Every operator, cast and function whose arguments are all of types with edge values."""
    found = []
    for name, left, right in reference.execute(_OPERATORS):
        if left:
            found.append(Listed(f"{left} {name} {right}", f"{{0}} {name} {{1}}", (left, right)))
        else:
            found.append(Listed(f"{name} {right}", f"{name} {{0}}", (right,)))
    for source, target in reference.execute(_CASTS):
        if target in _EDGED or target.strip('"') in _EDGED:
            found.append(Listed(f"{source}::{target}", f"{{0}}::{_EDGED[target]}", (source,)))
    for name, types in reference.execute(_FUNCTIONS):
        holes = ", ".join(f"{{{n}}}" for n in range(len(types)))
        found.append(Listed(f"{name}({', '.join(types)})", f"{name}({holes})", tuple(types)))
    return [each for each in found if all(_edged(kind) for kind in each.types)]


def _edged(kind: str) -> str | None:
    return _EDGED.get(kind) or _POLYMORPHIC.get(kind.strip('"'))


def calls(one: Listed, random: Random, most: int) -> Iterator[str]:
    """At most so many calls of it, drawn from all that its edge values make."""
    choices = [_values(kind) for kind in one.types]
    every = list(product(*choices))
    for values in random.sample(every, min(most, len(every))):
        yield one.template.format(*values)


def _values(kind: str) -> list[str]:
    name = _edged(kind)
    assert name is not None
    return [f"NULL::{name}", *(f"('{value}'::{name})" for value in EDGES[name])]
