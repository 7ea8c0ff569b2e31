"""One client's messages, answered by its session: message -> session call -> bytes, no socket.

`Conversation.answer` takes one message that `protocol` has let through and sends what belongs to
it; `fail` tells the client of an error and decides what is skipped. Parameters are read and rows
written here, by `decode` and `values`; whatever a statement means is the session's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InFailedTransaction,
    ObjectNotInPrerequisiteState,
    ProtocolViolation,
    QueryCanceled,
)
from gateway.interrupts import check_for_interrupts
from gateway.session.result import CopyIn, CopyOut, Field, Result
from gateway.sql.inputs.encodings import Encoding
from gateway.wire.connection.held_answers import Held
from gateway.wire.connection.notices import Telling
from gateway.wire.connection.streaming import pieces, short_turns
from gateway.wire.copy.incoming import CopyReader
from gateway.wire.copy.outgoing import RowWriter
from gateway.wire.decoding import decode_parameters
from gateway.wire.encoding.shapes import Shape, Shapes, result_formats, spread
from gateway.wire.encoding.values import BINARY_FORMAT, TEXT_FORMAT, Bytes
from gateway.wire.protocol import replies
from gateway.wire.protocol.messages import (
    Bind,
    Close,
    CopyData,
    CopyFail,
    Describe,
    Execute,
    Flush,
    FunctionCall,
    Message,
    Parse,
    Query,
    Sync,
    read_message,
)
from gateway.wire.protocol.states import Action, Protocol, State

if TYPE_CHECKING:  # only called, never made here: the tests of the wire bring a scripted one
    from gateway.session.session import Session

_OF_ROWS = ("d", "c")  # CopyData and CopyDone


@dataclass(slots=True)
class _Portal:
    """What the wire must remember of a portal: the formats asked for, and whether it has ended."""

    formats: tuple[int, ...] = ()
    ended: bool = False


class Conversation:
    """Answers messages.

    Args:
        session: The client's session.
        protocol: Its state; an error in a series of messages sets it.
        send: Takes bytes for the client; may keep them until `flush`.
        flush: Sends what was kept.
        receive: Type and bytes of the client's next message.
        put_back: Lets that message come once more.
        ends_series: Whether that is known to be Sync.
    """

    def __init__(
        self,
        session: Session,
        protocol: Protocol,
        send: Callable[[Bytes], None],
        flush: Callable[[], None],
        receive: Callable[[], tuple[str, bytes]],
        put_back: Callable[[], None] = lambda: None,
        ends_series: Callable[[], bool] = lambda: False,
    ) -> None:
        self._session = session
        self._protocol = protocol
        self._held = Held(session, send)
        self._send = self._held.send
        self._flush = flush
        self._receive, self._put_back = receive, put_back
        self._early = False  # a message has come that is looked at after the rows before it
        self._ends_series = ends_series
        self._portals: dict[str, _Portal] = {}
        self._shapes = Shapes()
        self._telling = Telling(session, self._send)
        session.speak_through(self._speak)
        self._answers: dict[type[Message], Callable[[Any], None]] = {
            Query: self._query,
            Parse: self._parse,
            Bind: self._bind,
            Describe: self._describe,
            Execute: self._execute,
            Close: self._close,
            Flush: lambda message: flush(),
            Sync: lambda message: self.ready(),
            FunctionCall: self._function_call,
        }

    def begin(self) -> None:
        """Tell every reported setting; the server adds BackendKeyData before `ready`."""
        self._telling.begin()

    def _speak(self) -> None:
        self._telling.notices()
        self._flush()

    @property
    def encoding(self) -> Encoding:
        """Of the client's texts."""
        return self._telling.encoding

    def answer(self, message: Message) -> None:
        """Do what the message asks, and send the answer.

        Raises:
            GatewayError: the client must be told, with `fail`.
        """
        held = self._held
        if held.waits and not held.goes_on(message) and not self._settled(message):
            return
        answer = self._answers.get(type(message))
        if answer is not None:
            answer(message)

    def _settled(self, message: Message) -> bool:
        """Have what waits done before a message; False: it failed, and the message was skipped."""
        ends = isinstance(message, Sync)
        try:
            self._held.settle(last=ends)
        except GatewayError as error:
            self.fail(error, "E")
            if ends:
                self._protocol.action("S")
                self.ready()
            return False
        return True

    def _parse(self, message: Parse) -> None:
        self._session.parse(message.name, message.text, message.parameter_oids)
        self._send(replies.PARSE_COMPLETE)

    def _function_call(self, message: FunctionCall) -> None:
        if self._session.status == "E":
            words = (
                "current transaction is aborted, commands ignored until end of transaction block"
            )
            raise InFailedTransaction(words)
        raise FeatureNotSupported(
            "the fast-path function call is not supported", hint="Call the function in a SELECT."
        )

    def fail(self, error: GatewayError, kind: str) -> None:
        """Tell the client of an error in answering a message of type `kind`.

        Outside a series of messages the client may go on at once; in one, after its Sync.
        """
        try:
            self._held.settle()
        except GatewayError as earlier:
            error, kind = earlier, "E"
        self._telling.error(error)
        self._session.fail(error)
        if self._protocol.lost:
            raise ProtocolViolation(
                "terminating connection because protocol synchronization was lost"
            )
        if not self._protocol.failed(kind):
            self.ready()

    def ready(self) -> None:
        """End the series: the implicit transaction closes, and the client may speak again."""
        try:
            self._session.sync()
        except GatewayError as error:
            self._telling.error(error)
            self._session.fail(error)
        self._telling.news()
        self.notify()
        self._telling.settings()
        status = self._session.status
        if status == "I":  # no portal outlives its transaction
            self._portals.clear()
        self._send(replies.ready_for_query(status))
        self._flush()

    def notify(self) -> None:
        """Send the notifications that have arrived, unless the client is in a transaction."""
        self._telling.notifications()

    def _query(self, message: Query) -> None:
        self._portals.pop("", None)
        self._session.close_statement("")
        answered = False
        for result in self._session.run_simple(message.text):
            answered = True
            if result.copy is not None:
                sent = self._copy(result)
            elif result.fields is not None:
                shape = self._shape(result.fields, (BINARY_FORMAT,) if result.binary else ())
                self._send(shape.description)
                sent = self._rows(result, shape.encode)
            else:
                sent = 0
            self._complete(result, sent)
        if not answered:
            self._send(replies.EMPTY_QUERY_RESPONSE)
        self.ready()

    def _bind(self, message: Bind) -> None:
        types = self._session.parameter_types(message.statement)
        given = len(message.parameters)
        formats = message.parameter_formats
        if len(formats) > 1 and len(formats) != given:
            raise ProtocolViolation(
                f"bind message has {len(formats)} parameter formats but {given} parameters"
            )
        if given != len(types):
            raise ProtocolViolation(
                f"bind message supplies {given} parameters, but prepared statement "
                f'"{message.statement}" requires {len(types)}'
            )
        if self._session.status == "E":
            self._session.admit(message.statement)
        values = decode_parameters(
            message.parameters, types, spread(formats, given), self._telling.notation()
        )
        self._session.bind(message.portal, message.statement, values)
        if len(message.result_formats) > 1:
            fields = self._session.describe_portal(message.portal)
            if fields is not None:  # else PostgreSQL does not look at them
                result_formats(message.result_formats, fields)
        self._portals[message.portal] = _Portal(message.result_formats)
        self._held.portal = message.portal
        self._send(replies.BIND_COMPLETE)

    def _describe(self, message: Describe) -> None:
        formats: tuple[int, ...] = ()
        if message.kind == "S":
            fields = self._session.describe_statement(message.name)
            self._send(replies.parameter_description(self._session.parameter_types(message.name)))
        else:
            fields = self._session.describe_portal(message.name)
            formats = self._portals.get(message.name, _Portal()).formats
        if fields is None:
            self._send(replies.NO_DATA)
        else:
            self._send(self._shape(fields, formats).description)

    def _execute(self, message: Execute) -> None:
        portal = self._portals.setdefault(message.portal, _Portal())
        result = self._session.execute(message.portal, last=self._ends_series())
        if result.waits:
            portal.ended = True
            self._held.complete(result)
            return
        if result.fields is None or result.copy is not None:
            if portal.ended and result.command:  # an empty one may be run again
                raise ObjectNotInPrerequisiteState(f'portal "{message.portal}" cannot be run')
            portal.ended = True
            self._complete(result, 0 if result.copy is None else self._copy(result))
            return
        limit, shape = max(message.row_limit, 0), self._shape(result.fields, portal.formats)
        sent = self._rows(result, shape.encode, limit)
        if limit and sent == limit:
            result.end()
            self._telling.news()
            self._send(replies.PORTAL_SUSPENDED)
        else:
            self._complete(result, sent)

    def _close(self, message: Close) -> None:
        if message.kind == "S":
            self._session.close_statement(message.name)
        else:
            self._session.close_portal(message.name)
            self._portals.pop(message.name, None)
        self._send(replies.CLOSE_COMPLETE)

    def _complete(self, result: Result, sent: int) -> None:
        result.end()
        self._telling.news()
        if result.command:
            self._send(replies.command_complete(result.tag(sent)))
        else:
            self._send(replies.EMPTY_QUERY_RESPONSE)

    def _copy(self, result: Result) -> int:
        """Take or send the rows of a COPY; how many went out."""
        if isinstance(result.copy, CopyIn):
            self._copy_in(result, result.copy)
            return 0
        assert isinstance(result.copy, CopyOut)
        writer = RowWriter(result.fields or (), result.copy.options, self._telling.notation())
        try:
            self._send(writer.begin())
        except BaseException:
            result.close()
            raise
        sent = self._rows(result, writer.rows)
        self._send(writer.end())
        return sent

    def _copy_in(self, result: Result, copying: CopyIn) -> None:
        binary = copying.options.format == "binary"
        form = BINARY_FORMAT if binary else TEXT_FORMAT
        self._send(replies.copy_in_response(form, len(copying.columns)))
        self._flush()
        reader = CopyReader(copying, self._telling.notation())
        self._protocol.state = State.COPYING
        copying.incoming = reader.batches(self._copy_data(copying))
        try:
            with short_turns():
                for _ in result.take():
                    pass
        except GatewayError as error:
            reader.explain(error)
            raise
        finally:
            self._protocol.state = State.READY
            if self._early:
                self._early = False
                self._put_back()

    def _copy_data(self, copying: CopyIn) -> Iterator[bytes]:
        """What CopyData messages bring, up to CopyDone.

        Nothing stands before a message that is neither: the rows that have come are read first,
        and when one of them is wrong, the message comes after the COPY, as in PostgreSQL.

        Raises:
            QueryCanceled: 57014, the client gives up, or it was cancelled, or its time is up.
            ProtocolViolation: 08P01, a message of another kind.
        """
        while True:
            try:
                kind, data = self._receive()
            except ProtocolViolation:
                self._protocol.lost = True
                raise
            if kind not in _OF_ROWS:
                self._early = True
                yield b""
                self._early = False
            if self._protocol.action(kind) is Action.IGNORE:
                continue
            match read_message(kind, data, self.encoding):
                case CopyData(piece):
                    check_for_interrupts()  # a line may be long, and no batch comes of it
                    copying.received_bytes += len(piece)
                    yield piece
                case CopyFail(reason):
                    raise QueryCanceled(f"COPY from stdin failed: {reason}")
                case _:
                    return

    def _shape(self, fields: Sequence[Field], formats: tuple[int, ...]) -> Shape:
        return self._shapes.of(fields, formats, self._telling.notation())

    def _rows(
        self, result: Result, encode: Callable[[pa.RecordBatch], Bytes], limit: int = 0
    ) -> int:
        """Send the rows, a piece at a time; how many there were. Stops the work on any error."""
        sent = 0
        rows = pieces(result.take(limit), self._flush)
        try:
            for piece in rows:
                data = encode(piece)
                result.sent_bytes += len(data)
                self._send(data)
                sent += piece.num_rows
        except BaseException:  # also when the client is gone: the engine must not go on for nobody
            result.close()
            raise
        finally:
            rows.close()
        return sent
