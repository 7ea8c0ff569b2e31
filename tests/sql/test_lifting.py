"""Which constants are taken out of a text, and which stay: what is around them decides."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlglot.tokenizer_core import TokenType

from gateway.sql.shape.lifting import LONGEST_TEXT, lift
from gateway.sql.text.dialect import tokenize

# text -> shape, constants
LIFTED = {
    "SELECT * FROM t WHERE id=17": ("SELECT * FROM t WHERE id=$1", (17,)),
    "select a from t where a = -5 or t.b <> 'x y'": (
        "select a from t where a = $1 or t.b <> $2", (-5, "x y"),
    ),
    'SELECT a FROM "t" WHERE "A b" >= 2.50 LIMIT 3': (
        'SELECT a FROM "t" WHERE "A b" >= $1 LIMIT 3', (2.5,),
    ),
    "SELECT a + 1 FROM t WHERE NOT a BETWEEN 1 AND 2 AND b = 3 ORDER BY 1;": (
        "SELECT a + 1 FROM t WHERE NOT a BETWEEN $1 AND $2 AND b = $3 ORDER BY 1;", (1, 2, 3),
    ),
    "SELECT a FROM t JOIN u ON t.a = u.a AND u.b < 7 WHERE ((a = 1) OR c != '')": (
        "SELECT a FROM t JOIN u ON t.a = u.a AND u.b < $1 WHERE ((a = $2) OR c != $3)", (7, 1, ""),
    ),
    "SELECT 'a = 1 AND ' FROM t WHERE b = date '2020-01-01' AND a = 1": (
        "SELECT 'a = 1 AND ' FROM t WHERE b = date '2020-01-01' AND a = $1", (1,),
    ),
    "UPDATE a.t SET x = x + -5, \"y = 7\" = 'z = 8', f=f*2.5 WHERE k=7 AND s = 'AND k = 9';": (
        'UPDATE a.t SET x = x + $1, "y = 7" = $2, f=f*$3 WHERE k=$4 AND s = $5;',
        (-5, "z = 8", 2.5, 7, "AND k = 9"),
    ),
    "delete from t where k = -0.0": ("delete from t where k = $1", (0.0,)),
}  # fmt: skip

LEFT_ALONE = [
    "UPDATE t SET a = a --5\n + 1 WHERE k = 5",
    "UPDATE t SET a = 5 + 3 WHERE k = 1",
    "UPDATE t SET a = 5 WHERE k = 1 OR k = 2",
    "UPDATE t SET a = 5 WHERE k = 1 RETURNING a",
    "UPDATE t SET a = 5 WHERE k = 1; DELETE FROM t WHERE k = 2",
    "UPDATE t SET a = 'it''s' WHERE k = 1",
    "UPDATE t SET a = 'x' 'y' WHERE k = 1",
    "UPDATE t SET a = E'x' WHERE k = 1",
    "UPDATE t SET a = 5::int WHERE k = 1",
    "UPDATE t SET a = 5",
    "UPDATE ONLY t SET a = 5 WHERE k = 1",
    "DELETE FROM t USING u WHERE k = 1",
    "DELETE FROM t WHERE k = 1 AND NOT j = 2",
    "SELECT 1",
    "SELECT a FROM t LIMIT 5",
    "SELECT a FROM t ORDER BY 1",
    "SELECT 'WHERE a = 5' FROM t",
    'SELECT "WHERE a = 5" FROM t',
    "INSERT INTO t SELECT a FROM t WHERE a = 5",
    "EXPLAIN SELECT a FROM t WHERE a = 5",
    "SELECT a FROM t WHERE a = $1 AND b = 5",
    "SELECT a FROM t WHERE a = 5 -- five",
    "SELECT a /* five */ FROM t WHERE a = 5",
    "SELECT a FROM t WHERE a = 5 AND b = E'\\n'",
    "SELECT a FROM t WHERE a = 'back\\slash'",
    "SELECT a FROM t WHERE a = $$5$$",
    "SELECT a FROM t WHERE a = 'it''s'",
    "SELECT a FROM t WHERE a = 'x'\n'y'",
    "SELECT a FROM t WHERE a = 5::smallint",
    "SELECT a FROM t WHERE a = 5 + b",
    "SELECT a FROM t WHERE a = -b",
    "SELECT a FROM t WHERE b + a = 5",
    "SELECT a FROM t WHERE f(a) = 5",
    "SELECT f(a => 5) FROM t",
    "SELECT a FROM t WHERE a = 5e3",
    "SELECT a FROM t WHERE a = 0x10",
    "SELECT a FROM t WHERE a = .5",
    "SELECT a FROM t WHERE a = 1234567890123456789",
    "SELECT a FROM t WHERE a = 0.1234567890",
    "SELECT a FROM t WHERE a BETWEEN 1 AND b",
    "SELECT a FROM t WHERE a BETWEEN SYMMETRIC 2 AND 1",
    "SELECT a FROM t WHERE a IN (1, 2)",
    "SELECT a FROM t WHERE a = 5 IS NULL",
    "SELECT a FROM t WHERE a = 'x' COLLATE \"C\"",
    "SELECT CASE WHEN a = 5 THEN 1 END FROM t",
    "SELECT (a = 5) FROM t GROUP BY (a = 5)",
    "SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING) FROM t",
    "SELECT a FROM t WHERE brand = x'05'",
    f"SELECT a FROM t WHERE {'a = 1 AND ' * (LONGEST_TEXT // 10)} a = 1",
]


@pytest.mark.parametrize("text", LIFTED)
def test_constants_of_conditions_are_lifted(text: str) -> None:
    found = lift(text)
    assert found is not None
    assert (found.shape, found.values) == LIFTED[text]
    names = {int: "int8", float: "float8", str: "text"}
    assert [kind.name for kind in found.types] == [names[type(value)] for value in found.values]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_others_stay(text: str) -> None:
    assert lift(text) is None


_WORDS = st.sampled_from(
    ["WHERE", "AND", "a", "=", "5", "'x'", "'", '"', '"b"', "BETWEEN", "(", ")", "-", "--", "/*",
     "$1", "<", "LIMIT", "2.5", "E'", "\n", ",", "''", ";"]
)  # fmt: skip


@given(words=st.lists(_WORDS, max_size=12), glue=st.sampled_from(["", " "]))
@example(words=["WHERE", "'", "$1", "'"], glue=" ")
def test_a_constant_is_a_token_of_the_text(words: list[str], glue: str) -> None:
    """Not a part of one, such as of a string: each `$n` is one of the shape, in its order."""
    text = f"SELECT a FROM t WHERE a = 1 AND {glue.join(words)}"
    found = lift(text)
    if found is None:
        return
    tokens = tokenize(found.shape)
    signs = [n for n, token in enumerate(tokens) if token.token_type == TokenType.PARAMETER]
    numbers = [int(tokens[n + 1].text) for n in signs]
    assert numbers == list(range(1, len(found.values) + 1))
    ends = [0, *(tokens[n + 1].end + 1 for n in signs)]
    starts = [*(tokens[n].start for n in signs), len(found.shape)]
    pieces = [found.shape[end:start] for end, start in zip(ends, starts, strict=True)]
    constants = (f"(-?{re.escape(str(v).strip('-'))}|'{re.escape(str(v))}')" for v in found.values)
    assert re.fullmatch("".join([re.escape(p) + c for p, c in zip(pieces, constants, strict=False)]
                                + [re.escape(pieces[-1])]), text)  # fmt: skip
