"""What is committed: the newest moment, and what goes with it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.store.catalogue import Catalogue
from gateway.store.isolation import Overlaps
from gateway.store.snapshots import SnapshotCache


@dataclass(frozen=True, slots=True)
class Moment:
    """What is committed: the catalogue, and a version per table that changes when its rows do."""

    catalogue: Catalogue
    versions: Mapping[int, int] = field(default_factory=dict)
    clock: int = 0

    def version(self, oid: int) -> int:
        """The version of a table's rows; 0 for rows nobody changed since the server started."""
        return self.versions.get(oid, 0)


class Committed:
    """The newest `Moment`, and the lock under which it moves on together with DuckDB.

    Reading needs no lock: the moment is one immutable value.
    """

    def __init__(self, catalogue: Catalogue, cache: SnapshotCache) -> None:
        self.moment = Moment(catalogue)
        self.cache = cache
        self.overlaps = Overlaps()
        self.lock = threading.Lock()
