"""What functions of the session stand for: version(), current_setting('...') and their like.

The engine never sees them: `rewrite.session_functions` puts their values in their place
(PostgreSQL manual, 9.26 and 9.27.1). So their arguments are literals, or parameters once bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlglot import exp

from gateway import __version__
from gateway.catalog.authority import Authority
from gateway.catalog.system.answers import Session
from gateway.catalog.system.oids import database_oid
from gateway.errors import (
    DeadlockDetected,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidParameterValue,
    UndefinedFunction,
    UndefinedObject,
)
from gateway.observe.ledger import Ledger
from gateway.roles import READS_STATS
from gateway.session.activity.advisory import DEEDS, UNLOCK_ALL
from gateway.session.activity.backends import Backend, Connected, check_may_stop
from gateway.session.activity.lock_waits import Lock
from gateway.session.activity.notifications import Notifier
from gateway.session.queries import sequences
from gateway.session.result import Notice
from gateway.session.settings.rows import SERVER_VERSION, in_milliseconds
from gateway.session.settings.settings import ClientSettings
from gateway.sql.inputs.notation import Notation
from gateway.sql.names.relation import NOTATION, Constants
from gateway.sql.names.scope import position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.inference import GIVES
from gateway.sql.types.parameters import number
from gateway.types import by_name

# What version() says: drivers look for the first two words.
VERSION = f"PostgreSQL {SERVER_VERSION} (gradwire {__version__}, DataFusion)"


_NUMBERS = ("txid_current", "txid_current_if_assigned", "pg_current_xact_id",
            "pg_current_xact_id_if_assigned")  # fmt: skip


class SessionFunctions:
    """One client's session functions.

    `bound` holds the values of `$1`, `$2`, ... while a statement runs, and is None while one is
    only looked at: set_config changes nothing then.
    """

    def __init__(
        self,
        settings: ClientSettings,
        authority: Authority,
        database: str,
        connected: Connected,
        ledger: Ledger,
        notifier: Notifier,
        held: Callable[[], Mapping[str, list[dict[str, Any]]]],
        numbered: Callable[[bool], int | None],
    ) -> None:
        self._settings, self._numbered = settings, numbered
        self._ledger, self._notifier = ledger, notifier
        self._held = held
        self._authority, self._database, self._connected = authority, database, connected
        self.notices: list[Notice] = []
        self.bound: Sequence[pa.Scalar] | None = None

    @property
    def session(self) -> Session:
        """What the catalogue shows of this client."""
        number, settings, who = self._connected.process_id, self._settings.raw(), self._authority
        return Session(
            who.role,
            self._database,
            number,
            VERSION,
            settings,
            self._settings.changed,
            self._settings.hidden,
            activity=self._activity,
            session_user=who.session_user,
            shown=lambda: {name: value for name, value, _ in self._settings.all()},
            held=self._held,
            deeds={
                "pg_cancel_backend": self._cancel,
                "pg_terminate_backend": self._terminate,
                "set_config": self._set_config,
            },
            deadlocks=self._deadlocks,
        )

    def _deadlocks(self) -> int:
        failed = self._ledger.failed().items()
        return sum(count for (_, code), count in failed if code == DeadlockDetected.code)

    def _activity(self) -> list[dict[str, Any]]:
        """Every client, as pg_stat_get_activity names its columns; of others' little."""
        who = self._authority
        shown, known = [], who.roles.memberships(who.role)
        here = database_oid(self._database)
        clients = self._connected.backends.all()
        for each in clients:
            row = {
                "state": each.state, "query": each.query,
                "xact_start": each.transaction_start, "query_start": each.query_start,
                "backend_start": each.backend_start, "state_change": each.state_change,
                "wait_type": each.wait_event and each.wait_event[0],
                "wait_event": each.wait_event and each.wait_event[1],
                "client_addr": each.client_host,
                "client_port": each.client_port, **_encryption(each), **_copying(each),
            }  # fmt: skip
            sees = who.roles.is_superuser(who.role) or READS_STATS in known
            if not sees and each.user not in known:
                row = dict.fromkeys(row) | {"query": "<insufficient privilege>"}
            row |= {
                "datid": here, "pid": each.process_id, "usesysid": who.roles.number(each.user),
                "application_name": each.application_name, "blockers": _blockers(each, clients),
                "locks": [_line(lock) for lock in each.locks.locks],
            }  # fmt: skip
            shown.append(row)
        return shown

    def constants(self, notation: Notation) -> Constants:
        """Name -> what stands in the place of a call; and how moments are written."""
        text = exp.Literal.string
        who = self._authority
        path = self._settings.search_path
        user, database, schema = (
            _name(each) for each in (who.role, self._database, path[0] if path else None)
        )
        users = dict.fromkeys(("current_user", "user", "current_role"), user)
        return {
            **users,
            "session_user": _name(who.session_user),
            **dict.fromkeys(sequences.FUNCTIONS, sequences.called),
            **self._notifier.functions(),
            NOTATION: text(notation.as_text),
            "version": text(VERSION),
            "current_database": database,
            "current_catalog": database,
            "pg_backend_pid": exp.Literal.number(self._connected.process_id),
            "statements_reset": self._reset,
            "pg_cancel_backend": self._called(self._cancel, "integer", gives="boolean"),
            "pg_terminate_backend": self._called(
                self._terminate, "integer", "bigint", gives="boolean"
            ),
            **dict.fromkeys((*DEEDS, UNLOCK_ALL), self._locked),
            **dict.fromkeys(_NUMBERS, self._transaction),
            "current_schema": schema,
            "current_setting": self._called(self._current_setting, "text", "boolean"),
            "set_config": self._configured,
        }

    def _called(
        self, function: Callable[..., str | bool | None], *types: str, gives: str = "text"
    ) -> Callable[[exp.Expr], exp.Expr]:
        """A call's value in the call's place; types only, while nothing runs."""

        def replaced(call: exp.Expr) -> exp.Expr:
            nodes = call.expressions
            if not 0 < len(nodes) <= len(types):
                shown = ", ".join(types)
                raise UndefinedFunction(
                    f"function {call.name} takes ({shown})", position=position_of(call)
                )
            if self.bound is None:
                return _cast(_placeholder(nodes, types), gives)
            values = [self._value(node) for node in nodes]
            try:
                found = function(*values)
            except (UndefinedObject, InvalidParameterValue) as error:
                error.position = 0  # PostgreSQL raises it while it runs
                raise
            if isinstance(found, bool):
                return exp.Boolean(this=found)
            return _cast(exp.Null(), gives) if found is None else _text(found)

        return replaced

    def _value(self, node: exp.Expr) -> str | bool | None:
        """A literal's value, or a parameter's."""
        inner = node.this if isinstance(node, exp.Cast) else node
        if isinstance(inner, exp.Anonymous) and inner.name.lower() == "pg_backend_pid":
            return str(self._connected.process_id)
        if isinstance(inner, exp.Literal):
            return str(inner.this)
        if isinstance(inner, exp.Neg) and isinstance(inner.this, exp.Literal):
            return f"-{inner.this.this}"
        if isinstance(inner, exp.Boolean):
            return bool(inner.this)
        if isinstance(inner, exp.Null):
            return None
        if isinstance(inner, exp.Parameter) and self.bound is not None:
            value: str | bool | None = self.bound[number(inner) - 1].as_py()
            return value
        raise FeatureNotSupported(
            "arguments of a function of the session must be literals or parameters",
            position=position_of(node),
        )

    def _current_setting(self, name: str | None, missing_ok: str | bool = False) -> str | None:
        if name is None or missing_ok is None:
            return None
        try:
            return self._settings.show(name)[1]
        except UndefinedObject:
            if _true(missing_ok):
                return None
            raise

    def _configured(self, call: exp.Expr) -> exp.Expr:
        if self.bound is not None and not _runs_once(call.find_ancestor(exp.Select)):
            raise FeatureNotSupported(
                "set_config beside FROM or WHERE, or inside another query, is not supported",
                position=position_of(call),
            )
        return self._called(self._set_config, "text", "text", "boolean")(call)

    def _set_config(
        self,
        name: str | None = None,
        value: str | None = None,
        local: str | bool | None = False,
    ) -> str:
        if name is None:
            raise InvalidParameterValue("SET requires parameter name")
        self._settings.set(name, value, local=_true(local))
        return self._settings.show(name)[1]

    # Other clients (PostgreSQL manual, 9.27.2 and 9.27.10).

    def _locked(self, call: exp.Expr) -> exp.Expr:
        """A function of advisory locks: done as the statement runs, in the session's own thread."""
        name, nodes = call.name.lower(), call.expressions
        kinds = ("bigint",) if len(nodes) == 1 else ("integer", "integer")
        waits = name in DEEDS and DEEDS[name].deed == "take"
        gives = "void" if waits or name == UNLOCK_ALL else "boolean"
        if self.bound is None:
            return _given(_cast(_placeholder(nodes, kinds), "text"), gives)
        values = [self._value(node) for node in nodes]
        if any(value is None for value in values):
            return _given(_cast(exp.Null(), "text"), gives)
        seconds = in_milliseconds(self._settings.show("lock_timeout")[1]) / 1000
        done = self._notifier.advisory.do(name, [int(value or 0) for value in values], seconds)
        if done is False and "unlock" in name:
            kind = "ShareLock" if name.endswith("shared") else "ExclusiveLock"
            text = f"you don't own a lock of type {kind}"
            self.notices.append(Notice(text, "WARNING", "01000"))
        if done is None:
            return _given(_cast(exp.Literal.string(""), "text"), gives)
        return exp.Boolean(this=done)

    def _transaction(self, call: exp.Expr) -> exp.Expr:
        """The number of the transaction (PostgreSQL manual, 9.27.8)."""
        if call.expressions:
            raise UndefinedFunction(
                f"function {call.name} takes no arguments", position=position_of(call)
            )
        give = not call.name.endswith("_if_assigned")
        number = None if self.bound is None else self._numbered(give)
        value = exp.Null() if number is None else exp.Literal.number(number)
        made = _cast(value, "bigint")
        if call.name.startswith("pg_"):
            made.meta[GIVES] = by_name("xid8")
        return made

    def _reset(self, call: exp.Expr) -> exp.Expr:
        """gradwire.statements_reset(): the moment from which `gradwire.statements` counts."""
        moment = datetime.now(UTC)
        if self.bound is not None:
            if not self._connected.superuser:
                raise InsufficientPrivilege("permission denied for function statements_reset")
            self._ledger.reset()
        return _cast(exp.Literal.string(moment.isoformat(" ")), "timestamptz")

    def _cancel(self, process_id: str | int | None) -> bool | None:
        return self._stop(process_id, "cancel")

    def _terminate(
        self, process_id: str | int | None, timeout: str | int | None = 0
    ) -> bool | None:
        return self._stop(process_id, "terminate")

    def _stop(self, process_id: str | int | None, deed: str) -> bool | None:
        if process_id is None:
            return None
        number, backends = int(process_id), self._connected.backends
        send = backends.cancel if deed == "cancel" else backends.terminate
        for target in backends.all():
            if target.process_id == number:
                check_may_stop(self._authority, target, deed)
                return send(number)
        text = f"PID {number} is not a PostgreSQL backend process"
        self.notices.append(Notice(text, "WARNING", "01000"))
        return False


