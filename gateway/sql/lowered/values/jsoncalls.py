"""What makes JSON of other values (manual, 9.16), as the engine computes it.

Values are written as PostgreSQL's to_json does; jsonb is given its one form after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from sqlglot import exp

from gateway.errors import FeatureNotSupported, InvalidParameterValue, UndefinedFunction
from gateway.sql.inputs.jsontext import quoted
from gateway.sql.lowered.values.json_operators import (
    JSON,
    JSONS,
    KEYS,
    PARTS,
    as_jsonb,
    called,
    compare,
    look_for_keys,
    take_part,
)
from gateway.sql.names.scope import position_of
from gateway.sql.text.building import cast_copy, whole_call
from gateway.sql.text.dialect import DIALECT
from gateway.sql.types.dimensions import DIMENSIONS, written_deep
from gateway.sql.types.inference import GIVES, JSONB, Types
from gateway.sql.types.numerals import written_number
from gateway.types import INET, INTEGER, TEXT, Type, array_of

# Function -> the function of json that it is for jsonb too.
MAKERS = frozenset(
    {"to_json", "row_to_json", "array_to_json", "json_build_object", "json_build_array",
     "json_agg", "json_object_agg", "json_extract_path", "json_extract_path_text"}
)  # fmt: skip
# Type -> the function that makes JSON of its text, and the one that writes that.
_THROUGH = {
    **{
        f"_{name}": ("json_of_array", f"text_of_{name}_array")
        for name in ("bool", "int2", "int4", "int8", "float4", "float8")
    },
    "float4": ("json_of_float", "text_of_float4"),
    "float8": ("json_of_float", "text_of_float8"),
    "date": ("json_quoted", "text_of_date"),
    "timestamp": ("json_of_moment", "text_of_timestamp"),
    "timestamptz": ("json_of_moment", "text_of_timestamptz"),
}
# Types whose JSON is sorted as the values are.
_ALPHABETIC = ("date", "timestamp", "timestamptz", "time", "uuid")
_QUOTED = ("time", "interval", "uuid", "inet", "oid", "bytea")

NAMES = "names"  # under this key a whole row's notes hold the names of its columns
PRESENT = "present"  # and this argument of it is true where it is not NULL


def is_maker(name: str) -> bool:
    """Whether a call makes JSON of other values, or is an operator under a name."""
    return name.replace("jsonb", "json") in MAKERS


def _joined(parts: Sequence[exp.Expr | str]) -> exp.Expr:
    made = [exp.Literal.string(part) if isinstance(part, str) else part for part in parts]
    whole = made[0]
    for part in made[1:]:
        whole = exp.DPipe(this=whole, expression=part, safe=True)
    return exp.paren(whole, copy=False)


_COMPARED = (exp.ArrayContainsAll, exp.ArrayContainedBy, exp.DPipe, exp.Sub)
OPERATORS = (*PARTS, *_COMPARED, *KEYS)  # which may be of JSON


def made_json(node: exp.Expr, known: Types) -> exp.Expr | None:
    """What the engine computes for an operator or a function of JSON; None: it is neither.

    An aggregate is replaced where it stands, with what is written around it, and given back.
    """
    if isinstance(node, PARTS):
        return take_part(node, known)
    if isinstance(node, _COMPARED):
        return compare(node, known)
    if type(node) in KEYS:
        return look_for_keys(node, known)
    if isinstance(node, exp.Anonymous) and is_maker(node.name):
        return make(node, known)
    return None


def as_json(value: exp.Expr, kind: Type | None) -> exp.Expr:
    """The JSON text of a value; NULL of NULL.

    Raises:
        FeatureNotSupported: 0A000, its type cannot be told, or has no JSON here.
    """
    if kind is None:
        raise FeatureNotSupported(
            f"cannot tell the type of {value.sql(dialect=DIALECT)}, which its JSON depends on",
            hint="Cast it to the type it has.",
            position=position_of(value),
        )
    if kind in JSONS:
        return value.copy()
    value = _with_type(value, kind)
    if kind.name in INTEGER or kind.name in ("bool", "numeric"):
        return cast_copy(value, "text")
    if kind.name in _THROUGH:
        name, written = _THROUGH[kind.name]
        deep = int(value.meta.get(DIMENSIONS, 1))
        if deep > 1:
            written = written_deep(kind, deep) or _no_deep(value)
        # The engine may count the nanoseconds of a timestamp.
        given = cast_copy(value, "timestamp")
        return called(name, called(written, given if kind.name == "timestamp" else value))
    if kind.element in JSONS:
        words = [exp.Literal.string(word) for word in (",", "null")]
        return _joined(["[", called("array_to_string", value, *words), "]"])
    if kind.element is not None and _is_text(kind.element):
        if int(value.meta.get(DIMENSIONS, 1)) > 1:
            _no_deep(value)
        return called("json_of_texts", cast_copy(value, "text[]"))
    if kind.name in _QUOTED or _is_text(kind):
        return called("json_quoted", value if kind.name == "bpchar" else cast_copy(value, "text"))
    raise FeatureNotSupported(f"JSON of {kind.sql} is not supported", position=position_of(value))


def _with_type(value: exp.Expr, kind: Type) -> exp.Expr:
    """A subquery's type is not found again where it is copied to; it is noted there."""
    if not isinstance(value, exp.Subquery):
        return value
    noted = value.copy()
    noted.meta[GIVES] = kind
    return noted


