"""Text -> statements: split at semicolons, told apart by their first words, parsed.

One row per command (`COMMANDS`): its leading words, what kind of statement it is, and who reads
it. Queries and writes become sqlglot trees; the rest become the records of `commands`.
A command without a row is refused by name; nothing goes on unread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from gateway.errors import FeatureNotSupported
from gateway.sql.procedural.reading import read_do
from gateway.sql.statements import commands, cursors, maintenance, notifying, setting
from gateway.sql.statements.altering import read_alter
from gateway.sql.statements.commands import Reader
from gateway.sql.statements.copying import read_copy
from gateway.sql.statements.datasets import read_attach, read_detach, read_refresh_dataset
from gateway.sql.statements.grants import (
    read_default_privileges,
    read_grant,
    read_owner,
    read_rename_schema,
    read_revoke,
)
from gateway.sql.statements.objects import read_comment, read_create_index, read_lock, read_refresh
from gateway.sql.statements.own_types import (
    read_alter_domain,
    read_alter_type,
    read_create_domain,
    read_create_type,
    read_drop_types,
)
from gateway.sql.statements.refused import ABSENT, OUTSIDE, read_drop_absent, refuse_command
from gateway.sql.statements.roles import (
    membership_or,
    read_alter_role,
    read_create_role,
    read_drop_owned,
    read_drop_role,
    read_reassign,
)
from gateway.sql.statements.routines import read_create_function, read_drop_function
from gateway.sql.statements.schemas import read_create_schema
from gateway.sql.statements.sequences import (
    CreateSequence,
    read_alter_sequence,
    read_create_sequence,
)
from gateway.sql.statements.setting import read_alter_database
from gateway.sql.statements.statement import Copy, CreateView, Explain, Kind, Prepare, Statement
from gateway.sql.statements.tables import CreateTable, read_create_table, read_materialized_view
from gateway.sql.statements.trees import read_insert, read_merge, read_query, read_tree
from gateway.sql.statements.views import read_view
from gateway.sql.text.dialect import split, syntax_fault
from gateway.sql.writes.writes import modifying_parts
from gateway.types import Type, by_name


def statements(text: str) -> list[Statement]:
    """Every statement of a message, in order.

    Raises:
        SyntaxFault: 42601, with the position in `text`.
        FeatureNotSupported: 0A000, a command of PostgreSQL's that this server lacks.
        InsufficientPrivilege: 42501, a command that would touch the server's files.

    >>> [(s.command, s.offset) for s in statements("BEGIN; SELECT ';' -- ;")]
    [('BEGIN', 0), ('SELECT', 7)]
    """
    return [read(tokens, text) for tokens in split(text)]


def read(tokens: Sequence[Token], text: str) -> Statement:
    """One statement from its tokens; `text` is the whole message."""
    reader = Reader(tokens, text)
    for row in COMMANDS:
        if reader.accept(*row.words.split()):
            tree = row.read(reader)
            reader.end()
            return _statement(tokens, text, tree, row)
    return refuse_command(tokens, text)


def _statement(tokens: Sequence[Token], text: str, tree: object, row: Row) -> Statement:
    start = tokens[0].start
    command = row.command or row.words
    command = _TREES.get(type(tree), command)
    if isinstance(tree, CreateTable) and tree.is_filled:
        command = "CREATE MATERIALIZED VIEW" if tree.materialized else "CREATE TABLE AS"
        row = replace(row, kind=Kind.DEFINITION)  # SELECT INTO
    writes = command in ("INSERT", "UPDATE", "DELETE", "MERGE") or modifying_parts(tree)
    kind = Kind.WRITE if writes else row.kind
    return Statement(text[start : tokens[-1].end + 1], start, tree, command, kind)


_TREES: dict[type, str] = {
    commands.SetConstraints: "SET CONSTRAINTS",
    CreateTable: "CREATE TABLE",
    CreateSequence: "CREATE SEQUENCE",
    CreateView: "CREATE VIEW",
    exp.Insert: "INSERT",
    exp.Update: "UPDATE",
    exp.Delete: "DELETE",
    exp.Merge: "MERGE",
}


def _table(reader: Reader, temporary: bool = False) -> CreateTable:
    return read_create_table(reader, temporary, _rows_inside)


def _rows_inside(reader: Reader) -> tuple[exp.Expr | commands.ExecuteStatement, str]:
    """The query that fills a table, or the EXECUTE of one."""
    inner = _inner(reader, Kind.QUERY, Kind.PREPARED)
    if not isinstance(inner.tree, exp.Expr | commands.ExecuteStatement):
        reader.fail()
    return inner.tree, inner.text


def _query_inside(reader: Reader) -> tuple[exp.Expr, str]:
    inner = _inner(reader, Kind.QUERY)
    assert isinstance(inner.tree, exp.Expr)
    return inner.tree, inner.text


def _temporary(reader: Reader) -> object:
    """What follows CREATE [OR REPLACE] TEMPORARY."""
    replace = reader.tokens[1].text.upper() == "OR"
    what = reader.need("VIEW") if replace else reader.need("TABLE", "VIEW", "SEQUENCE")
    if what == "TABLE":
        return _table(reader, temporary=True)
    if what == "SEQUENCE":
        return read_create_sequence(reader, temporary=True)
    return _view(reader, replace, temporary=True)


def _view(reader: Reader, replace: bool, temporary: bool = False) -> CreateView:
    return read_view(reader, replace, temporary, inner=_query_inside)


def _inner(reader: Reader, *kinds: Kind) -> Statement:
    """The statement that the rest is; one of another kind is refused at its first word."""
    tokens = reader.rest()
    if not tokens:
        reader.fail()
    inner = read(tokens, reader.text)
    if inner.kind not in kinds:
        raise syntax_fault(tokens[0], reader.tokens, reader.text)
    return inner


def _explain(reader: Reader) -> Explain:
    options: dict[str, str] = {}
    ahead = reader.tokens[reader.index + 1 : reader.index + 2]
    opens_query = bool(ahead) and ahead[0].text.upper() in (
        "SELECT",
        "WITH",
        "VALUES",
        "TABLE",
        "(",
    )
    if not opens_query and reader.accept("("):
        options |= reader.inside(_explain_option)
    else:
        while word := reader.one_of("ANALYZE", "ANALYSE", "VERBOSE"):
            options[word.lower().replace("analyse", "analyze")] = "on"
    kinds = (Kind.QUERY, Kind.WRITE, Kind.DEFINITION, Kind.PREPARED)
    return Explain(options, _inner(reader, *kinds))


def _explain_option(reader: Reader) -> tuple[str, str]:
    name = reader.label()
    return name, "on" if reader.ahead in (",", ")") else reader.take().text.lower()


def _copy(reader: Reader) -> Copy:
    return read_copy(reader, _copied)


def _copied(reader: Reader) -> Statement:
    first = reader.tokens[reader.index : reader.index + 1]
    inner = _inner(reader, Kind.QUERY, Kind.WRITE, Kind.DEFINITION)
    if inner.kind is Kind.DEFINITION:
        if inner.command == "CREATE TABLE AS" and first[0].text.upper() != "CREATE":
            raise FeatureNotSupported("COPY (SELECT INTO) is not supported")
        raise syntax_fault(first[0], reader.tokens, reader.text)
    return inner


def _declare(reader: Reader) -> cursors.Declare:
    """DECLARE; a query over rows that are written is refused when it is run, as PostgreSQL does."""
    return cursors.read_declare(reader, _query_to_declare)


def _query_to_declare(reader: Reader) -> Statement:
    first = reader.tokens[reader.index : reader.index + 1]
    inner = _inner(reader, Kind.QUERY, Kind.WRITE)
    if not isinstance(inner.tree, exp.Query | exp.Values):
        raise syntax_fault(first[0], reader.tokens, reader.text)
    return inner


def _prepare(reader: Reader) -> Prepare:
    if reader.accept("TRANSACTION"):
        raise FeatureNotSupported("two-phase commit is not supported")
    name = reader.name()
    types = reader.inside(_type) if reader.accept("(") else ()
    reader.need("AS")
    return Prepare(name, types, _inner(reader, Kind.QUERY, Kind.WRITE), reader.text)


def _type(reader: Reader) -> Type:
    """A parameter's type; the length or the digits that it is written with mean nothing."""
    words = []
    while reader.more() and reader.tokens[reader.index].text not in (",", ")"):
        word = reader.take().text
        if word != "(":
            words.append(word)
            continue
        while reader.take().text != ")":
            pass
    name = " ".join(words).removeprefix("pg_catalog . ")
    return by_name(name.replace(" [ ]", "[]").replace(" [", "[").replace("[ ", "["))


