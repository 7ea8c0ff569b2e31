"""Room for deeply nested statements: sqlglot parses and prints by recursion.

A server makes room for its clients' threads when it starts. Elsewhere Python's default limit is
reached by some 30 nested calls: work that reaches it is run once more in a thread with a deeper
stack and a higher limit; work that reaches that too is refused.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from gateway.errors import StatementTooComplex

T = TypeVar("T")

# Parsing, rewriting and printing SQL recurse once or more per level of an expression, and Python's
# 1000 frames end at some 60 levels. A thread that serves a client gets frames for 1000 levels of
# operators, calls or CASE (2000 are refused with 54001), and four times the stack that they were
# seen to need in C: virtual memory, of which a shallow statement touches a few pages.
SERVER_FRAMES = 55_000
SERVER_STACK_BYTES = 64 * 2**20

# Elsewhere: about 400 nested calls, which take the engine seconds: a higher limit helps nobody.
FRAMES = 12_000
# Frames that pass through C code take some 2 kB of it each; the rest is margin. Only the pages
# that are touched become memory.
STACK_BYTES = 256 * 1024 * 1024

# The recursion limit and the stack size of new threads belong to the whole process.
_ONE_AT_A_TIME = threading.Lock()


def make_room() -> None:
    """Frames and stack for the threads that are started from now on.

    Both belong to the process, and other servers in it may still need them: they are left so.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), SERVER_FRAMES))
    threading.stack_size(max(threading.stack_size(), SERVER_STACK_BYTES))


def with_room(work: Callable[[], T]) -> T:
    """What `work` gives; it is run a second time when the first ran out of stack.

    Raises:
        StatementTooComplex: 54001, nested more deeply than `FRAMES` allows.
    """
    try:
        return work()
    except RecursionError:
        with _ONE_AT_A_TIME:
            return _deeper(work)


def _deeper(work: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        usual = sys.getrecursionlimit()
        sys.setrecursionlimit(max(FRAMES, usual))
        try:
            results.append(work())
        except BaseException as error:  # carried to the thread that asked, and raised there
            errors.append(error)
        finally:
            sys.setrecursionlimit(usual)

    usual_bytes = threading.stack_size(STACK_BYTES)
    try:
        thread = threading.Thread(target=run, name="deep statement")
        thread.start()
    finally:
        threading.stack_size(usual_bytes)
    thread.join()
    if not errors:
        return results[0]
    if isinstance(errors[0], RecursionError):
        raise StatementTooComplex(
            "statement is nested too deeply",
            hint="Split it into several statements or into WITH queries.",
        ) from errors[0]
    raise errors[0]
