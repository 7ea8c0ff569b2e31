"""Constraints of columns and tables, and expressions in them, read from their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    SyntaxFault,
    UndefinedObject,
)
from gateway.sql.statements.commands import Name, Reader, nesting, words_of
from gateway.sql.statements.sequences import SequenceOptions, read_options
from gateway.sql.text.dialect import parse_tokens, syntax_fault


@dataclass(frozen=True, slots=True)
class Written:
    """An expression as a tree and as its text."""

    tree: exp.Expr
    text: str


@dataclass(frozen=True, slots=True)
class ConstraintSpec:
    """A constraint: `kind` is its first word in lower case, "primary key" and "foreign key" whole.

    `columns` are empty for one that stands at its column.
    """

    kind: str
    name: str = ""
    columns: Name = ()
    expression: Written | None = None
    table: Name = ()
    referenced: Name = ()
    on_delete: str = "no action"
    on_update: str = "no action"
    deferrable: str = ""  # of a key: "immediate" or "deferred", as it is INITIALLY
    match: str = "simple"
    valid: bool = True
    nulls_distinct: bool = True
    identity: str = ""
    options: SequenceOptions | None = None
    position: int = 0
    emptied: Name = ()  # the columns that ON DELETE SET NULL and SET DEFAULT are about; none: all
    index: str = ""  # USING INDEX
    included: Name = ()  # the columns that INCLUDE names


# Words that end a type, or an expression of a column's DEFAULT (gram.y, ColConstraint).
ENDS = frozenset(
    {"NOT", "NULL", "CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES", "GENERATED",
     "DEFAULT", "COLLATE", "DEFERRABLE", "INITIALLY", "USING", "STORAGE", "COMPRESSION"}
)  # fmt: skip
# What a DEFAULT may say in parentheses alone.
_IN_PARENTHESES = frozenset(
    {"AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "SIMILAR", "BETWEEN", "ISNULL", "NOTNULL", "AT",
     "OVERLAPS"}
)  # fmt: skip
_ACTIONS = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")


def until(reader: Reader, ends: frozenset[str], least: int = 0) -> Sequence[Token]:
    """The tokens before one of these words, a comma or a closing parenthesis of none of theirs."""
    start, depth = reader.index, 0
    while reader.more():
        token = reader.tokens[reader.index]
        inside = depth > 0 or reader.index - start < least
        ending = token.token_type in (TokenType.COMMA, TokenType.R_PAREN)
        if not inside and (ending or ends & set(words_of(token)[:1])):
            break
        depth += nesting(token)
        reader.index += 1
    return reader.tokens[start : reader.index]


def read_column_constraint(reader: Reader) -> ConstraintSpec | None:
    position = reader.place
    name = reader.name() if reader.accept("CONSTRAINT") else ""
    if reader.accept("NOT", "NULL"):
        return ConstraintSpec("not null", name, position=position)
    if reader.accept("NULL"):
        return ConstraintSpec("null", name, position=position)
    if reader.accept("DEFAULT"):
        return ConstraintSpec("default", name, expression=read_default(reader), position=position)
    if reader.accept("GENERATED"):
        return _generated(reader, name, position)
    if reader.accept("COLLATE"):
        collation = reader.qualified()[-1]
        if collation not in ("C", "POSIX", "default", "en_US.utf8", "en_US", "ucs_basic"):
            raise FeatureNotSupported(f'collation "{collation}" is not supported')
        return ConstraintSpec("null", position=position)
    word = reader.one_of("PRIMARY KEY", "UNIQUE", "CHECK", "REFERENCES")
    if not word:
        if name:
            reader.fail()
        _refuse_storage(reader)
        return None
    distinct = read_nulls_distinct(reader)
    return _constraint(reader, word, name, (), position, distinct)


def read_nulls_distinct(reader: Reader) -> bool:
    """NULLS [NOT] DISTINCT; whether they are, which they are where nothing is said."""
    if not reader.accept("NULLS"):
        return True
    said_not = reader.accept("NOT")
    reader.need("DISTINCT")
    return not said_not


def _refuse_storage(reader: Reader) -> None:
    if word := reader.one_of("STORAGE", "COMPRESSION"):
        raise FeatureNotSupported(f"{word} of a column is not supported")


def read_default(reader: Reader) -> Written:
    """The expression of a DEFAULT, up to the next constraint (gram.y, b_expr)."""
    tokens, depth = until(reader, ENDS, least=1), 0
    for token in tokens:
        word = words_of(token)[:1]
        depth += nesting(token) + (word == ["CASE"]) - (word == ["END"])
        if depth == 0 and _IN_PARENTHESES & set(word):
            raise syntax_fault(token, reader.tokens, reader.text)
    return _written(reader, tokens)


def _written(reader: Reader, tokens: Sequence[Token]) -> Written:
    if not tokens:
        reader.fail()
    first = tokens[0]
    select = Token(TokenType.SELECT, "SELECT", start=first.start, end=first.end)
    tree = parse_tokens([select, *tokens], reader.text)
    plain = isinstance(tree, exp.Select) and not any(
        value for key, value in tree.args.items() if key not in ("expressions", "kind", "hint")
    )
    if tree is None or not plain or len(tree.expressions) != 1:
        raise syntax_fault(first, reader.tokens, reader.text)
    inner = tree.expressions[0]
    if isinstance(inner, exp.Alias):
        raise syntax_fault(tokens[-1], reader.tokens, reader.text)
    inner.pop()
    return Written(inner, reader.text[first.start : tokens[-1].end + 1])


def read_expression(reader: Reader, *ends: str) -> Written:
    """An expression up to one of these words, a comma or the end."""
    return _written(reader, until(reader, frozenset(ends)))


def _in_parentheses(reader: Reader) -> Written:
    reader.need("(")
    found = _written(reader, until(reader, frozenset()))
    reader.need(")")
    return found


def _generated(reader: Reader, name: str, position: int) -> ConstraintSpec:
    when = reader.need("ALWAYS", "BY DEFAULT").lower()
    reader.need("AS")
    if reader.accept("IDENTITY"):
        options = read_options(reader, ")") if reader.accept("(") else SequenceOptions()
        return ConstraintSpec("identity", name, identity=when, options=options, position=position)
    if when != "always":
        raise SyntaxFault(
            "for a generated column, GENERATED ALWAYS must be specified", position=position
        )
    expression = _in_parentheses(reader)
    reader.need("STORED")
    return ConstraintSpec("generated", name, expression=expression, position=position)


def read_table_constraint(reader: Reader) -> ConstraintSpec | None:
    """[CONSTRAINT name] constraint over named columns; None when no such word comes."""
    start, position = reader.index, reader.place
    name = reader.name() if reader.accept("CONSTRAINT") else ""
    word = reader.one_of("PRIMARY KEY", "UNIQUE", "CHECK", "FOREIGN KEY", "EXCLUDE")
    ahead = reader.ahead.upper()
    if not word or (not name and ahead not in ("(", "USING", "NULLS")):
        if name:
            reader.fail()
        reader.index = start  # a column may be called unique_ or check: quoted, or no constraint
        return None
    if word == "EXCLUDE":
        raise FeatureNotSupported("EXCLUDE constraints are not supported", position=position)
    columns: Name = ()
    distinct = True
    if word in ("PRIMARY KEY", "UNIQUE") and reader.accept("USING", "INDEX"):
        index = reader.name()
        deferrable, _ = read_attributes(reader, word, position)
        return ConstraintSpec(
            word.lower(), name, deferrable=deferrable, index=index, position=position
        )
    if word != "CHECK":
        distinct = read_nulls_distinct(reader)
        reader.need("(")
        columns = reader.inside(Reader.name)
    if word == "FOREIGN KEY":
        reader.need("REFERENCES")
        word = "REFERENCES"
    return _constraint(reader, word, name, columns, position, distinct)


def _constraint(
    reader: Reader, word: str, name: str, columns: Name, position: int, nulls_distinct: bool = True
) -> ConstraintSpec:
    expression: Written | None = None
    table: Name = ()
    referenced: Name = ()
    actions = {"DELETE": "no action", "UPDATE": "no action", "MATCH": "simple"}
    emptied: Name = ()
    included: Name = ()
    if word == "CHECK":
        expression = _in_parentheses(reader)
    elif word == "REFERENCES":
        table = reader.qualified()
        referenced = reader.inside(Reader.name) if reader.accept("(") else ()
        emptied = _reference_options(reader, actions)
    else:
        included = read_included(reader)
        if reader.accept("USING", "INDEX"):
            read_tablespace(reader)
    deferrable, valid = read_attributes(reader, word, position)
    kind = {"REFERENCES": "foreign key"}.get(word, word.lower())
    return ConstraintSpec(
        kind,
        name,
        columns,
        expression,
        table,
        referenced,
        actions["DELETE"],
        actions["UPDATE"],
        deferrable,
        actions["MATCH"],
        valid,
        nulls_distinct,
        position=position,
        emptied=emptied,
        included=included,
    )


def read_tablespace(reader: Reader) -> bool:
    """Read past TABLESPACE and a name, if that comes next: there is one place for everything.

    Raises:
        UndefinedObject: 42704, another than pg_default. InvalidParameterValue: 22023, pg_global.
    """
    if not reader.accept("TABLESPACE"):
        return False
    name = reader.name()
    if name == "pg_global":
        raise InvalidParameterValue("only shared relations can be placed in pg_global tablespace")
    if name != "pg_default":
        raise UndefinedObject(f'tablespace "{name}" does not exist')
    return True


def read_included(reader: Reader) -> Name:
    """INCLUDE (column, ...), after the keys of an index or a constraint."""
    if not reader.accept("INCLUDE"):
        return ()
    reader.need("(")
    return reader.inside(Reader.name)


def _reference_options(reader: Reader, actions: dict[str, str]) -> Name:
    """MATCH and the actions, into `actions`; the columns that ON DELETE SET NULL names."""
    emptied: Name = ()
    while True:
        if reader.accept("MATCH"):
            kind = reader.need("SIMPLE", "FULL", "PARTIAL")
            if kind == "PARTIAL":  # as in PostgreSQL
                raise FeatureNotSupported("MATCH PARTIAL not yet implemented")
            actions["MATCH"] = kind.lower()
        elif reader.accept("ON"):
            event = reader.need("DELETE", "UPDATE")
            actions[event] = reader.need(*_ACTIONS).lower()
            if actions[event].startswith("set ") and reader.accept("("):
                if event == "UPDATE":
                    raise FeatureNotSupported(
                        "a column list with SET NULL is only supported for ON DELETE actions"
                    )
                emptied = reader.inside(Reader.name)
        else:
            return emptied


# What constraints of a kind cannot be (gram.y, processCASbits).
_NEVER: dict[str, tuple[str, ...]] = {
    "CHECK": ("DEFERRABLE", "INITIALLY DEFERRED"),
    "UNIQUE": ("NOT VALID", "NO INHERIT"),
    "PRIMARY KEY": ("NOT VALID", "NO INHERIT"),
    "REFERENCES": ("NO INHERIT",),
}


def read_attributes(reader: Reader, word: str, position: int) -> tuple[str, bool]:
    """DEFERRABLE and its like: how a key is deferrable, and whether a constraint is valid.

    Raises:
        SyntaxFault: 42601, attributes that contradict each other.
        FeatureNotSupported: 0A000, DEFERRABLE of a check, NOT VALID of a key.
    """
    said: dict[str, int] = {}
    while True:
        at = reader.place
        found = reader.one_of(
            "NOT DEFERRABLE", "DEFERRABLE", "INITIALLY IMMEDIATE", "INITIALLY DEFERRED",
            "NO INHERIT", "NOT VALID",
        )  # fmt: skip
        if not found:
            break
        said.setdefault(found, at)
    _refuse_contradiction(set(said), position)
    for each in _NEVER[word]:
        if each in said:
            kind = {"REFERENCES": "FOREIGN KEY"}.get(word, word)
            marked = "DEFERRABLE" if each.startswith("INITIALLY") else each
            raise FeatureNotSupported(f"{kind} constraints cannot be marked {marked}")
    valid = "NOT VALID" not in said
    if not {"DEFERRABLE", "INITIALLY DEFERRED"} & set(said):
        return "", valid
    return "deferred" if "INITIALLY DEFERRED" in said else "immediate", valid


def _refuse_contradiction(said: set[str], position: int) -> None:
    if {"DEFERRABLE", "NOT DEFERRABLE"} <= said:
        raise SyntaxFault("multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed")
    if {"INITIALLY DEFERRED", "INITIALLY IMMEDIATE"} <= said:
        raise SyntaxFault("multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed")
    if {"NOT DEFERRABLE", "INITIALLY DEFERRED"} <= said:
        raise SyntaxFault(
            "constraint declared INITIALLY DEFERRED must be DEFERRABLE", position=position
        )
