"""upper, lower and initcap letter by letter, as PostgreSQL has them of the C library.

The engine's own go by Unicode's full tables: of `ß` they make SS, of a sigma that ends a word
another letter than of others. Checked over all characters against PostgreSQL 15 in C.UTF-8.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.rows import Columnar

_ALONE = "ß"  # Arrow has a capital of it


def _upper(texts: pa.Array) -> pa.Array:
    """Texts in capitals; NULL of NULL.

    >>> _upper(pa.array(["straße ŉ ᾀ", None, "aﬁ"])).to_pylist()
    ['STRAßE ŉ ᾈ', None, 'Aﬁ']
    """
    odd = pc.match_substring(texts, _ALONE)
    if not pc.any(odd).as_py():
        return pc.utf8_upper(texts)
    parts = pc.split_pattern(pc.fill_null(texts, ""), _ALONE)
    raised = pa.ListArray.from_arrays(parts.offsets, pc.utf8_upper(parts.values))
    return pc.if_else(
        pc.is_valid(texts), pc.binary_join(raised, _ALONE), pa.scalar(None, texts.type)
    )


def _initcap(texts: pa.Array) -> pa.Array:
    found = [None if text is None else _capitalised(text) for text in texts.to_pylist()]
    return pa.array(found, pa.string())


def _capitalised(text: str) -> str:
    """The first letter of each word raised, the others lowered.

    >>> _capitalised("straße o'neil ΣΑΣ ǆx x²y")
    "Straße O'Neil Σασ Ǆx X²Y"
    """
    out, inside = [], False
    for letter in text:
        out.append(_lowered(letter) if inside else _raised(letter))
        inside = _of_word(letter)
    return "".join(out)


@lru_cache(4096)
def _raised(letter: str) -> str:
    return next((each for each in (letter.upper(), letter.title()) if len(each) == 1), letter)


@lru_cache(4096)
def _lowered(letter: str) -> str:
    return letter.lower()[0]


@lru_cache(4096)
def _of_word(letter: str) -> bool:
    """Whether it is a letter or a digit (iswalnum)."""
    circled = "\u24b6" <= letter <= "\u24e9"
    return letter.isalpha() or circled or unicodedata.category(letter) in ("Nd", "Nl")


LETTER_CASES: tuple[Columnar, ...] = (
    ("upper", [pa.string()], pa.string(), _upper),
    ("lower", [pa.string()], pa.string(), pc.utf8_lower),
    ("initcap", [pa.string()], pa.string(), _initcap),
)
