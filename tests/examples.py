"""How many random examples a property is tried on, and which.

A run of the tests draws the same examples each time, so that a change is judged by what it
changed. ``GRADWIRE_EXAMPLES=1000 pytest tests/sources/test_grid.py`` draws that many new ones of
each property instead, to search for faults.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

WANTED = int(os.environ.get("GRADWIRE_EXAMPLES", "0"))


def examples(count: int, **others: Any) -> settings:
    """`count` examples, or as many as GRADWIRE_EXAMPLES says."""
    return settings(max_examples=WANTED or count, **others)
