"""What the server tells whoever runs it: log lines on standard error."""

from __future__ import annotations

import logging
import sys

_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s [%(threadName)s] %(name)s: %(message)s"


def write_log(level: str) -> None:
    """Write the gateway's log lines from `level` up to standard error.

    Args:
        level: debug, info, warning or error.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT, "%Y-%m-%d %H:%M:%S"))
    logger = logging.getLogger("gateway")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
