"""Values from one type to another: literals, implicit casts, and `::`."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.catalog.system.static import static
from gateway.catalog.system.storage import INT2VECTOR, NUMBERED, OIDVECTOR
from gateway.catalog.translation.resolution import (
    BOOL,
    BPCHAR,
    BYTEA,
    CHAR,
    INET,
    NAME,
    NUMERIC,
    RECORD,
    TEXT,
    UNKNOWN,
    VARCHAR,
    category,
    element_of,
)
from gateway.catalog.translation.terms import Names, Term
from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InvalidSchemaName,
    InvalidTextRepresentation,
    UndefinedFunction,
    UndefinedObject,
    UndefinedTable,
)
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.inputs.jsontext import read_json, read_jsonb
from gateway.sql.inputs.literals import char, date, timestamp

# The reg types -> the table of names in which their values are looked up.
REGISTERED = {
    24: "regproc", 2202: "regprocedure", 2203: "regoper", 2204: "regoperator", 2205: "regclass",
    2206: "regtype", 3734: "regconfig", 3769: "regdictionary", 4089: "regnamespace",
    4096: "regrole", 4191: "regcollation",
}  # fmt: skip
_NAME_LENGTH = 63
_LONG = "x" * (_NAME_LENGTH + 1)  # stands for a text of which nothing is known
TEXTS = frozenset({CHAR, NAME, TEXT, VARCHAR, BPCHAR, UNKNOWN})
_TRUE = {"t", "true", "y", "yes", "on", "1"}
_FALSE = {"f", "false", "n", "no", "off", "0"}
_INT4 = 23
_DATE, _TIMESTAMPTZ, _INTERVAL = 1082, 1184, 1186
_MOMENTS = frozenset({_DATE, 1114, _TIMESTAMPTZ})
_JSONB = 3802
_JSON = {114: read_json, _JSONB: read_jsonb}
_INTEGERS = {20, 21, _INT4}
_WHOLE = _INTEGERS | {26}
_READ_ITEMS = TEXTS | _WHOLE | {BOOL, 700, 701}
_LIMITS = {20: 63, 21: 15, 23: 31}


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


class Coercion:
    """Turns terms into terms of other types, under one moment's names.

    Args:
        names: What texts mean as reg types.
        parameters: Where the types of untyped parameters are noted when their place tells.
    """

    def __init__(self, names: Names, parameters: dict[int, int]) -> None:
        self.names = names
        self.parameters = parameters

    def coerce(self, term: Term, wanted: int) -> Term:
        """The term as one of the type that its place wants, without a cast being written."""
        if term.parameter and term.type == UNKNOWN:
            return self.typed_parameter(term.parameter, wanted)
        if term.literal is not None and term.type == UNKNOWN:
            try:
                return self.literal(term.literal, wanted)
            except GatewayError as error:
                error.position = error.position or term.position
                raise
        if term.type == wanted or wanted == UNKNOWN:
            return term
        if term.sql == "NULL":
            return self.null(wanted)
        return self.converted(term, wanted)

    def typed_parameter(self, number: int, wanted: int) -> Term:
        """`$n` as a value of that type; the first place settles what clients send."""
        declared = self.parameters.setdefault(number, static().base(wanted))
        kind = static().storage(declared).duckdb
        sent = Term(f"CAST($p{number} AS {kind})", declared)
        return sent if declared == wanted else self.converted(sent, wanted)

    def null(self, wanted: int) -> Term:
        """NULL of a type."""
        return Term(f"CAST(NULL AS {static().storage(wanted).duckdb})", wanted)

    # Literals

    def literal(self, text: str, wanted: int) -> Term:
        """The value that a string literal stands for as one of type `wanted`."""
        base = static().base(wanted)
        if base == RECORD or category(base) in "CP":
            raise FeatureNotSupported("a literal of a row type is not supported here")
        element = element_of(base)
        if element:
            return Term(self._array(text, base, element), wanted)
        return Term(self._scalar(text, base), wanted)

    def _scalar(self, text: str, base: int) -> str:
        if base in REGISTERED:
            return str(registered(self.names, REGISTERED[base], text))
        if base in _INTEGERS or base in NUMBERED:
            return self._integer(text, base)
        if base == BOOL:
            return self._boolean(text)
        if base == CHAR:
            return quoted(char(text))
        if base == _INTERVAL:
            months, days, microseconds = read_interval(text)
            return f"(to_months({months}) + to_days({days}) + to_microseconds({microseconds}))"
        if base in _MOMENTS:
            text = _moment(text, base)
        elif base in _JSON:
            text = _JSON[base](text)
        kind = static().storage(base).duckdb
        return quoted(text) if kind == "VARCHAR" else f"CAST({quoted(text)} AS {kind})"

    def _integer(self, text: str, base: int) -> str:
        spelt = static().types[base].name
        sql = {"int4": "integer", "int8": "bigint", "int2": "smallint"}.get(spelt, spelt)
        if not re.fullmatch(r"\s*[-+]?\d+\s*", text):
            raise InvalidTextRepresentation(f'invalid input syntax for type {sql}: "{text}"')
        value = int(text)
        if not -(2 ** _LIMITS.get(base, 32)) <= value < 2 ** _LIMITS.get(base, 32):
            raise InvalidTextRepresentation(f'value "{text}" is out of range for type {sql}')
        return f"CAST({value} AS {static().storage(base).duckdb})"

    def _boolean(self, text: str) -> str:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise InvalidTextRepresentation(f'invalid input syntax for type boolean: "{text}"')
        return "TRUE" if word in _TRUE else "FALSE"

    def _array(self, text: str, base: int, element: int) -> str:
        kind = static().storage(base).duckdb
        if base in (INT2VECTOR, OIDVECTOR):
            items: list[str | None] = list(text.split())
        else:
            items = array_items(text)
        if any(item is not None and item.startswith("{") for item in items):
            raise FeatureNotSupported("an array of arrays is not supported in a catalogue query")
        values = ["NULL" if item is None else self._scalar(item, element) for item in items]
        return f"CAST([{', '.join(values)}] AS {kind})"

    # Casts

    def cast(self, term: Term, wanted: int, typmod: int = -1) -> Term:
        """`term::wanted`.

        Raises:
            FeatureNotSupported: 0A000, a cast that the catalogue does not do.
        """
        nested = term.nested and static().base(wanted) in TEXTS
        address = wanted != term.type and INET in (static().base(wanted), static().base(term.type))
        if nested or address or static().base(wanted) in (NUMERIC, BYTEA):
            raise FeatureNotSupported(
                f"a cast to {_spelt(wanted)} of such a value is not supported in a catalogue query"
            )
        if term.literal is not None or term.parameter or term.sql == "NULL":
            done = self.coerce(term, wanted)
        elif static().base(term.type) == static().base(wanted):
            done = Term(term.sql, wanted)
        else:
            done = self.converted(term, wanted)
        if typmod >= 4 and static().base(wanted) in (VARCHAR, BPCHAR):
            return Term(f"left({done.sql}, {typmod - 4})", wanted, typmod=typmod)
        if wanted == NAME != static().base(term.type) and len(term.literal or _LONG) > _NAME_LENGTH:
            return Term(f"left({done.sql}, {_NAME_LENGTH})", wanted)
        return Term(done.sql, wanted)

    def written(self, term: Term) -> str:
        """A value as its type's output function writes it: of a Boolean one letter."""
        if term.type == BOOL:
            return f"CASE WHEN {term.sql} THEN 't' WHEN NOT {term.sql} THEN 'f' END"
        return self.cast(term, TEXT).sql

    def converted(self, term: Term, wanted: int) -> Term:
        """A value of one type as one of another."""
        given, base = static().base(term.type), static().base(wanted)
        if given == UNKNOWN:  # of a literal that is not at hand any more, as in a UNION's branch
            return Term(f"CAST({term.sql} AS {static().storage(base).duckdb})", wanted)
        for applies, convert in _CONVERSIONS:
            if applies(given, base):
                if isinstance(convert, str):
                    return Term(convert.format(term.sql), wanted)
                return Term(convert(self, term.sql, given, base), wanted)
        if static().storage(given) == static().storage(base):
            return Term(term.sql, wanted)
        if bool(element_of(given)) != bool(element_of(base)):
            raise FeatureNotSupported(
                f"a cast from {_spelt(given)} to {_spelt(base)} is not supported here"
            )
        return Term(f"CAST({term.sql} AS {static().storage(base).duckdb})", wanted)

    def lookup(self, kind: str, number: str) -> str:
        """The text of a reg value; see `system.lookups`."""
        return f"\"@{kind}\"('{self.names.place}', {number})"

    def _to_text(self, sql: str, given: int, wanted: int) -> str:
        text = f"CAST({sql} AS VARCHAR)"
        if given in (700, 701):
            text = f"list_transform([{sql}], lambda x: float_text(x))[1]"
        if given == NUMERIC:
            text = f"list_transform([{sql}], lambda x: numeric_text(x))[1]"
        text = self.lookup(REGISTERED[given], sql) if given in REGISTERED else text
        return f"left({text}, 1)" if wanted == CHAR else text

    def _text_to_integer(self, sql: str, given: int, wanted: int) -> str:
        """Where the text is a fraction, which the database would round, it is no number."""
        kind = static().storage(wanted).duckdb
        return f"CAST(translate({sql}, '.eE', '???') AS {kind})"

    def _text_to_array(self, sql: str, given: int, wanted: int) -> str:
        kind = static().storage(wanted).duckdb
        return f"CAST(CAST({self.lookup('items', sql)} AS JSON) AS {kind})"

    def _array_to_text(self, sql: str, given: int, wanted: int) -> str:
        if element_of(given) in REGISTERED:
            sql = self._names_of(sql, given)
        quote = (
            "CASE WHEN v IS NULL THEN 'NULL' WHEN v = '' OR lower(v) = 'null' OR "
            "regexp_matches(v, '[{}\",\\s\\\\]') THEN '\"' || replace(replace(v, '\\', '\\\\'), "
            "'\"', '\\\"') || '\"' ELSE v END"
        )
        quote = "left(v, 1)" if element_of(given) == BOOL else quote
        items = f"list_transform(CAST({sql} AS VARCHAR[]), lambda v: {quote})"
        return f"('{{' || array_to_string({items}, ',') || '}}')"

    def _names_of(self, sql: str, given: int) -> str:
        """A list of reg values as the list of their names."""
        named = self.lookup(REGISTERED[element_of(given)], "v")
        return f"list_transform({sql}, lambda v: {named})"


