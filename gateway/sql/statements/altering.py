"""ALTER TABLE, ALTER VIEW and ALTER SCHEMA, read from their tokens.

PostgreSQL manual, ALTER TABLE. An action that this server lacks is refused by name (0A000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.statements.commands import Name, Reader
from gateway.sql.statements.constraints import (
    ConstraintSpec,
    Written,
    read_attributes,
    read_expression,
    read_table_constraint,
    read_tablespace,
)
from gateway.sql.statements.sequences import (
    SequenceOptions,
    gathered,
    read_option,
    read_options,
)
from gateway.sql.statements.tables import (
    ColumnSpec,
    read_column,
    read_storage,
    read_type_text,
)


@dataclass(frozen=True, slots=True)
class Action:
    """One action; `kind` is its words in lower case, such as "add column"."""

    kind: str
    column: str = ""
    name: str = ""
    spec: ColumnSpec | None = None
    constraint: ConstraintSpec | None = None
    type: str = ""
    expression: Written | None = None
    options: SequenceOptions | None = None
    optional: bool = False  # IF EXISTS, IF NOT EXISTS
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class AlterRelation:
    """ALTER TABLE, VIEW, MATERIALIZED VIEW or INDEX: `kind` in lower case."""

    kind: str
    name: Name
    actions: tuple[Action, ...]
    if_exists: bool = False


def read_alter(reader: Reader, kind: str) -> AlterRelation:
    """ALTER kind [IF EXISTS] [ONLY] name action, ..."""
    exists = reader.accept("IF", "EXISTS")
    reader.accept("ONLY")
    name = reader.qualified()
    reader.accept("*")
    first = _renaming(reader, kind) or _action(reader, kind)
    others = reader.listed(partial(_action, kind=kind)) if reader.accept(",") else ()
    return AlterRelation(kind, name, (first, *others), exists)


def _renaming(reader: Reader, kind: str) -> Action | None:
    """What stands alone."""
    if reader.accept("RENAME", "TO"):
        return Action("rename to", name=reader.name())
    if reader.accept("SET", "SCHEMA"):
        return Action("set schema", name=reader.name())
    if reader.accept("RENAME", "CONSTRAINT"):
        old = reader.name()
        reader.need("TO")
        return Action("rename constraint", old, reader.name())
    if reader.accept("RENAME"):
        reader.accept("COLUMN")
        old = reader.name()
        reader.need("TO")
        return Action("rename column", old, reader.name())
    return None


def _action(reader: Reader, kind: str) -> Action:
    if kind != "table":
        return _of_no_table(reader, kind)
    match reader.need("ADD", "DROP", "ALTER", "OWNER TO", "SET", "ENABLE", "DISABLE", "VALIDATE",
                      "REPLICA", "INHERIT", "CLUSTER", "RESET", "FORCE"):  # fmt: skip
        case "ADD":
            return _add(reader)
        case "DROP":
            return _drop(reader)
        case "ALTER" if reader.accept("CONSTRAINT"):
            return _alter_constraint(reader)
        case "ALTER":
            return _alter_column(reader)
        case "VALIDATE" if reader.accept("CONSTRAINT"):
            return Action("validate constraint", name=reader.name())
        case "SET" | "CLUSTER" | "RESET" | "REPLICA" as word if _of_storage(reader, word):
            return Action("storage")
    words = " ".join(token.text.upper() for token in reader.tokens[reader.index - 1 :][:2])
    raise FeatureNotSupported(f"ALTER TABLE ... {words} is not supported")


# What may be done to columns of views, by ALTER TABLE, too.
OF_VIEWS = ("rename column", "set default", "drop default")


def _of_no_table(reader: Reader, kind: str) -> Action:
    if kind == "index" and (word := reader.one_of("SET", "RESET", "ALTER", "ATTACH", "DEPENDS")):
        if word in ("SET", "RESET") and _of_storage(reader, word):
            return Action("storage")
        raise FeatureNotSupported(f"ALTER INDEX ... {word} is not supported")
    if kind == "view" and reader.accept("ALTER"):
        action = _alter_column(reader)
        if action.kind in OF_VIEWS:
            return action
    can = "rename here, set the schema, and defaults" if kind == "view" else "rename here"
    raise FeatureNotSupported(
        f"ALTER {kind.upper()} can only {can}", position=reader.tokens[0].start + 1
    )


def _of_storage(reader: Reader, word: str) -> bool:
    """Read past what says where and how rows are stored, which DuckDB does in its own way."""
    if word in ("SET", "RESET") and reader.accept("("):
        read_storage(reader)
        return True
    if word == "SET":
        return read_tablespace(reader) or bool(
            reader.one_of("LOGGED", "UNLOGGED", "WITHOUT CLUSTER", "WITHOUT OIDS")
        )
    if word == "CLUSTER" and reader.accept("ON"):
        return bool(reader.name())
    return (
        word == "REPLICA"
        and reader.accept("IDENTITY")
        and bool(reader.one_of("DEFAULT", "FULL", "NOTHING"))
    )


def _add(reader: Reader) -> Action:
    constraint = read_table_constraint(reader)
    if constraint is not None:
        return Action("add constraint", constraint=constraint)
    reader.accept("COLUMN")
    optional = reader.accept("IF", "NOT", "EXISTS")
    return Action("add column", spec=read_column(reader), optional=optional)


def _alter_constraint(reader: Reader) -> Action:
    name, position = reader.name(), reader.place
    deferrable, _ = read_attributes(reader, "REFERENCES", position)
    return Action(
        "alter constraint", name=name, constraint=ConstraintSpec("", name, deferrable=deferrable)
    )


def _drop(reader: Reader) -> Action:
    kind = "drop constraint" if reader.accept("CONSTRAINT") else "drop column"
    if kind == "drop column":
        reader.accept("COLUMN")
    optional = reader.accept("IF", "EXISTS")
    name = reader.name()
    cascade = reader.cascades()
    return Action(kind, name if kind == "drop column" else "", name, optional=optional,
                  cascade=cascade)  # fmt: skip


def _alter_column(reader: Reader) -> Action:
    reader.accept("COLUMN")
    column = reader.name()
    action = _identity_options(reader, column)
    if action is not None:
        return action
    if reader.one_of("SET STATISTICS", "SET STORAGE", "SET COMPRESSION"):
        reader.accept("-")
        reader.take()
        return Action("storage")
    word = reader.need(*_COLUMN_ACTIONS, "SET", "RESET")
    if word not in _COLUMN_ACTIONS:
        raise FeatureNotSupported("ALTER TABLE ... ALTER COLUMN ... SET (options) is not supported")
    return _COLUMN_ACTIONS[word](reader, column)


def _plain(kind: str) -> Callable[[Reader, str], Action]:
    return lambda reader, column: Action(kind, column)


def _optional(kind: str) -> Callable[[Reader, str], Action]:
    return lambda reader, column: Action(kind, column, optional=reader.accept("IF", "EXISTS"))


def _default(reader: Reader, column: str) -> Action:
    return Action("set default", column, expression=read_expression(reader))


def _identity_options(reader: Reader, column: str) -> Action | None:
    """RESTART, SET GENERATED and SET with an option of sequences, in any order (gram.y)."""
    generated, found = "", []
    while reader.more():
        start = reader.index
        if reader.accept("SET", "GENERATED"):
            if generated:
                raise SyntaxFault("conflicting or redundant options")
            generated = reader.need("ALWAYS", "BY DEFAULT").lower()
        elif _begins(reader, "RESTART") or (reader.accept("SET") and _begins(reader, *_NUMBERS)):
            found.append(read_option(reader))
        else:
            reader.index = start
            break
    if not (generated or found):
        return None
    return Action("identity", column, generated, options=gathered(found))


_NUMBERS = ("START", "INCREMENT", "MINVALUE", "MAXVALUE", "NO", "CYCLE", "CACHE", "RESTART")


def _begins(reader: Reader, *words: str) -> bool:
    """Whether the next token begins with one of these words."""
    ahead = reader.tokens[reader.index].text.upper().split() if reader.more() else []
    return bool(ahead) and ahead[0] in words


def _type(reader: Reader, column: str) -> Action:
    kind = read_type_text(reader)
    if reader.accept("COLLATE"):
        reader.qualified()
    using = read_expression(reader) if reader.accept("USING") else None
    return Action("type", column, type=kind, expression=using)


def _identity(reader: Reader, column: str) -> Action:
    when = reader.need("ALWAYS", "BY DEFAULT").lower()
    reader.need("AS")
    reader.need("IDENTITY")
    options = read_options(reader, ")") if reader.accept("(") else SequenceOptions()
    return Action("add identity", column, when, options=options)


_COLUMN_ACTIONS: dict[str, Callable[[Reader, str], Action]] = {
    "SET DEFAULT": _default,
    "DROP DEFAULT": _plain("drop default"),
    "SET NOT NULL": _plain("set not null"),
    "DROP NOT NULL": _plain("drop not null"),
    "SET DATA TYPE": _type,
    "TYPE": _type,
    "ADD GENERATED": _identity,
    "DROP IDENTITY": _optional("drop identity"),
    "DROP EXPRESSION": _optional("drop expression"),
}