def _runs_once(select: exp.Select | None) -> bool:
    """Whether it is the statement, over nothing, or alone in the statement's FROM."""
    if select is None or any(select.args.get(key) for key in ("from_", "where")):
        return False
    item = select.parent
    if not isinstance(item, exp.Subquery) or not isinstance(item.parent, exp.From):
        return item is None
    around = item.parent.parent
    beside = ("where", "joins", "laterals", "limit", "offset", "with_")
    return (
        isinstance(around, exp.Select)
        and around.parent is None
        and not any(around.args.get(key) for key in beside)
    )


def _line(lock: Lock) -> str:
    """A lock in one text: a list without items has no type that a record could have."""
    told = [lock.kind, lock.mode, "t" if lock.granted else "f", *map(str, lock.numbers)]
    return "|".join(told)


def _blockers(waiting: Backend, clients: Sequence[Backend]) -> list[int]:
    """What pg_blocking_pids tells of a client."""
    holders = waiting.locks.holders
    return [each.process_id for each in clients if each.locks.owner in holders]


def _encryption(client: Backend) -> dict[str, Any]:
    name, protocol, bits = client.cipher or (None, None, None)
    return {"ssl": name is not None, "sslversion": protocol, "sslcipher": name, "sslbits": bits}


def _copying(backend: Backend) -> dict[str, Any]:
    """What pg_stat_progress_copy shows of a client."""
    copied = None if backend.progress is None else backend.progress.copy
    if copied is None:
        return dict.fromkeys(("copy_relation", "copy_command", "copy_bytes", "copy_rows"))
    return {
        "copy_relation": copied.relation,
        "copy_command": 1 if copied.incoming else 2,
        "copy_bytes": copied.moved_bytes,
        "copy_rows": copied.rows,
    }


def _true(value: str | bool | None) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in ("t", "true", "on", "1"))


def _text(value: str | None) -> exp.Expr:
    return _cast(exp.Null(), "text") if value is None else exp.Literal.string(value)


def _given(text: exp.Expr, kind: str) -> exp.Expr:
    """A text as a value of `void`, which the engine has not; or a boolean without a value."""
    if kind == "boolean":
        return _cast(text, kind)
    text.meta[GIVES] = by_name("void")
    return text


def _name(value: str | None) -> exp.Expr:
    """A value of type name, which the engine takes for a text."""
    node = _cast(_text(value), "text")
    node.meta[GIVES] = by_name("name")
    return node


def _cast(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=node, to=data_type(kind))


def _placeholder(nodes: Sequence[exp.Expr], types: Sequence[str]) -> exp.Expr:
    """A text that keeps the parameters in the arguments, each under its type."""
    result = _text(None)
    for node, kind in zip(nodes, types, strict=False):
        if node.find(exp.Parameter) is not None:
            typed = _cast(_cast(node.copy(), kind), "text")
            result = exp.DPipe(this=result, expression=typed, safe=True)
    return result
