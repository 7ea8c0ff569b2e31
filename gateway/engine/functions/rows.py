"""What a row of a function is: its name, the types of its arguments and of its result, its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

# Computed a value at a time; NULL of NULL.
Row = tuple[str, Callable[..., Any], list[pa.DataType], pa.DataType]
# Over whole columns.
Columnar = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]
