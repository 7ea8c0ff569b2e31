"""DateStyle: two words, a style and an order, of which a user may name either.

PostgreSQL manual, 8.5.2 and 20.11.2.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import InvalidParameterValue
from gateway.sql.inputs.notation import DATE_STYLES

# Whether a word, in capitals, is the row's -> the half that it names, and what it means.
_WORDS: tuple[tuple[Callable[[str], bool], str, str], ...] = (
    (lambda word: word == "ISO",               "style", "ISO"),
    (lambda word: word == "SQL",               "style", "SQL"),
    (lambda word: word.startswith("POSTGRES"), "style", "Postgres"),
    (lambda word: word == "GERMAN",            "style", "German"),
    (lambda word: word == "YMD",               "order", "YMD"),
    (lambda word: word == "DMY",               "order", "DMY"),
    (lambda word: word.startswith("EURO"),     "order", "DMY"),
    (lambda word: word in ("MDY", "US"),       "order", "MDY"),
    (lambda word: word.startswith("NONEURO"),  "order", "MDY"),
)  # fmt: skip


def date_style(value: str, now: str, start: str) -> str:
    """DateStyle as SHOW prints it, after SET.

    Args:
        value: What the user named, separated by commas.
        now: The setting so far; a half that is not named stays.
        start: What `default` means.

    Raises:
        InvalidParameterValue: 22023, a word that is none, or two that contradict each other.

    >>> date_style("sql, european", "ISO, MDY", "ISO, MDY"), date_style("YMD", "German, DMY", "")
    ('SQL, DMY', 'German, YMD')
    """
    found: dict[str, str] = {}
    defaults: dict[str, str] = {}
    for written in value.split(",") if value.strip() else ():
        word = written.strip().strip('"')
        if word.upper() == "DEFAULT":
            defaults = _halves(start)
            continue
        half, meaning = _meant(word)
        if found.setdefault(half, meaning) != meaning:
            raise InvalidParameterValue("", detail='Conflicting "datestyle" specifications.')
    if found.get("style") == "German":  # which has an order of its own
        found.setdefault("order", "DMY")
    halves = _halves(now) | defaults | found
    return f"{halves['style']}, {halves['order']}"


def _halves(shown: str) -> dict[str, str]:
    style, _, order = shown.partition(", ")
    return {"style": style or DATE_STYLES[0], "order": order or "MDY"}


def _meant(word: str) -> tuple[str, str]:
    for is_it, half, meaning in _WORDS:
        if is_it(word.upper()):
            return half, meaning
    if not word:
        raise InvalidParameterValue("", detail="List syntax is invalid.")
    raise InvalidParameterValue("", detail=f'Unrecognized key word: "{word.lower()}".')
