"""What a block of PL/pgSQL is made of: a record for each kind of step.

PostgreSQL manual, chapter 43. Expressions and statements of SQL inside stay texts, in which names
of variables stand for their values; `line` counts from 1 at the beginning of the block's text.
"""

from __future__ import annotations

from dataclasses import dataclass

Steps = tuple["Step", ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Any of them."""

    line: int


@dataclass(frozen=True, slots=True)
class Target:
    """What a value is put into: a variable, or a field of a record."""

    name: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.name}.{self.field}" if self.field else self.name


@dataclass(frozen=True, slots=True)
class Into:
    """INTO [STRICT] targets."""

    targets: tuple[Target, ...]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    """name [CONSTANT] type [NOT NULL] [:= expression]; the type as it was written."""

    name: str
    type: str
    line: int
    constant: bool = False
    not_null: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class Handler:
    """WHEN conditions THEN steps: SQLSTATEs that are caught; "" is OTHERS, `XX000` its class."""

    conditions: tuple[str, ...]
    steps: Steps


@dataclass(frozen=True, slots=True)
class Block(Step):
    """[DECLARE ...] BEGIN steps [EXCEPTION handlers] END."""

    label: str
    declarations: tuple[Declaration, ...]
    steps: Steps
    handlers: tuple[Handler, ...] = ()


@dataclass(frozen=True, slots=True)
class Assign(Step):
    """target := expression."""

    target: Target
    value: str


@dataclass(frozen=True, slots=True)
class Sql(Step):
    """A statement of SQL [INTO targets]."""

    text: str
    into: Into | None = None


@dataclass(frozen=True, slots=True)
class Perform(Step):
    """PERFORM query: its rows are thrown away."""

    query: str


@dataclass(frozen=True, slots=True)
class Execute(Step):
    """EXECUTE text [INTO targets] [USING values]."""

    text: str
    into: Into | None
    using: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnostics(Step):
    """GET [STACKED] DIAGNOSTICS target = item, ...; the items in small letters."""

    items: tuple[tuple[Target, str], ...]
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class If(Step):
    """IF and ELSIF: conditions, each with its steps; `otherwise` is ELSE."""

    branches: tuple[tuple[str, Steps], ...]
    otherwise: Steps = ()


@dataclass(frozen=True, slots=True)
class Case(Step):
    """CASE [operand] WHEN values THEN steps; `otherwise` None: there is no ELSE."""

    operand: str
    branches: tuple[tuple[tuple[str, ...], Steps], ...]
    otherwise: Steps | None = None


@dataclass(frozen=True, slots=True)
class Loop(Step):
    """LOOP, and WHILE with its condition."""

    label: str
    steps: Steps
    condition: str = ""


@dataclass(frozen=True, slots=True)
class ForNumbers(Step):
    """FOR name IN [REVERSE] first .. last [BY step] LOOP."""

    label: str
    name: str
    first: str
    last: str
    by: str
    reverse: bool
    steps: Steps


@dataclass(frozen=True, slots=True)
class ForRows(Step):
    """FOR targets IN query LOOP; in `dynamic` ones the text of the query is computed."""

    label: str
    targets: tuple[Target, ...]
    query: str
    steps: Steps
    dynamic: bool = False
    using: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForEach(Step):
    """FOREACH target IN ARRAY expression LOOP."""

    label: str
    target: Target
    array: str
    steps: Steps


@dataclass(frozen=True, slots=True)
class Leave(Step):
    """EXIT and CONTINUE [label] [WHEN condition]."""

    again: bool
    label: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Return(Step):
    """RETURN: the end of all of it."""


@dataclass(frozen=True, slots=True)
class Raise(Step):
    """RAISE [level] [format, values | condition] [USING options]; level "": the error again."""

    level: str
    condition: str = ""  # a SQLSTATE
    message: str | None = None
    values: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Assert(Step):
    """ASSERT condition [, message]."""

    condition: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class End(Step):
    """COMMIT and ROLLBACK."""

    verb: str


@dataclass(frozen=True, slots=True)
class Do:
    """DO: the block, and its text."""

    block: Block
    source: str


# What errors call a step (PostgreSQL's plpgsql_stmt_typename).
def told(step: Step) -> str:
    """What an error says it happened at."""
    if isinstance(step, Loop):
        return "WHILE" if step.condition else "LOOP"
    if isinstance(step, ForRows):
        return "FOR over EXECUTE statement" if step.dynamic else "FOR over SELECT rows"
    if isinstance(step, Leave):
        return "CONTINUE" if step.again else "EXIT"
    if isinstance(step, Diagnostics):
        return "GET STACKED DIAGNOSTICS" if step.stacked else "GET DIAGNOSTICS"
    if isinstance(step, End):
        return step.verb
    return _TOLD[type(step)]


_TOLD: dict[type[Step], str] = {
    Block: "statement block",
    Assign: "assignment",
    Sql: "SQL statement",
    Perform: "PERFORM",
    Execute: "EXECUTE",
    If: "IF",
    Case: "CASE",
    ForNumbers: "FOR with integer loop variable",
    ForEach: "FOREACH over array",
    Return: "RETURN",
    Raise: "RAISE",
    Assert: "ASSERT",
}
