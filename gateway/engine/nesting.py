"""How deeply calls may nest before the engine's parser would not come back.

DataFusion's parser, in its PostgreSQL dialect, reads the argument of a call twice: first as the
name of a named argument, then as an expression. A call within a call within a call takes 2^n:
0.14 s at 16 deep, minutes at 26, and nothing can interrupt it. Operators, parentheses, CASE and
subqueries are read once; thousands of them may nest.
"""

from __future__ import annotations

import re

from gateway.errors import StatementTooComplex

DEEPEST_CALLS = 16

_TOKENS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(\w+)\s*\(|[()]""")

# Words before a parenthesis that open no list of arguments.
_KEYWORDS = frozenset({
    "ALL", "AND", "ANY", "AS", "BETWEEN", "BY", "CASE", "CAST", "DISTINCT", "ELSE", "EXCEPT",
    "EXISTS", "FILTER", "FROM", "HAVING", "IN", "INTERSECT", "JOIN", "LIKE", "NOT", "ON", "OR",
    "OVER", "SELECT", "SETS", "SOME", "THEN", "UNION", "USING", "VALUES", "WHEN", "WHERE",
})  # fmt: skip


def check_nesting(sql: str) -> None:
    """Return, unless calls nest deeper than DEEPEST_CALLS.

    Raises:
        StatementTooComplex: 54001.

    >>> check_nesting("SELECT sin(cos((((x))))), 'sin(sin('")
    """
    open_calls: list[bool] = []
    depth = 0
    for token in _TOKENS.finditer(sql):
        if token[0].endswith("("):
            open_calls.append(bool(token[1]) and token[1].upper() not in _KEYWORDS)
            depth += open_calls[-1]
            if depth > DEEPEST_CALLS:
                raise StatementTooComplex(
                    f"function calls are nested more than {DEEPEST_CALLS} deep",
                    hint="Compute the inner part in a subquery or a WITH query.",
                )
        elif token[0] == ")" and open_calls:
            depth -= open_calls.pop()
