"""Functions of one value in FROM: `FROM length('abc') AS n` is a row of one column.

PostgreSQL takes any function there (manual, 7.2.1.4), and names the column after the relation.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import GroupingError
from gateway.sql.lowered.relations.json_records import RECORDS
from gateway.sql.names.row_functions import NUMBERED, PAIRS
from gateway.sql.names.scope import is_aggregate, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import parse
from gateway.sql.text.trees import nodes_of

_GIVE_ROWS = frozenset(("unnest", *NUMBERED, *PAIRS, *RECORDS))


# Words that are values without parentheses, and no names of relations (manual, appendix C).
VALUE_WORDS = frozenset(
    {"current_catalog", "current_date", "current_role", "current_schema", "current_time",
     "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user", "user"}
)  # fmt: skip


def select_words(tree: exp.Expr) -> None:
    """Write `FROM current_date` as a subquery, in place."""
    for table in nodes_of(tree, exp.Table):
        word = table.this
        if isinstance(word, exp.Identifier) and not word.quoted and word.name in VALUE_WORDS:
            (value,) = parse(f"SELECT {word.name}")[0].expressions
            if not table.db:
                _select(table, value, word.name)


def select_lone_values(tree: exp.Expr) -> None:
    """Write `FROM f(x)` as a subquery, in place, unless `f` gives rows.

    Raises:
        GroupingError: 42803, f is an aggregate.
    """
    _unmark(tree)
    for table in nodes_of(tree, exp.Table):
        call = table.this
        if not isinstance(call, exp.Anonymous) or call.name in _GIVE_ROWS:
            continue
        if table.db in ("", "pg_catalog"):
            if is_aggregate(call):
                raise GroupingError(
                    "aggregate functions are not allowed in functions in FROM",
                    position=position_of(call),
                )
            _select(table, call, call.name)


def _unmark(tree: exp.Expr) -> None:
    """LATERAL before a function says no more than is so anyhow."""
    for lateral in nodes_of(tree, exp.Lateral):
        if isinstance(lateral.this, exp.Anonymous):
            alias = lateral.args.get("alias")
            numbered = lateral.args.get("ordinality")
            lateral.replace(exp.Table(this=lateral.this.copy(), alias=alias, ordinality=numbered))
        elif isinstance(lateral.this, exp.Unnest):
            unnest = lateral.this.copy()
            unnest.set("alias", lateral.args.get("alias") or unnest.args.get("alias"))
            lateral.replace(unnest)


def _select(table: exp.Table, call: exp.Expr, function: str) -> None:
    written = table.args.get("alias")
    name = written.name if written is not None and written.name else function
    columns = [each.copy() for each in written.columns] if written is not None else []
    items: list[exp.Expr] = [exp.alias_(call.copy(), name, quoted=True)]
    if table.args.get("ordinality"):
        one = exp.Cast(this=exp.Literal.number(1), to=data_type("bigint"))
        items.append(exp.alias_(one, "ordinality", quoted=True))
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=columns)
    made: exp.Expr = exp.Subquery(this=exp.Select(expressions=items), alias=alias)
    if call.find(exp.Column) is not None:  # of what stands before it
        made = exp.Lateral(this=exp.Subquery(this=exp.Select(expressions=items)), alias=alias)
    if table.args.get("joins"):
        made.set("joins", table.args["joins"])
    table.replace(made)
