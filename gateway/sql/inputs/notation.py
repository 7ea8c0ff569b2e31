"""How a session writes and reads values: TimeZone, DateStyle, IntervalStyle and their like as one.

PostgreSQL manual, 8.4, 8.5.2, 8.5.5, 20.11.2 and 24.3. The wire has it beside the values that it
encodes and decodes; the language hands it, but for the encoding, to functions of the engine as one
text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from gateway.sql.inputs.encodings import Encoding, named

DATE_STYLES = ("ISO", "SQL", "Postgres", "German")
DATE_ORDERS = ("MDY", "DMY", "YMD")
INTERVAL_STYLES = ("postgres", "postgres_verbose", "sql_standard", "iso_8601")


class Notation(NamedTuple):
    """What texts of dates, times, intervals, floats and bytes look like, and in which bytes.

    Args:
        zone: In which timestamptz is written, and read where its text names none.
        dates: One of DATE_STYLES.
        order: One of DATE_ORDERS, for dates that are numbers alone; "" reads none of these.
        intervals: One of INTERVAL_STYLES.
        digits: extra_float_digits; above 0 all are one: the shortest text that reads back the same.
        bytea: hex or escape.
        encoding: Of the client's bytes, by PostgreSQL's name.
    """

    zone: str = "UTC"
    dates: str = "ISO"
    order: str = "MDY"
    intervals: str = "postgres"
    digits: str = "1"
    bytea: str = "hex"
    encoding: str = "UTF8"

    @property
    def is_plain(self) -> bool:
        """Whether values are written as PostgreSQL does unless it is told otherwise."""
        return self[1] == "ISO" and self[3:6] == ("postgres", "1", "hex")

    @property
    def unsettled(self) -> Notation:
        """The same for what is kept: read by other sessions too, so in no order of the day."""
        return self._replace(order="")

    @property
    def foreign(self) -> Encoding | None:
        """The client's encoding where its bytes are not UTF8."""
        return None if self.encoding == "UTF8" else named(self.encoding)

    @property
    def as_text(self) -> str:
        """All but the encoding in one text, for `from_text`."""
        return "|".join(self[:6])


PLAIN = Notation()


@lru_cache(256)
def from_text(text: str) -> Notation:
    """The notation of that text.

    >>> from_text("Europe/Berlin|SQL|DMY|iso_8601").order
    'DMY'
    """
    return Notation(*text.split("|"))


@lru_cache(64)
def notation_of(
    zone: str, date_style: str, interval_style: str, extra_digits: str = "1", bytea: str = "hex"
) -> Notation:
    """The notation that these settings ask for, each as SHOW prints it.

    >>> notation_of("UTC", "SQL, DMY", "postgres")[:4]
    ('UTC', 'SQL', 'DMY', 'postgres')
    """
    dates, _, order = date_style.partition(", ")
    return Notation(zone, dates, order, interval_style, str(min(int(extra_digits), 1)), bytea)
