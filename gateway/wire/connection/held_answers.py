"""Answers to executions that are told before they are done; see `session.writes.batches`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.session.result import Result
from gateway.wire.encoding.values import Bytes
from gateway.wire.protocol import replies
from gateway.wire.protocol.messages import Bind, Close, Describe, Execute, Message

if TYPE_CHECKING:
    from gateway.session.session import Session


class Held:
    """Passes answers on, or holds them while executions wait.

    Args:
        session: Where they wait.
        send: Takes bytes for the client.
    """

    def __init__(self, session: Session, send: Callable[[Bytes], None]) -> None:
        self._session, self._send = session, send
        self._answers: list[Bytes | Result] = []
        self._ends: list[int] = []  # how many answers there were with that of each execution
        self.waits = False  # executions do
        self.portal = ""  # of the newest Bind

    def send(self, data: Bytes) -> None:
        """Take an answer."""
        if self.waits:
            self._answers.append(data)
        else:
            self._send(data)

    def complete(self, result: Result) -> None:
        """Take what an execution that waits will come to, which is the last answer to it.

        Raises:
            GatewayError: as `settle`, since as many wait as may.
        """
        self.waits = True
        self._answers.append(result)
        self._ends.append(len(self._answers))
        if self._session.batches.is_full:
            self.settle()

    def goes_on(self, message: Message) -> bool:
        """Whether executions may go on waiting, since it belongs to one more of them."""
        match message:
            case Bind():
                return self._session.batches.binds(message.statement)
            case Execute():
                return message.portal == self.portal
            case Describe() | Close():
                return message.kind == "P" and message.name == self.portal
        return False

    def settle(self, *, last: bool = False) -> None:
        """Have the executions done that wait, and send the answers that were held for them.

        Raises:
            GatewayError: one of them met it; the answers up to there were sent.
        """
        if self.waits:
            try:
                self._session.settle(last=last)
            finally:
                self._release(self._session.batches.done)

    def _release(self, done: int) -> None:
        """Pass the answers on: all, or to the execution after the first `done`, which failed."""
        answers, ends = self._answers, self._ends
        self._answers, self._ends, self.waits = [], [], False
        count = ends[done] - 1 if done < len(ends) else len(answers)
        for answer in answers[:count]:
            if isinstance(answer, Result):
                answer = replies.command_complete(answer.tag(0))
            self._send(answer)
