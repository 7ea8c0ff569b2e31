"""Regular expressions that DataFusion has no function for, by Arrow's own (RE2, linear in time).

PostgreSQL manual, 9.7.3. Python's `re` may take exponential time and holds every client's thread
meanwhile, so it is not used.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import FeatureNotSupported, OutOfMemory

_MOST_READ = 2**30  # characters, the rest of the text being read anew after every match
_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)")


def split(text: str, pattern: str) -> list[str]:
    """regexp_split_to_array."""
    if not pattern:
        return list(text)
    found: list[str] = pc.split_pattern_regex(pa.array([text]), pattern)[0].as_py()
    return found


def all_matches(text: str, pattern: str) -> list[list[str | None]]:
    """regexp_matches with the flag g: for each match its groups, or the whole of it.

    Raises:
        FeatureNotSupported: 0A000, what a pattern matches depends on what stands before it.
        OutOfMemory: 53200, the text is too long for that many matches.
    """
    if re.search(r"(?<!\\)(?<!\[)\^|\\[bBAmMyY]", pattern):
        raise FeatureNotSupported("an anchor in a pattern with the flag g is not supported")
    named, count = _named(pattern)
    whole = f"(?s)^(?P<skipped>.*?)(?P<found>{named})(?P<rest>.*)$"
    found, rest, read = [], text, 0
    while (row := pc.extract_regex(pa.array([rest]), whole)[0].as_py()) is not None:
        groups = [row[f"g{n}"] for n in range(count)] if count else [row["found"]]
        found.append(groups)
        read += len(rest)
        if read > _MOST_READ:
            raise OutOfMemory("out of memory: too many matches in a text of that length")
        rest = row["rest"] if row["found"] else row["rest"][1:]
        if not row["rest"]:
            break
    return found


def _named(pattern: str) -> tuple[str, int]:
    """The pattern with a name for each group, as Arrow wants them; and how many there are."""
    count = 0

    def name(match: re.Match[str]) -> str:
        nonlocal count
        if match[0] != "(":
            return match[0]
        count += 1
        return f"(?P<g{count - 1}>"

    return _GROUP.sub(name, pattern), count
