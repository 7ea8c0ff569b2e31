"""Datasets that are opened anew by themselves, each at its own interval."""

from __future__ import annotations

import threading
import time

from gateway.catalog.datasets import Datasets

# A store far away may take longer to answer; its thread ends with the process.
_PATIENCE_SECONDS = 5


class Refresher:
    """A thread that refreshes datasets when they are due; it sleeps while none is.

    Args:
        datasets: Whose `refresh_due` is called.
    """

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets
        self._wake = threading.Event()
        self._stopped = False
        datasets.on_change = self._wake.set
        self._thread = threading.Thread(target=self._run, name="gradwire-refresh", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; a dataset that is being opened is waited for a little."""
        self._stopped = True
        self._wake.set()
        self._thread.join(_PATIENCE_SECONDS)

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            wait = self._datasets.refresh_due(time.monotonic())
            self._wake.wait(wait)
