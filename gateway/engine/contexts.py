"""Where a session's queries are planned and run, and how many rows they take at a time there.

The engine hears a cancel between two batches of rows, and each call of an expression makes its
results for a whole batch at once. 8,192 rows are right for numbers; of texts, arrays and documents
a single row may come to megabytes, and thirty calls in each other to minutes. So the more calls a
query has that make such values, the fewer rows it takes at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from datafusion import SessionContext

BATCH_SIZE = "datafusion.execution.batch_size"
DEAL_OUT = "datafusion.optimizer.enable_round_robin_repartition"

# The engine's own choice; what calls that make large values take at most, and at least. A batch
# that is sent costs some 0.1 ms of its own: half a million short texts in upper case take 0.2 s, a
# fifth more in batches of 2,048 rows, and twice as much in those of 512.
MOST_ROWS, _MORE_ROWS, _FEWEST_ROWS = 8192, 2048, 4

# Words of a query, and what each weighs. No aggregate is among them: it makes its value once for a
# group, and array_agg looks at all batches so far for each. A call that makes texts or arrays
# weighs 1, one that works a row at a time in Python 4, one that makes many rows or searches 8.
_WEIGHTS: Mapping[str, int] = {
    **dict.fromkeys(
        ["btrim", "chr", "concat", "concat_ws", "decode", "digest", "encode", "initcap",
         "known_joined", "left", "lower", "lpad", "ltrim", "md5", "overlay", "repeat", "replace",
         "reverse", "right", "rpad", "rtrim", "sha224", "sha256", "sha384", "sha512", "split_part",
         "strpos", "substr", "substring", "text_joined", "text_repeated", "translate",
         "trim", "upper", "||"],
        1,
    ),
    **dict.fromkeys(
        ["format_text", "levenshtein", "like_escape", "normalize_text", "number_of_text",
         "regexp_like", "regexp_match", "regexp_replace", "unistr"],
        4,
    ),
    **dict.fromkeys(
        ["all_matches", "every_match_replaced", "is_matched", "match_part", "match_place",
         "matches_counted", "matches_replaced", "numbers_between", "regexp_parts",
         "string_to_array", "unnest"],
        8,
    ),
}  # fmt: skip
_KINDS = (
    (re.compile(r"array_(?!agg\b)|list_|make_array"), 1),
    (re.compile(r"bytes_|json|to_char_|to_date_|to_timestamp_|to_number_|text_of_|items_of_"), 4),
)
_WORDS = re.compile(r"[a-z_][a-z0-9_]*|\|\|")
_LITTLE = 2048  # rows times weight


def rows_at_a_time(sql: str) -> int:
    """How many rows a query takes at a time, by the words in it; a power of two.

    A text or a name that reads like such a call makes it fewer, which does no harm.

    >>> rows_at_a_time("SELECT a + 1 FROM t"), rows_at_a_time("SELECT upper(a) FROM t")
    (8192, 2048)
    >>> rows_at_a_time("SELECT " + "replace(" * 30), rows_at_a_time("SELECT unnest(a) FROM t")
    (64, 256)
    """
    weight = sum(map(_weight, _WORDS.findall(sql.lower())))
    if not weight:
        return MOST_ROWS
    rows = max(_FEWEST_ROWS, min(_MORE_ROWS, _LITTLE // weight))
    return 1 << (rows.bit_length() - 1)


# Aggregates and windows whose value may tell in which order the rows came. Several threads deal the
# batches of a table out among them, and so change it.
_TELLING_ORDER = re.compile(
    r"\b(?:array_agg|string_agg|first_value|last_value|nth_value|row_number|ntile|lag|lead)\b"
)


def is_dealt_out(sql: str) -> bool:
    """Whether the rows of a query may come in any order: nothing in it would tell.

    >>> is_dealt_out("SELECT sum(a) FROM t"), is_dealt_out("SELECT array_agg(a) FROM t")
    (True, False)
    """
    return _TELLING_ORDER.search(sql) is None


@lru_cache(4096)  # a step of training is run a thousand times, a gradient in many layers
def _weight(word: str) -> int:
    found = _WEIGHTS.get(word)
    if found is not None:
        return found
    return next((weight for kind, weight in _KINDS if kind.match(word)), 0)


class Own:
    """A session's context, set up as the query at hand should have it."""

    def __init__(self, context: SessionContext) -> None:
        self.context = context
        self._rows, self._dealt = MOST_ROWS, True

    def taking(self, rows: int, dealt: bool) -> SessionContext:
        """It, for what is planned or run next: so many rows at a time, dealt out or in order."""
        if rows != self._rows:
            self.context.sql(f"SET {BATCH_SIZE} = {rows}")
            self._rows = rows
        if dealt != self._dealt:
            self.context.sql(f"SET {DEAL_OUT} = {dealt}")
            self._dealt = dealt
        return self.context


class BySize:
    """Contexts that are alike but for how many rows they take at a time; made when first asked for.

    Args:
        make: Makes the one of so many rows.
    """

    def __init__(self, make: Callable[[int], SessionContext]) -> None:
        self._make = make
        self._made = {MOST_ROWS: make(MOST_ROWS)}

    def of(self, rows: int) -> SessionContext:
        """The one of so many rows."""
        found = self._made.get(rows)
        return found if found is not None else self._made.setdefault(rows, self._make(rows))


@dataclass(frozen=True, slots=True)
class Contexts:
    """Where a session's queries are planned and run.

    Args:
        session: The session's.
        in_order: Those in which rows keep their order; see `embedded`.
        finished: Those that know no function and optimise nothing, in which finished physical plans
            are run and others typed: they hold the functions that they call, and each use copies
            all that its context knows (60 us). The session's bound on memory is theirs, too.
        memory_bytes: That bound; None: as much as there is.
        rows: How many are taken at a time.
        dealt: Whether threads deal a table's rows out among them, which changes their order.
    """

    session: Own
    in_order: BySize
    finished: BySize
    memory_bytes: int | None
    rows: int = MOST_ROWS
    dealt: bool = True

    @property
    def own(self) -> SessionContext:
        """The session's own context, as it is to be for these queries."""
        return self.session.taking(self.rows, self.dealt)

    @property
    def plain(self) -> SessionContext:
        """The context in which rows keep their order."""
        return self.in_order.of(self.rows)

    @property
    def bare(self) -> SessionContext:
        """The context of finished plans."""
        return self.finished.of(self.rows)

    def fit_for(self, sql: str) -> Contexts:
        """These, for that query."""
        return replace(self, rows=rows_at_a_time(sql), dealt=is_dealt_out(sql))