@dataclass(frozen=True, slots=True)
class Row:
    """One command. The first row whose words begin the statement reads it, after those words."""

    words: str
    kind: Kind
    read: Callable[[Reader], object]
    command: str = ""  # where it differs from the words


_end, _save = commands.read_end, commands.read_savepoint
_ALTERED = ("table", "view", "materialized view", "index")


def _altering(kind: str) -> Callable[[Reader], object]:
    return partial(read_owner, kind=kind, other=partial(read_alter, kind=kind))


_TEMPORARY = (
    *("TEMPORARY", "TEMP", "LOCAL TEMPORARY", "LOCAL TEMP", "GLOBAL TEMPORARY", "GLOBAL TEMP"),
    *("OR REPLACE TEMPORARY", "OR REPLACE TEMP"),
)

COMMANDS = (
    Row("SELECT", Kind.QUERY, read_query),
    Row("VALUES", Kind.QUERY, read_query, "SELECT"),
    Row("TABLE", Kind.QUERY, read_query, "SELECT"),
    Row("WITH", Kind.QUERY, read_query, "SELECT"),
    Row("(", Kind.QUERY, read_query, "SELECT"),
    Row("INSERT", Kind.WRITE, read_insert),
    Row("UPDATE", Kind.WRITE, read_tree),
    Row("DELETE", Kind.WRITE, read_tree),
    Row("MERGE", Kind.WRITE, read_merge),
    Row("TRUNCATE", Kind.WRITE, commands.read_truncate, "TRUNCATE TABLE"),
    Row("CREATE EXTERNAL", Kind.DEFINITION, OUTSIDE),
    Row("CREATE FOREIGN", Kind.DEFINITION, OUTSIDE),
    *(Row(f"CREATE {word}", Kind.DEFINITION, _temporary) for word in _TEMPORARY),
    Row("CREATE SEQUENCE", Kind.DEFINITION, read_create_sequence),
    Row("CREATE UNLOGGED TABLE", Kind.DEFINITION, _table, "CREATE TABLE"),
    Row("CREATE TABLE", Kind.DEFINITION, _table),
    Row(
        "CREATE MATERIALIZED VIEW",
        Kind.DEFINITION,
        partial(read_materialized_view, inner=_query_inside),
    ),
    Row("REFRESH MATERIALIZED VIEW", Kind.DEFINITION, read_refresh),
    Row("REFRESH", Kind.DEFINITION, read_refresh_dataset),
    Row("ATTACH", Kind.DEFINITION, read_attach),
    Row("DETACH", Kind.DEFINITION, read_detach),
    Row(
        "CREATE UNIQUE INDEX",
        Kind.DEFINITION,
        partial(read_create_index, unique=True),
        "CREATE INDEX",
    ),
    Row("CREATE INDEX", Kind.DEFINITION, partial(read_create_index, unique=False)),
    Row("COMMENT ON", Kind.DEFINITION, read_comment, "COMMENT"),
    Row("LOCK", Kind.DEFINITION, read_lock, "LOCK TABLE"),
    *(Row(f"ALTER {kind.upper()}", Kind.DEFINITION, _altering(kind)) for kind in _ALTERED),
    Row(
        "ALTER SEQUENCE",
        Kind.DEFINITION,
        partial(read_owner, kind="sequence", other=read_alter_sequence),
    ),
    Row(
        "ALTER SCHEMA",
        Kind.DEFINITION,
        partial(read_owner, kind="schema", other=read_rename_schema),
    ),
    Row("ALTER FUNCTION", Kind.DEFINITION, partial(read_owner, kind="function")),
    Row("ALTER DEFAULT PRIVILEGES", Kind.DEFINITION, read_default_privileges),
    Row("GRANT", Kind.DEFINITION, partial(membership_or, grant=True, other=read_grant)),
    Row("REVOKE", Kind.DEFINITION, partial(membership_or, grant=False, other=read_revoke)),
    Row("CREATE USER MAPPING", Kind.DEFINITION, OUTSIDE),
    *(
        row
        for kind in ("ROLE", "USER", "GROUP")
        for row in (
            Row(
                f"CREATE {kind}",
                Kind.DEFINITION,
                partial(read_create_role, login=kind == "USER"),
                "CREATE ROLE",
            ),
            Row(f"ALTER {kind}", Kind.DEFINITION, read_alter_role, "ALTER ROLE"),
            Row(f"DROP {kind}", Kind.DEFINITION, read_drop_role, "DROP ROLE"),
        )
    ),
    Row("ALTER DATABASE", Kind.DEFINITION, read_alter_database),
    Row("DROP OWNED BY", Kind.DEFINITION, read_drop_owned, "DROP OWNED"),
    Row("REASSIGN OWNED BY", Kind.DEFINITION, read_reassign, "REASSIGN OWNED"),
    Row("CREATE VIEW", Kind.DEFINITION, partial(_view, replace=False)),
    Row("CREATE OR REPLACE VIEW", Kind.DEFINITION, partial(_view, replace=True), "CREATE VIEW"),
    Row("CREATE FUNCTION", Kind.DEFINITION, partial(read_create_function, replace=False)),
    Row(
        "CREATE OR REPLACE FUNCTION",
        Kind.DEFINITION,
        partial(read_create_function, replace=True),
        "CREATE FUNCTION",
    ),
    Row("CREATE SCHEMA", Kind.DEFINITION, lambda r: read_create_schema(r, read)),
    Row("CREATE TYPE", Kind.DEFINITION, read_create_type),
    Row("ALTER TYPE", Kind.DEFINITION, partial(read_owner, kind="type", other=read_alter_type)),
    Row("CREATE DOMAIN", Kind.DEFINITION, read_create_domain),
    Row(
        "ALTER DOMAIN",
        Kind.DEFINITION,
        partial(read_owner, kind="domain", other=read_alter_domain),
    ),
    *(
        Row(f"DROP {kind.upper()}", Kind.DEFINITION, partial(read_drop_types, kind=kind))
        for kind in ("type", "domain")
    ),
    Row("DROP TABLE", Kind.DEFINITION, partial(commands.read_drop, kind="table")),
    Row(
        "DROP MATERIALIZED VIEW",
        Kind.DEFINITION,
        partial(commands.read_drop, kind="materialized view"),
    ),
    Row("DROP SEQUENCE", Kind.DEFINITION, partial(commands.read_drop, kind="sequence")),
    Row("DROP INDEX", Kind.DEFINITION, partial(commands.read_drop, kind="index")),
    Row("DROP VIEW", Kind.DEFINITION, partial(commands.read_drop, kind="view")),
    Row("DROP FUNCTION", Kind.DEFINITION, read_drop_function),
    Row("DROP SCHEMA", Kind.DEFINITION, partial(commands.read_drop, kind="schema")),
    *(
        Row(
            f"DROP {kind} IF EXISTS",
            Kind.DEFINITION,
            partial(read_drop_absent, kind=kind),
            f"DROP {kind}",
        )
        for kind in ABSENT
    ),
    Row("DO", Kind.BLOCK, lambda reader: read_do(reader, read)),
    Row("EXPLAIN", Kind.EXPLAIN, _explain),
    Row("COPY", Kind.COPY, _copy),
    Row("SET", Kind.SETTING, setting.read_set),
    Row("SHOW", Kind.SETTING, lambda r: commands.ShowStatement(setting.read_setting_name(r))),
    Row("RESET", Kind.SETTING, lambda r: commands.ResetStatement(setting.read_setting_name(r))),
    *(Row(word, Kind.MAINTENANCE, read) for word, read in maintenance.READERS.items()),
    *(Row(word, Kind.NOTIFICATION, read) for word, read in notifying.READERS.items()),
    Row("DISCARD", Kind.SETTING, commands.read_discard),
    Row("BEGIN", Kind.TRANSACTION, commands.read_begin),
    Row("START TRANSACTION", Kind.TRANSACTION, commands.read_start),
    Row("COMMIT", Kind.TRANSACTION, partial(_end, verb="COMMIT")),
    Row("END", Kind.TRANSACTION, partial(_end, verb="COMMIT"), "COMMIT"),
    Row("ROLLBACK", Kind.TRANSACTION, partial(_end, verb="ROLLBACK")),
    Row("ABORT", Kind.TRANSACTION, partial(_end, verb="ROLLBACK"), "ROLLBACK"),
    Row("SAVEPOINT", Kind.TRANSACTION, partial(_save, verb="SAVEPOINT")),
    Row("RELEASE", Kind.TRANSACTION, partial(_save, verb="RELEASE")),
    Row("PREPARE", Kind.PREPARED, _prepare),
    Row("EXECUTE", Kind.PREPARED, commands.read_execute),
    Row("DEALLOCATE", Kind.PREPARED, commands.read_deallocate),
    Row("DECLARE", Kind.CURSOR, _declare, "DECLARE CURSOR"),
    Row("FETCH", Kind.CURSOR, partial(cursors.read_fetch, move=False)),
    Row("MOVE", Kind.CURSOR, partial(cursors.read_fetch, move=True)),
    Row("CLOSE", Kind.CURSOR, cursors.read_close, "CLOSE CURSOR"),
)
