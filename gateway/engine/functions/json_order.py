"""The order of jsonb values (PostgreSQL 15, jsonb_util.c, compareJsonbContainers), as texts.

Objects come after arrays, booleans, numbers, strings and null; what has more members is greater.
Texts compare byte by byte as the values do, and are the same for what is equal: 1 and 1.0.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

_END = "\x01"  # below every character that a string may go on with
_EXPONENT = 500_000  # above that of any numeric, so that no exponent is below 0
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def sort_key(text: str) -> str:
    """The text that stands for a jsonb value in comparisons and orders."""
    value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    if isinstance(value, dict | list):
        return _key(value)
    # At the top a scalar is an array of one element, before every other of one.
    return f"4{1:08d}0{_key(value)}"


def _key(value: Any) -> str:
    match value:
        case None:
            return "0"
        case str():
            return f"1{value}{_END}"
        case bool():
            return f"3{int(value)}"
        case Decimal():
            return f"2{number_key(value)}"
        case list():
            return f"4{len(value):08d}1{''.join(map(_key, value))}"
    # Members in the order in which jsonb keeps them.
    items = sorted(value.items(), key=lambda item: (len(item[0].encode()), item[0].encode()))
    return f"5{len(items):08d}" + "".join(_key(key) + _key(inner) for key, inner in items)


def number_key(value: Decimal) -> str:
    """A text by which numbers sort: sign, exponent, digits; of one below 0 their complements."""
    if not value:
        return "1"
    plain = value.normalize()
    digits = "".join(map(str, plain.as_tuple().digits))
    size = f"{plain.adjusted() + _EXPONENT:06d}{digits}"
    if plain > 0:
        return f"2{size} "
    return f"0{size.translate(_COMPLEMENT)}~"