def _is_text(kind: Type) -> bool:
    """Whether its JSON is the string of its text; a record's would be an object."""
    return kind.arrow == TEXT.arrow and kind.name != "record"


def make(node: exp.Anonymous, known: Types) -> exp.Expr:
    """to_json, json_build_object, json_agg and their like, jsonb's too."""
    name = node.name.replace("jsonb", "json")
    binary = name != node.name
    lacks = not node.expressions and not name.startswith("json_build")
    made = None if lacks else _MAKERS[name](node, known)
    if made is None:
        return node
    if name in ("json_extract_path", "json_extract_path_text"):
        return made
    return called("jsonb_form", made, gives=JSONB) if binary else _marked(made)


def written(value: exp.Expr, known: Types) -> exp.Expr:
    """A value as text; character(n) with its blanks, which a cast leaves out."""
    kind = known.of(value)
    return value.copy() if kind is not None and kind.name == "bpchar" else cast_copy(value, "text")


def _no_deep(value: exp.Expr) -> NoReturn:
    raise FeatureNotSupported(
        "JSON of this array of several dimensions is not supported", position=position_of(value)
    )


def _marked(tree: exp.Expr) -> exp.Expr:
    tree.meta[GIVES] = JSON
    return tree


def _or_null(value: exp.Expr) -> exp.Expr:
    return called("coalesce", value, exp.Literal.string("null"))


def row_of(value: exp.Expr) -> list[tuple[str, exp.Expr]] | None:
    """Names and values of ROW(...); None of anything else."""
    if not isinstance(value, exp.Anonymous) or value.name != "row":
        return None
    names = value.meta_get(NAMES) or [f"f{n}" for n, _ in enumerate(value.expressions, 1)]
    return list(zip(names, value.expressions, strict=True))


def where_present(row: exp.Expr, made: exp.Expr) -> exp.Expr:
    """What is made of a row; NULL where an outer join has no such row."""
    there = row.args.get(PRESENT)
    if there is None:
        return made
    return exp.Case(ifs=[exp.If(this=there.copy(), true=made)])


def _json_of_row(row: list[tuple[str, exp.Expr]], known: Types, between: str = ",") -> exp.Expr:
    parts: list[exp.Expr | str] = []
    for place, (name, value) in enumerate(row):
        parts += [between if place else "{", f"{quoted(name)}:", _or_null(_json_of(value, known))]
    return _joined([*(parts or ["{"]), "}"])


