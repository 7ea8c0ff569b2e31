"""Every kind of refusal the engine knows, with the SQLSTATE and message a client gets."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from gateway.engine.faults import FAULTS, as_gateway_error, first_line, translated
from gateway.errors import DatasetUnreadable, GatewayError, InternalError
from tests.engine.tables import T, table

# fmt: off
REFUSED = [
    # statement over public.t (x bigint, f double precision, s text), SQLSTATE, message
    ("SELECT 1 AS v FROM public.nowhere", "42P01", 'relation "public.nowhere" does not exist'),
    ("SELECT 1 AS v FROM ncep.t", "42P01", 'relation "ncep.t" does not exist'),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT a.n FROM r a, r b) SELECT n FROM r",
     "0A000", "a recursive query that reads its own rows more than once is not supported"),
    ("SELECT * FROM foo(1)", "42883", "function foo does not exist"),
    ("SELECT y FROM public.t", "42703", "column y does not exist"),
    ('SELECT "a.b c" FROM public.t', "42703", 'column "a.b c" does not exist'),
    ("SELECT q.x FROM public.t", "42703", "column q.x does not exist"),
    ("SELECT x.y FROM public.t", "42809",
     "column notation is applied to what is not a composite type"),
    ("SELECT x FROM public.t a, public.t b", "42702", "column reference x is ambiguous"),
    ("SELECT * FROM public.t a, public.t a", "42712", 'table name "a" specified more than once'),
    ("SELECT sine(x) AS v FROM public.t", "42883", "function sine does not exist"),
    ("SELECT sin() AS v", "42883", "function sin() does not exist"),
    ("SELECT sin(x, f) AS v FROM public.t", "42883",
     "function sin(bigint, double precision) does not exist"),
    ("SELECT sum(s) AS v FROM public.t", "42883", "function sum(text) does not exist"),
    ("SELECT x + s AS v FROM public.t", "42883", "operator does not exist: bigint + text"),
    ("SELECT 'a' LIKE 1 AS v", "42883", "operator does not exist: text LIKE bigint"),
    ("SELECT CAST(x AS geometry) AS v FROM public.t", "42704", 'type "geometry" does not exist'),
    ("SELECT x, x FROM public.t", "42701", None),
    ("SELECT x FROM public.t WHERE", "42601", "syntax error: Expected: an expression, found: EOF"),
    ("SELEC 1", "42601", "syntax error: Expected: an SQL statement, found: SELEC"),
    ("SELECT 'a", "42601", "syntax error: Unterminated string literal"),
    ("VALUES (1), (2, 3)", "42601", "VALUES lists must all be the same length"),
    ("SELECT 1 AS a UNION SELECT 1 AS a, 2 AS b", "42601",
     "each UNION query must have the same number of columns"),
    ("SELECT x IN (SELECT x, f FROM public.t) AS v FROM public.t", "42601",
     "subquery must return only one column"),
    ("SELECT x, count(*) AS c FROM public.t", "42803",
     'column "public.t.x" must appear in the GROUP BY clause or be used in an aggregate function'),
    ("SELECT x FROM public.t HAVING x > 1", "42803", None),
    ("SELECT 1 AS v FROM public.t WHERE count(*) > 1", "42803", None),
    ("SELECT sum(sum(x)) AS v FROM public.t", "42803", None),
    ("SELECT ntile(0) OVER (ORDER BY x) AS v FROM public.t", "22014", None),
    ("SELECT x FROM public.t ORDER BY 5", "42P10", "ORDER BY position 5 is not in select list"),
    ("SELECT x FROM public.t GROUP BY 5", "42P10", None),
    ("SELECT x FROM public.t LIMIT -1", "2201W", "LIMIT must not be negative"),
    ("SELECT x FROM public.t OFFSET -1", "2201X", "OFFSET must not be negative"),
    ("SELECT x FROM public.t LIMIT 'a'", "42804", "argument of LIMIT must be type bigint"),
    ("SELECT x FROM public.t WHERE s", "42804",
     "argument of WHERE must be type boolean, not type text"),
    ("SELECT unnest(x) AS v FROM public.t", "42883", None),
    ("SELECT (SELECT x FROM public.t) AS v", "21000",
     "more than one row returned by a subquery used as an expression"),
    ("SELECT $1 + x AS v FROM public.t", "42P02", "there is no parameter $1"),
    ("SELECT 1 / 0 AS v", "22012", "division by zero"),
    ("SELECT 1 / x AS v FROM public.t", "22012", "division by zero"),
    ("SELECT x % 0 AS v FROM public.t", "22012", "division by zero"),
    ("SELECT sqrt(f) AS v FROM public.t", "2201F",
     "cannot take square root of a negative number"),
    ("SELECT power(0, -1) AS v", "2201F", None),
    ("SELECT CAST('abc' AS int) AS v", "22P02", 'invalid input syntax for type integer: "abc"'),
    ("SELECT CAST(s AS double precision) AS v FROM public.t", "22P02",
     'invalid input syntax for type double precision: "a"'),
    ("SELECT CAST('Int64' AS int) AS v", "22P02",
     'invalid input syntax for type integer: "Int64"'),
    ("SELECT CAST('abc' AS timestamp) AS v", "22007",
     'invalid input syntax for type timestamp: "abc"'),
    ("SELECT CAST('2020-13-01' AS date) AS v", "22007",
     'invalid input syntax for type date or time: "2020-13-01"'),
    ("SELECT INTERVAL '1 foo' AS v", "22007", 'invalid input syntax for type interval: "1 foo"'),
    ("SELECT make_date(2020, 13, 1) AS v", "22008", None),
    ("SELECT CAST(1e30 AS int) AS v", "22003", "integer out of range"),
    ("SELECT CAST(70000 AS smallint) AS v", "22003",
     "smallint out of range"),
    ("SELECT abs(-9223372036854775808) AS v", "22003", None),
    ("SELECT factorial(100) AS v", "22003", None),
    ("SELECT regexp_like('a', '(') AS v", "2201B",
     "invalid regular expression: parentheses () not balanced"),
    ("SELECT substr('abc', 1, -1) AS v", "22011",
     "negative substring length not allowed"),
    ("SELECT date_trunc('foo', now()) AS v", "22023", None),
    ("DROP TABLE public.t", "0A000", "the query engine runs queries only, not DropTable"),
    ("SELECT 1; SELECT 2", "0A000", None),
    ("SELECT * FROM public.t, LATERAL (SELECT t.x AS y) q", "0A000",
     "a subquery cannot refer to the query around it in this place"),
    ("SELECT (SELECT f FROM public.t b WHERE b.x = a.x) AS v FROM public.t a", "0A000",
     "a correlated subquery must be an aggregate, to give one row at most"),
    ("SELECT (SELECT max(f) FROM public.t b WHERE b.x < a.x) AS v FROM public.t a", "0A000",
     "this form of correlated subquery is not supported"),
    ("SELECT a.x FROM public.t a JOIN public.t b ON EXISTS (SELECT 1 FROM public.t c "
     "WHERE c.x = a.x)", "0A000", "this form of correlated subquery is not supported"),
    ("SELECT x IN (SELECT x FROM public.t) AS v FROM public.t", "0A000",
     "IN, ANY and ALL over a subquery are supported in WHERE alone"),
    ("SELECT CASE WHEN EXISTS (SELECT 1 FROM public.t b WHERE b.x = a.x) THEN 1 END AS v"
     " FROM public.t a", "0A000",
     "EXISTS, and ANY or ALL over a subquery, are not supported in this place"),
]
# fmt: on


@pytest.mark.parametrize(("sql", "code", "message"), REFUSED, ids=[sql for sql, _, _ in REFUSED])
def test_a_refusal_has_its_sqlstate_and_message(rows, sql, code, message) -> None:
    stored = table(x=[1, 2, 0], f=[1.0, -1.0, 0.0], s=["a", "b", "c"])
    with pytest.raises(GatewayError) as refused:
        rows(sql, stored)
    assert refused.value.code == code
    assert message is None or str(refused.value) == message
    assert not re.search(r"DataFusion|Error during|caused by|\{ |\n", str(refused.value))


def test_a_suggestion_of_the_engine_is_the_hint(rows) -> None:
    with pytest.raises(GatewayError) as refused:
        rows("SELECT sqtr(2.0) AS v")
    assert refused.value.hint == "Did you mean 'sqrt'?"


def test_a_subquery_that_is_refused_can_be_a_join(rows) -> None:
    sql = "SELECT (SELECT max(x) FROM public.t b WHERE b.x < a.x) AS v FROM public.t a"
    with pytest.raises(GatewayError) as refused:
        rows(sql, table(x=[1]))
    assert refused.value.hint == "Write it as a join."


def test_a_sort_without_room_names_the_gateways_setting() -> None:
    error = as_gateway_error(
        Exception(
            "DataFusion error: Not enough memory to continue external sort. Consider increasing the"
            " memory limit config: 'datafusion.runtime.memory_limit', or decreasing the config:"
            " 'datafusion.execution.sort_spill_reservation_bytes'"
        )
    )
    assert (error.code, str(error)) == ("53200", "not enough memory to sort so large rows")
    assert "memory_bytes" in error.hint


# Texts the tests cannot provoke, as the engine and its binding write them.
TEXTS = [
    (Exception("DataFusion error: Compute error: byte array offset overflow"), "53200"),
    (Exception("DataFusion error: IO error: No space left on device (os error 28)"), "53100"),
    (Exception("DataFusion error: Resources exhausted: Failed to allocate 12 B for x"), "53200"),
    (ValueError('SQL error: ParserError("RecursionLimitExceeded")'), "54001"),
    (ValueError("SQL error: RecursionLimitExceeded"), "54001"),
    (ValueError("This feature is not implemented: QUALIFY"), "0A000"),
    (Exception("DataFusion error: Internal error: Bug.\nThis issue was likely caused by"), "XX000"),
    (Exception("DataFusion error: External error: Python error PyErr { type: x }"), "XX000"),
    (Exception("DataFusion error: Execution error: some new text"), "22023"),
    (Exception("DataFusion error: Unable to represent 9 months in a signed 32-bit"), "22015"),
    (Exception("frame offsets for ROWS / GROUPS must be non negative integers"), "22013"),
    (Exception("Error during planning: Window function calls are not allowed here"), "42P20"),
    (ValueError("Error during planning: some new text"), "0A000"),
    (Exception("something else"), "XX000"),
    (Exception(""), "XX000"),
    (MemoryError(), "53200"),
]


@pytest.mark.parametrize(("error", "code"), TEXTS, ids=lambda value: str(value)[:40])
def test_a_text_has_its_sqlstate(error: Exception, code: str) -> None:
    refused = as_gateway_error(error)
    assert refused.code == code
    assert str(refused)


class Panic(BaseException):
    """Stands for the binding's PanicException."""


