"""Texts read as values: what a cast of a text that is no literal does, alone and in an array.

The engine would read a fraction as an integer and round it, make an infinity of a double that is
too large and take any text for a uuid; these read as the types' input functions do.

Numerics and labels of enums stay texts, and are checked; so are the values of domains.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.rows import Columnar
from gateway.errors import InvalidTextRepresentation, NumericValueOutOfRange, domain_refuses
from gateway.sql.inputs import number_input
from gateway.sql.inputs.array_input import read_array
from gateway.sql.inputs.notation import PLAIN, Notation, from_text
from gateway.sql.inputs.text_columns import read_texts
from gateway.sql.inputs.value_input import refuse_dimensions
from gateway.sql.types.numerals import OWN_SCALES, plain
from gateway.types import BY_NAME, Type, by_name

_TEXT, _DOUBLE, _NUMERIC = pa.string(), pa.float64(), pa.decimal128(38, 10)
_VALUES = ("bool", "int2", "int4", "int8", "oid", "float4", "float8", "uuid", "inet")
_MOMENTS = ("date", "time", "timestamp", "timestamptz")
# Whose texts alone other functions read.
_IN_ARRAYS = ("json", "jsonb", "bytea", "char")


def _read(kind: Type, texts: pa.Array, notation: pa.Array | None = None) -> pa.Array:
    """The values; NULL of NULL. `notation` has the session's, as one text.

    Raises:
        GatewayError: 22P02, 22003, 22007, 22008, ...: the first text that is none.
    """
    return read_texts(texts, kind, _told(notation))


def _told(notation: pa.Array | None) -> Notation:
    return from_text(notation[0].as_py()) if notation is not None and len(notation) else PLAIN


def over_items(read: Callable[..., pa.Array], lists: pa.Array, *told: pa.Array) -> pa.Array:
    """What `read` makes of the items of arrays, and of arrays of those, as such arrays."""
    deep = pa.types.is_list(lists.type.value_type)
    flat = lists.flatten()
    items = over_items(read, flat, *told) if deep else read(flat, *told)
    counts = pc.fill_null(pc.list_value_length(lists), 0)
    ends = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts)])
    return pa.ListArray.from_arrays(ends, items, mask=lists.is_null())


def _arrays(kind: Type, texts: pa.Array) -> pa.Array:
    """The items of texts of arrays, as texts.

    Raises:
        InvalidTextRepresentation: 22P02, not an array's text.
        FeatureNotSupported: 0A000, of other dimensions than `kind`, or with a lower bound.
    """
    found = [None if text is None else read_array(text) for text in texts.to_pylist()]
    for values in found:
        refuse_dimensions(values or [], kind)
    return pa.array(found, kind.arrow)


def _sized(cut: Callable[..., pa.Array], texts: pa.Array, sizes: pa.Array) -> pa.Array:
    return cut(texts, sizes[0].as_py()) if len(sizes) else texts


def _filled(texts: pa.Array, size: int) -> pa.Array:
    return pc.utf8_rpad(pc.utf8_slice_codeunits(texts, 0, size), size)


def _cut(texts: pa.Array, size: int) -> pa.Array:
    return pc.utf8_slice_codeunits(texts, 0, size)


def _rounded(mode: str, numbers: pa.Array) -> pa.Array:
    """As integers: a double's ties to even, a numeric's away from zero.

    Raises:
        NumericValueOutOfRange: 22003, beyond 64 bits.
    """
    try:
        return pc.round(numbers, 0, mode).cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange("integer out of range") from error


def _reals(doubles: pa.Array) -> pa.Array:
    """As reals.

    Raises:
        NumericValueOutOfRange: 22003, a number that is an infinity or zero as a real.
    """
    reals = doubles.cast(pa.float32())
    over = pc.and_(pc.is_inf(reals), pc.is_finite(doubles))
    under = pc.and_(pc.equal(reals, 0), pc.not_equal(doubles, 0))
    for wrong, word in ((over, "overflow"), (under, "underflow")):
        if pc.any(wrong).as_py():
            raise NumericValueOutOfRange(f"value out of range: {word}")
    return reals


def _reading(name: str) -> tuple[Columnar, Columnar, Columnar]:
    kind = BY_NAME[name]
    read = partial(_read, kind)
    given = [_TEXT] if name in _MOMENTS or name == "interval" else []
    once, twice = pa.list_(_TEXT), pa.list_(pa.list_(_TEXT))
    one, two = pa.list_(kind.arrow), pa.list_(pa.list_(kind.arrow))
    return (
        (f"{name}_of_text", [_TEXT, *given], kind.arrow, read),
        (f"{name}s_of_texts_1d", [once, *given], one, partial(over_items, read)),
        (f"{name}s_of_texts_2d", [twice, *given], two, partial(over_items, read)),
    )


TEXTS_READ: tuple[Columnar, ...] = (
    *(row for name in (*_VALUES, *_MOMENTS) for row in _reading(name)),
    *(row for name in (*_IN_ARRAYS, "interval") for row in _reading(name)[1:]),
    ("texts_of_text_1d", [_TEXT], pa.list_(_TEXT), partial(_arrays, by_name("text[]"))),
    ("texts_of_text_2d", [_TEXT], pa.list_(pa.list_(_TEXT)), partial(_arrays, by_name("text[][]"))),
    *(
        (
            name,
            [pa.list_(_TEXT), pa.int64()],
            pa.list_(_TEXT),
            partial(over_items, partial(_sized, cut)),
        )
        for name, cut in (("texts_cut", _cut), ("texts_filled", _filled))
    ),
    (
        "rounded_numerics",
        [pa.list_(_NUMERIC)],
        pa.list_(pa.int64()),
        partial(over_items, partial(_rounded, "half_towards_infinity")),
    ),
    (
        "rounded_doubles",
        [pa.list_(_DOUBLE)],
        pa.list_(pa.int64()),
        partial(over_items, partial(_rounded, "half_to_even")),
    ),
    ("reals_of_doubles", [pa.list_(_DOUBLE)], pa.list_(pa.float32()), partial(over_items, _reals)),
    ("real_of_double", [_DOUBLE], pa.float32(), _reals),
)


_OF_OWN_SCALE = rf"\.({'|'.join(f'[0-9]{{{scale}}}' for scale in OWN_SCALES)})$"
_PLAIN_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
_LONG = 1000  # bytes


def _labels(texts: pa.Array, told: pa.Array) -> pa.Array:
    """The texts where all are labels of an enum, which `told` names before its labels, as JSON.

    Raises:
        InvalidTextRepresentation: 22P02: the first that is none.
    """
    if not len(told):
        return texts
    name, *labels = json.loads(told[0].as_py())
    wrong = pc.invert(pc.is_in(texts, pa.array([*labels, None], pa.string())))
    if (bad := next(iter(texts.filter(wrong)), None)) is not None:
        raise InvalidTextRepresentation(f'invalid input value for enum {name}: "{bad}"')
    return texts


def _held(rules: pa.Array, told: pa.Array) -> pa.Array:
    """True where a rule of a domain holds, of which `told` has as JSON what a refusal tells.

    Raises:
        CheckViolation: 23514, NotNullViolation: 23502: it does not hold everywhere.
    """
    if len(told) and not pc.all(rules, min_count=0).as_py():
        shown, schema, name, rule = json.loads(told[0].as_py())
        raise domain_refuses(shown, (schema, name), rule)
    return rules


def _label_lists(lists: pa.Array, told: pa.Array) -> pa.Array:
    """The same of arrays of texts."""
    _labels(lists.flatten(), told)
    return lists


def _plain_numbers(texts: pa.Array) -> pa.Array:
    """Texts of numerics without an exponent, a sign that says nothing, and blanks.

    Raises:
        InvalidTextRepresentation: 22P02. FeatureNotSupported: 0A000, NaN or an infinity.
        NumericValueOutOfRange: 22003, more digits than PostgreSQL reads.
    """
    short = pc.less(pc.binary_length(texts), _LONG)  # the engine reads digit in digit, to its end
    known = pc.and_(short, pc.match_substring_regex(texts, _PLAIN_NUMBER))
    if pc.all(known, min_count=0).as_py():
        return texts
    found: list[str | None] = []
    for text in texts.to_pylist():
        if text is not None:
            number_input.read_numeric(text)
        found.append(None if text is None else plain(text.strip()))
    return pa.array(found, pa.string())


def _trimmed(texts: pa.Array) -> pa.Array:
    """Numerics without digits of their own as the wire shows them, without zeros at the end.

    A value with another number of digits after the point has them for a reason, and keeps them.
    """
    own = pc.match_substring_regex(texts, _OF_OWN_SCALE)
    if not pc.any(own).as_py():
        return texts
    shorter = pc.utf8_rtrim(pc.utf8_rtrim(texts, "0"), ".")
    return pc.if_else(own, shorter, texts)


def nested(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Lists of it, lists of those, and so on."""
    while True:
        yield (kind := pa.list_(kind))


NUMBER_TEXTS: tuple[Columnar, ...] = (
    ("domain_held", [pa.bool_(), pa.string()], pa.bool_(), _held),
    ("number_of_text", [pa.string()], pa.string(), _plain_numbers),
    *(
        (f"numbers_of_texts_{depth}d", [kind], kind, partial(over_items, _plain_numbers))
        for depth, kind in enumerate(islice(nested(pa.string()), 6), 1)  # as many as arrays have
    ),
    ("trimmed_number", [pa.string()], pa.string(), _trimmed),
    (
        "trimmed_numbers",
        [pa.list_(pa.string())],
        pa.list_(pa.string()),
        partial(over_items, _trimmed),
    ),
    ("enum_of_text", [pa.string(), pa.string()], pa.string(), _labels),
    ("enums_of_texts", [pa.list_(pa.string()), pa.string()], pa.list_(pa.string()), _label_lists),
)