def _json_of(value: exp.Expr, known: Types) -> exp.Expr:
    row = row_of(value)
    if row is not None:
        return where_present(value, _json_of_row(row, known))
    gathered = _gathered_rows(value)
    if gathered is not None:
        return _aggregate(gathered, known, ",").copy()
    written = written_number(value)
    if written is not None:  # a numeric, which is shown with its zeros; there is no -0
        return exp.Literal.string(written if float(written) else written.removeprefix("-"))
    kind = TEXT if value.is_string else known.of(value)
    return exp.Literal.string("null") if isinstance(value, exp.Null) else as_json(value, kind)


def _gathered_rows(value: exp.Expr) -> exp.Anonymous | None:
    """The call of array_agg(row); None of anything else."""
    plain = value.unnest()
    call = plain.this if isinstance(plain, exp.Filter) else plain
    if not isinstance(call, exp.Anonymous) or call.name != "array_agg" or not call.expressions:
        return None
    return call if row_of(_taken(call)) is not None else None


def _taken(call: exp.Anonymous) -> exp.Expr:
    """What an aggregate takes, without its order and DISTINCT."""
    value = call.expressions[0]
    plain: exp.Expr = value.this if isinstance(value, exp.Order) else value
    return plain.expressions[0] if isinstance(plain, exp.Distinct) else plain


def _to_json(node: exp.Anonymous, known: Types) -> exp.Expr:
    value, *rest = node.expressions
    row = row_of(value)
    kind = None if row is not None else known.of(value)
    if node.name == "row_to_json" and kind is not None and kind.name != "record":
        raise UndefinedFunction(
            f"function row_to_json({kind.sql}) does not exist", position=position_of(node)
        )
    if row is not None and rest == [exp.true()]:
        return where_present(value, _json_of_row(row, known, ",\n "))
    return exp.paren(_json_of(value, known))


def _build_array(node: exp.Anonymous, known: Types) -> exp.Expr:
    parts: list[exp.Expr | str] = ["["]
    for place, value in enumerate(node.expressions):
        parts += [", "] if place else []
        parts.append(_or_null(_json_of(value, known)))
    return _joined([*parts, "]"])


def _build_object(node: exp.Anonymous, known: Types) -> exp.Expr:
    given = node.expressions
    if len(given) % 2:
        raise InvalidParameterValue("argument list must have even number of elements")
    parts: list[exp.Expr | str] = ["{"]
    for place, (key, value) in enumerate(zip(given[::2], given[1::2], strict=True)):
        null = _check_key(node, 2 * place + 1, key, known)
        parts += [", "] if place else []
        parts += [
            called("json_quoted", _never_null(written(key, known), null)),
            " : ",
            _or_null(_json_of(value, known)),
        ]
    return _joined([*parts, "}"])


def _never_null(key: exp.Expr, refusal: str) -> exp.Expr:
    return called("object_key", key, exp.Literal.string(refusal), gives=TEXT)


def _check_key(node: exp.Anonymous, place: int, key: exp.Expr, known: Types) -> str:
    """Refuse a key that is none, where the text says so; the refusal of one that is NULL.

    Raises:
        InvalidParameterValue: 22023.
    """
    binary = node.name.startswith("jsonb")
    null = f"argument {place}" + (": key must not be null" if binary else " cannot be null")
    if isinstance(key.unnest(), exp.Null):
        raise InvalidParameterValue(null)
    kind = known.of(key)
    if kind is not None and (kind in JSONS or kind.element is not None):
        raise InvalidParameterValue("key value must be scalar, not array, composite, or json")
    return null


