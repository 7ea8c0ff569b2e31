"""How long a client may say nothing, and what it is told when it has said nothing for longer."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import GatewayError, IdleInTransactionTimeout, IdleSessionTimeout

# ReadyForQuery's letter -> the setting that bounds the client's silence, and what ends it.
_IN_TRANSACTION = (
    "idle_in_transaction_session_timeout",
    IdleInTransactionTimeout,
    "idle-in-transaction timeout",
)
_IDLE: dict[str, tuple[str, type[GatewayError], str]] = {
    "I": ("idle_session_timeout", IdleSessionTimeout, "idle-session timeout"),
    "T": _IN_TRANSACTION,
    "E": _IN_TRANSACTION,
}


def idle_limit(status: str, seconds: Mapping[str, float]) -> tuple[float, GatewayError] | None:
    """How long a client may say nothing, in seconds, and what it is told then; None: for ever.

    Args:
        status: ReadyForQuery's letter.
        seconds: What the settings say, by their names.
    """
    name, error, words = _IDLE[status]
    if not seconds[name]:
        return None
    return seconds[name], error(f"terminating connection due to {words}")
