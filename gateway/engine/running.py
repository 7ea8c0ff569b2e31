"""Batches from DataFusion's own threads to the thread of one client, which can be told to stop.

DataFusion hands out each batch as an asyncio future. A full event loop for one waiting thread
costs 0.2 ms a batch in selectors and sockets; `Inbox` is the part of a loop that those futures
need, a queue of callbacks. Cancelling a future is what stops the engine: a plain `next()` on the
stream cannot be interrupted, and an endless recursive query would keep its thread for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from queue import SimpleQueue
from typing import Any, cast

import pyarrow as pa
from datafusion.record_batch import RecordBatchStream

from gateway.errors import QueryCanceled


class Inbox:
    """Callbacks from other threads, run by the one that waits: as much loop as a future needs."""

    def __init__(self) -> None:
        self._callbacks: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = SimpleQueue()

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return cast(asyncio.AbstractEventLoop, self)

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> None:
        self._callbacks.put((callback, args))

    call_soon_threadsafe = call_soon

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._loop)

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A batch nobody waited for any more has failed; there is nobody to tell."""

    def start(self, make: Callable[[], asyncio.Future[Any]]) -> asyncio.Future[Any]:
        """The future that `make` returns when this is the running loop."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self._loop)
        try:
            return make()
        finally:
            asyncio._set_running_loop(before)

    def run_one(self) -> None:
        """Wait for a callback, and run it."""
        callback, args = self._callbacks.get()
        callback(*args)

    def run_waiting(self) -> None:
        """Run the callbacks that are there."""
        while not self._callbacks.empty():
            self.run_one()


class Run:
    """One running query: its partitions, read in turn, and the order to stop."""

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._stopped = False

    def cancel(self) -> None:
        """Make `batches` raise QueryCanceled, from any thread; harmless once it has ended."""
        self._stopped = True
        self._inbox.call_soon(lambda: None)

    def batches(self, streams: Sequence[RecordBatchStream]) -> Iterator[pa.RecordBatch]:
        """Every batch of the first stream, then of the next.

        From the second batch on, the engine works on the next one while the reader is busy with
        this one; who reads a single batch never pays for two.

        Raises:
            QueryCanceled: 57014.
        """
        ahead = False
        future = stream = None
        try:
            for stream in streams:
                future = self._start(stream)
                while (batch := self._wait(future)) is not None:
                    if ahead:
                        future = self._start(stream)
                    yield batch
                    if not ahead:
                        future = self._start(stream)
                    ahead = True
        finally:
            if future is not None:
                future.cancel()
            # These callbacks tell the engine that nobody waits; without them it works on.
            self._inbox.run_waiting()
            # An exception keeps this frame, and a stream that is kept may keep on working.
            streams, stream = (), None

    def _start(self, stream: RecordBatchStream) -> asyncio.Future[Any]:
        return self._inbox.start(stream.rbs.__anext__)

    def _wait(self, future: asyncio.Future[Any]) -> pa.RecordBatch | None:
        """The batch that `future` brings, None at the end of its stream."""
        self._check()
        while not future.done():
            self._inbox.run_one()
            self._check()
        try:
            return future.result().to_pyarrow()
        except StopAsyncIteration:
            return None

    def _check(self) -> None:
        if self._stopped:
            raise QueryCanceled("canceling statement due to user request")
