"""Making plans in which a condition of a table came out as NULL.

``x NOT IN (NULL, 3)`` is optimised to ``NULL AND x <> 3``. datafusion-python hands both to the
table as one pyarrow expression, which it makes by calling `operator.and_` on them from left to
right; but it writes NULL as a pyarrow scalar, which has no ``&``, and planning fails. Nothing that
can be configured keeps such conditions from the table, so such a plan is made once more while
`operator.and_` takes scalars too.
"""

from __future__ import annotations

import operator
import re
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

T = TypeVar("T")

_REFUSED = re.compile(r"unsupported operand type\(s\) for &: 'pyarrow\.lib\.\w*Scalar'")
_AND = operator.and_
_ALONE = threading.Lock()


def planned(make: Callable[[], T]) -> T:
    """What `make` gives, which has the engine make a physical plan; it may be called twice.

    Raises:
        Exception: whatever else the engine raises.
    """
    try:
        return make()
    except Exception as error:  # the class of all that the engine raises
        if not _REFUSED.search(str(error)):
            raise
    with _ALONE:
        operator.and_ = _conjunction
        try:
            return make()
        finally:
            operator.and_ = _AND


def _conjunction(left: Any, right: Any) -> Any:
    return _AND(pc.scalar(left) if isinstance(left, pa.Scalar) else left, right)
