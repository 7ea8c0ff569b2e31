"""Moments and intervals at the edges of what DateStyle and IntervalStyle say, as literals."""

from __future__ import annotations

DATES = (
    "2013-01-02", "1997-12-17", "0001-01-01", "0044-03-15 BC", "0001-12-31 BC", "9999-12-31",
    "10000-01-01", "5874897-12-31", "infinity", "-infinity", "2000-02-29",
)  # fmt: skip
STAMPS = (
    "2013-01-02 03:04:05", "2013-07-02 03:04:05.1", "1969-12-31 23:59:59.999999",
    "2000-02-29 00:00", "0001-12-31 23:59:59.5 BC", "infinity", "-infinity", "12345-06-07 08:09",
    "1850-01-01 12:00", "2013-03-31 00:59:59", "2013-03-31 01:00", "0044-03-15 12:00 BC",
)  # fmt: skip
INTERVALS = (
    "0", "1 day", "-1 day", "1 year", "-1 year", "1 mon", "2 years 3 mons", "-2 years -3 mons",
    "1 year -1 mon", "11 mons", "1 hour", "-1 hour", "00:00:01", "-00:00:01", "00:00:00.5",
    "-00:00:00.5", "1.000001 secs", "00:01", "-00:01", "1 day 02:03:04", "-1 day +02:03:04",
    "1 day -02:03:04", "-1 day -02:03:04.5", "1 year 2 mons 3 days 04:05:06.789",
    "-1 year -2 mons +3 days -04:05:06.789", "1 mon -1 day", "1 mon 1 sec", "-1 mon 1.5 secs",
    "1000 hours", "100000 hours 10 mins", "178000000 years", "-178000000 years",
    "2 mins 59.999999 secs", "1 min -1 sec", "-1 sec 1 day", "21 days", "-0.000001 secs",
    "00:00:10", "00:00:09.5",
)  # fmt: skip
# What IntervalStyle decides, and what it does not.
SIGNED = (
    "-1 2:03:04", "-1-2 3 4:05", "-1 day 2 hours", "-1 day +2 hours", "-1 -2:03:04", "-1.5",
    "1 -2:03", "-1 year 2 mons 3 days", "-1-2", "-2:03:04", "-1 day 2 hours ago", "1 2:03",
    "P1Y-2M", "-1 mon 1.5 days", "@ 1 day", " -3 4:05 ",
)  # fmt: skip
AMBIGUOUS = (
    "01/02/2003", "1-2-2003", "01.02.03", "13/02/2003", "02/13/2003", "99-Jan-08", "08-Jan-99",
    "Jan-08-99", "2003/02/01", "01/02/03 04:05", "31/12/99", "12/31/99", "01/02/0044 BC",
    "1999-01-08", "January 8, 1999", "2/30/2003",
)  # fmt: skip
