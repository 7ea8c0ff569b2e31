"""What DECLARE may say, and what its query locks."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, GatewayError, InvalidCursorDefinition
from gateway.session.transactions.locking import strength
from gateway.sql.statements.cursors import Declare
from gateway.sql.writes.writes import modifying_parts


def check_declared(tree: Declare) -> None:
    """Refuse options that do not go together (`transformDeclareCursorStmt` in analyze.c).

    Raises:
        InvalidCursorDefinition: 42P11. FeatureNotSupported: 0A000.
    """
    for one, other in (("SCROLL", "NO SCROLL"), ("ASENSITIVE", "INSENSITIVE")):
        if {one, other} <= tree.options:
            raise InvalidCursorDefinition(f"cannot specify both {one} and {other}")
    if modifying_parts(tree.statement.tree):
        words = "DECLARE CURSOR must not contain data-modifying statements in WITH"
        raise FeatureNotSupported(words)
    locks = locks_of(tree)
    if locks and (refused := _refused_beside_locks(tree, locks)):
        raise refused


def locks_of(tree: Declare) -> str:
    """FOR UPDATE or its like, if the query has it."""
    query = tree.statement.tree
    locks = query.args.get("locks") if isinstance(query, exp.Query) else None
    return strength(locks[0]) if locks else ""


def _refused_beside_locks(tree: Declare, strength: str) -> GatewayError | None:
    if tree.hold:
        return FeatureNotSupported(
            f"DECLARE CURSOR WITH HOLD ... {strength} is not supported",
            detail="Holdable cursors must be READ ONLY.",
        )
    if "SCROLL" in tree.options:
        return FeatureNotSupported(
            f"DECLARE SCROLL CURSOR ... {strength} is not supported",
            detail="Scrollable cursors must be READ ONLY.",
        )
    if "INSENSITIVE" in tree.options:
        return InvalidCursorDefinition(
            f"DECLARE INSENSITIVE CURSOR ... {strength} is not valid",
            detail="Insensitive cursors must be READ ONLY.",
        )
    return None