def test_a_panic_ends_its_statement_only() -> None:
    with pytest.raises(InternalError, match="index out of bounds"), translated([]):
        raise Panic("index out of bounds")


@pytest.mark.parametrize("passing", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_not_the_engines_passes(passing: type[BaseException]) -> None:
    with pytest.raises(passing), translated([]):
        raise passing


def test_an_older_failure_does_not_explain_a_new_one() -> None:
    kept: list[GatewayError] = [DatasetUnreadable("chunk 3")]
    with pytest.raises(InternalError), translated(kept):
        raise Exception("DataFusion error: Internal error: chunk of memory")
    assert kept == []


def test_a_long_text_is_cut() -> None:
    assert len(first_line("Error during planning: " + "x" * 100_000)) == 500


def test_a_batch_of_another_type_than_promised_ends_its_statement_only(rows) -> None:
    lying = table(x=[1])
    lying.parts[0].scan = lambda *_: iter([pa.record_batch({"x": ["a"]})])
    with pytest.raises(GatewayError) as refused:
        rows("SELECT x FROM public.t", {T: lying})
    assert refused.value.code == "XX000"
    assert rows("SELECT 1 AS v") == [(1,)]


def test_every_row_of_the_table_is_provoked_by_a_test() -> None:
    """A row that nothing provokes may be out of date with the engine; these are the ones waived."""
    waived = {"DML", "RecursionLimit", "placeholder with id", "WITH query name"}
    assert all(row.error.code for row in FAULTS)
    unseen = [
        row.pattern
        for row in FAULTS
        if row.error.code not in {code for _, code, _ in REFUSED} | {code for _, code in TEXTS}
        and not any(word in row.pattern for word in waived)
    ]
    assert unseen == []