def registered(names: Names, kind: str, text: str) -> int:
    """The oid that a text means as a reg type.

    Raises:
        UndefinedTable: 42P01. UndefinedFunction: 42883. UndefinedObject: 42704.
    """
    if re.fullmatch(r"\s*\d+\s*", text):
        return int(text)
    if text == "-":
        return 0
    found = names.number(kind, text)
    if found is not None:
        return found
    raise missing(kind, text)


def missing(kind: str, text: str) -> GatewayError:
    """What is raised for a text that names no object of a reg type."""
    if kind == "regclass":
        return UndefinedTable(f'relation "{text}" does not exist')
    if kind in ("regproc", "regprocedure"):
        return UndefinedFunction(f'function "{text}" does not exist')
    if kind == "regnamespace":
        return InvalidSchemaName(f'schema "{text}" does not exist')
    word = {"regrole": "role"}.get(kind, kind.removeprefix("reg"))
    return UndefinedObject(f'{word} "{text}" does not exist')


def _spelt(oid: int) -> str:
    found = static().types.get(oid)
    return found.name if found is not None else str(oid)


def array_items(text: str) -> list[str | None]:
    """The items of a one-dimensional array as PostgreSQL writes it.

    Raises:
        InvalidTextRepresentation: 22P02.

    >>> array_items('{a,"b,c",NULL}')
    ['a', 'b,c', None]
    """
    body = text.strip()
    if not (body.startswith("{") and body.endswith("}")):
        raise InvalidTextRepresentation(
            f'malformed array literal: "{text}"',
            detail='Array value must start with "{" or dimension information.',
        )
    body = body[1:-1]
    items: list[str | None] = []
    for match in re.finditer(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,"]*?))\s*(?:,|$)', body):
        if match.end() == match.start() and (items or not body):
            continue
        inside, plain = match[1], match[2]
        if inside is not None:
            items.append(re.sub(r"\\(.)", r"\1", inside))
        else:
            items.append(None if plain.upper() == "NULL" else plain)
    return items


def _moment(text: str, base: int) -> str:
    """A date or a timestamp as the database reads it; a word like now is left to it."""
    try:
        return date(text) if base == _DATE else timestamp(text, zoned=base == _TIMESTAMPTZ)
    except FeatureNotSupported:
        return text


def _is_vector(oid: int) -> bool:
    return oid in (INT2VECTOR, OIDVECTOR)


# The first byte of a "char", which has a sign.
_CODE = "(CAST('0x' || left(hex(x), 2) AS INTEGER) + 128) % 256 - 128"
# For each pair of types that it applies to: the SQL of the value, or what makes it.
Conversion = Callable[[Coercion, str, int, int], str]
_CONVERSIONS: tuple[tuple[Callable[[int, int], bool], str | Conversion], ...] = (
    (lambda a, b: a == _INT4 and b == CHAR, "list_transform([{}], lambda x: letter(x))[1]"),
    (
        lambda a, b: a == CHAR and b == _INT4,
        f"list_transform([{{}}], lambda x: CASE WHEN x = '' THEN 0 ELSE {_CODE} END)[1]",
    ),
    (
        lambda a, b: a == BPCHAR and b in (CHAR, NAME, TEXT, VARCHAR),
        lambda within, sql, a, b: within._to_text(f"rtrim({sql}, ' ')", a, b),
    ),
    (lambda a, b: a in TEXTS and b == CHAR and a != CHAR, "left({}, 1)"),
    (lambda a, b: a in TEXTS and b in TEXTS, "{}"),
    (lambda a, b: a in TEXTS and b in _WHOLE, Coercion._text_to_integer),
    (lambda a, b: a in TEXTS and element_of(b) in _READ_ITEMS, Coercion._text_to_array),
    (
        lambda a, b: a in TEXTS and b in REGISTERED,
        lambda within, sql, a, b: within.lookup(f"{REGISTERED[b]}_of", sql),
    ),
    (
        lambda a, b: (a in TEXTS and b in _JSON) or (a in _JSON and b == _JSONB),
        lambda within, sql, a, b: within.lookup("jsonb" if b == _JSONB else "json", sql),
    ),
    (lambda a, b: _is_vector(a) and b in TEXTS, "array_to_string({}, ' ')"),
    (
        lambda a, b: element_of(a) in REGISTERED and element_of(b) in TEXTS,
        lambda within, sql, a, b: within._names_of(sql, a),
    ),
    (lambda a, b: bool(element_of(a)) and b in TEXTS, Coercion._array_to_text),
    (lambda a, b: b in TEXTS, Coercion._to_text),
)
