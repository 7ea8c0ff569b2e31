"""Texts read as numerics and labels of enums, and what numerics become as texts.

And the rules of domains, which values are held to that are cast to one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.texts_read import over_items
from gateway.errors import InvalidTextRepresentation, domain_refuses
from gateway.sql.inputs import number_input
from gateway.sql.types.numerals import OWN_SCALES, plain

Columnar = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]

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