def _aggregate(node: exp.Anonymous, known: Types, between: str = "") -> exp.Expr:
    """json_agg: string_agg of each value's JSON, inside brackets put around the whole call."""
    plain = _taken(node)
    text, kind = _or_null(_json_of(plain, known)), known.of(plain)
    rows = row_of(plain) is not None or (kind is not None and kind.element is not None)
    plain.replace(text)
    value = node.expressions[0]
    if isinstance(value, exp.Distinct) and kind is not None and kind.name in _ALPHABETIC:
        keys = [exp.Ordered(this=text.copy(), nulls_first=False)]
        node.set("expressions", [exp.Order(this=value.copy(), expressions=keys)])
    separator = between or (", \n " if rows and node.name == "json_agg" else ", ")
    return _brackets(node, "[", separator, "]")


def _gather(node: exp.Anonymous, known: Types) -> None:
    if not _gather_distinct(node, known):
        _aggregate(node, known)


def _gather_distinct(node: exp.Anonymous, known: Types) -> bool:
    """DISTINCT values are sorted as what they are, not as their JSON; whether they are."""
    value = node.expressions[0]
    distinct = value.this if isinstance(value, exp.Order) else value
    kind = known.of(_taken(node))
    whole = whole_call(node)
    if kind is None or not isinstance(distinct, exp.Distinct) or isinstance(whole, exp.Window):
        return False
    alike = _is_text(kind) and kind not in (*JSONS, INET) and not kind.is_enum
    if f"_{kind.name}" not in _THROUGH and not alike:
        return False
    place, binary = whole.parent, node.name.startswith("jsonb")
    node.set("this", "array_agg")
    values = whole.copy()
    values.meta[GIVES] = array_of(kind)
    assert place is not None
    made = called("jsonb_form", as_json(values, array_of(kind)), gives=JSONB)
    whole.replace(made if binary else cast_copy(made, "json"))
    return True


def _object_aggregate(node: exp.Anonymous, known: Types) -> None:
    key, value = node.expressions
    order = value if isinstance(value, exp.Order) else None
    inner = order.this if order is not None else value
    name = called("json_quoted", _never_null(written(key, known), "field name must not be null"))
    pair = _joined([name, " : ", _or_null(_json_of(inner, known))])
    if isinstance(node.parent, exp.Filter):  # of a row that is left out nothing is asked
        kept = node.parent.expression.this.copy()
        pair = exp.Case(ifs=[exp.If(this=kept, true=pair)])
    if order is not None:
        order.set("this", pair)
    node.set("expressions", [order or pair])
    _brackets(node, "{ ", ", ", " }")


def _brackets(node: exp.Anonymous, start: str, separator: str, end: str) -> exp.Expr:
    binary = node.name.startswith("jsonb")
    value = node.expressions[0]
    arguments = [value, exp.Literal.string(separator)]
    if isinstance(value, exp.Order):  # string_agg(x, ', ' ORDER BY y)
        ordered = value.copy()
        inner = ordered.this
        ordered.set("this", exp.Literal.string(separator))
        arguments = [inner.copy(), ordered]
    node.set("this", "string_agg")
    node.set("expressions", arguments)
    whole: exp.Expr = node
    while isinstance(whole.parent, exp.Filter | exp.Window | exp.WithinGroup):
        whole = whole.parent
    place = whole.parent
    made = _joined([start, whole.copy(), end])
    if binary:
        made = called("jsonb_form", made)
    made.meta[GIVES] = JSONB if binary else JSON
    assert place is not None
    whole.replace(made)
    return made


def _path(node: exp.Anonymous, known: Types) -> exp.Expr:
    document, *steps = node.expressions
    if node.name.startswith("jsonb"):
        document = as_jsonb(document)
    path = exp.Array(expressions=[cast_copy(step, "text") for step in steps])
    as_text = node.name.endswith("_text")
    gives = TEXT if as_text else known.of(document)
    return called("json_path_text" if as_text else "json_path", document, path, gives=gives)


_MAKERS = {
    "to_json": _to_json,
    "row_to_json": _to_json,
    "array_to_json": _to_json,
    "json_build_array": _build_array,
    "json_build_object": _build_object,
    "json_agg": _gather,
    "json_object_agg": _object_aggregate,
    "json_extract_path": _path,
    "json_extract_path_text": _path,
}
