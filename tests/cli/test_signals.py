"""A signal is heard while the main thread waits for a lock, whichever thread it came to."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from gateway.signals import heard

# The system may hand a signal to any thread. Here it always is one that is not the main thread,
# which waits meanwhile and so runs no handler.
PROGRAM = """
import signal, threading
from gateway.signals import heard

stopped, asked = threading.Event(), threading.Event()

def strike():
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    asked.wait()
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

with heard({signal.SIGTERM: stopped.set, signal.SIGUSR1: asked.set}):
    threading.Timer(0.2, strike).start()
    stopped.wait()
print("stopped")
"""

needs_signals = pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="no signals to single threads on this system"
)


@needs_signals
def test_a_signal_to_another_thread_is_heard() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=600
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "stopped\n", "")


@needs_signals
def test_what_was_before_is_put_back() -> None:
    heard_of: list[str] = []
    first, second = threading.Event(), threading.Event()
    before = signal.getsignal(signal.SIGUSR1)
    with heard({signal.SIGUSR1: first.set}):
        with heard({signal.SIGUSR1: lambda: (heard_of.append("inner"), second.set())[1]}):
            signal.raise_signal(signal.SIGUSR1)
            assert second.wait(300)
        assert not first.is_set()
        signal.raise_signal(signal.SIGUSR1)
        assert first.wait(300)
    assert heard_of == ["inner"]
    assert signal.getsignal(signal.SIGUSR1) is before
    assert signal.set_wakeup_fd(-1) == -1
