"""SHOW of PostgreSQL's settings that have no row in `settings`: their values in a new database."""

from __future__ import annotations

from functools import cache

from gateway.catalog.static import static

# What a value counts in, and what SHOW prints instead where it comes out even (guc.c).
_UNITS = {
    "B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "8kB": 2**13,
    "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
}  # fmt: skip
_BYTES, _TIMES = ("TB", "GB", "MB", "kB", "B"), ("d", "h", "min", "s", "ms")


@cache
def _recorded() -> dict[str, tuple[str, str, str]]:
    table = static().tables["pg_catalog.pg_settings"].select(["name", "setting", "unit"])
    columns = (column.to_pylist() for column in table.columns)
    return {
        name.lower(): (name, value or "", unit or "")
        for name, value, unit in zip(*columns, strict=True)
    }


def recorded_setting(name: str) -> tuple[str, str] | None:
    """The setting's name and its value as SHOW prints it; None when PostgreSQL has none such.

    >>> recorded_setting("WORK_MEM"), recorded_setting("geqo"), recorded_setting("nope")
    (('work_mem', '4MB'), ('geqo', 'on'), None)
    """
    found = _recorded().get(name.lower())
    return None if found is None else (found[0], _shown(found[1], found[2]))


def _shown(value: str, unit: str) -> str:
    """A value with the largest unit in which it is whole."""
    if unit not in _UNITS or not value.isdigit() or value == "0":
        return value
    total = int(value) * _UNITS[unit]
    for larger in _TIMES if unit in _TIMES else _BYTES:
        if total % _UNITS[larger] == 0:
            return f"{total // _UNITS[larger]}{larger}"
    return value
