"""How much a client may keep from one statement to the next."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config import Settings
from gateway.session.portals.portals import KEPT_SHARE
from gateway.session.portals.scrolling import KeptRoom


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a client may keep, in bytes: texts of prepared statements, parameters of portals.

    `kept` is where the rows of cursors are kept, those of all clients.
    """

    prepared_bytes: int
    portal_bytes: int
    kept: KeptRoom


def allowance_of(settings: Settings) -> Allowance:
    """What the settings allow."""
    kept = KeptRoom(settings.pool_bytes // KEPT_SHARE)
    return Allowance(settings.prepared_bytes, settings.portal_bytes, kept)
