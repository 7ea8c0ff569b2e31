"""Statements that would take a server down, or keep it for ever, and what each is answered with.

A row is a name, the statement, and its SQLSTATE; "" where it has an answer. Those of 57014, the
timeout, would not end by themselves.
"""

from __future__ import annotations

_MILLION = "generate_series(1, 1000000)"
_ENDLESS = "generate_series(1, 1000000000000)"
_NAMES = ", ".join(f"c{n}" for n in range(20))
_TWENTY = "SELECT " + ", ".join(f"1 AS c{n}" for n in range(20))
_DOUBLED = "SELECT cardinality(t) FROM " + "(SELECT t || t AS t FROM " * 40
_DOUBLED_TEXT = "SELECT length(t) FROM " + "(SELECT t || t AS t FROM " * 40
_ALL_A = "'" + "a" * 40 + "!'"

BOMBS: tuple[tuple[str, str, str], ...] = (
    # too much to plan
    ("UNION ALL of 3,500", " UNION ALL ".join(f"SELECT {n}" for n in range(3500)), "54001"),
    ("a sum of 5,000", "SELECT " + "+".join(["1"] * 5000), "54001"),
    ("IN of 100,000", "SELECT 1 WHERE 1 IN (" + ",".join(map(str, range(100_000))) + ")", "54001"),
    ("parentheses", "SELECT " + "(" * 2000 + "1" + ")" * 2000, ""),
    ("NOT NOT", "SELECT " + "NOT " * 20_000 + "true", "54001"),
    ("signs", "SELECT " + "- " * 20_000 + "1", "54001"),
    ("CASE in CASE", "SELECT " + "CASE WHEN true THEN " * 3000 + "1" + " END" * 3000, "54001"),
    ("arrays in arrays", "SELECT " + "ARRAY[" * 2000 + "1" + "]" * 2000, "54001"),
    ("subscripts in subscripts", "SELECT " + "a[" * 2000 + "1" + "]" * 2000, "54001"),
    (
        "subqueries",
        "SELECT * FROM " + "(SELECT * FROM " * 500 + "(SELECT 1) t" + ") t" * 500,
        "",
    ),
    ("VALUES of 30,000", "SELECT * FROM (VALUES " + ",".join(["(1)"] * 30_000) + ") AS t", "54001"),
    ("a text of an array of 50,000", "SELECT '{" + ",".join(["1"] * 50_000) + "}'::int[]", ""),
    ("an array's text, deep", "SELECT '" + "{" * 100_000 + "}" * 100_000 + "'::int[]", "54000"),
    ("1,700 columns", "SELECT " + ",".join(["1"] * 1700), "54011"),
    ("a CUBE of 20", f"SELECT 1 FROM ({_TWENTY}) AS t GROUP BY CUBE ({_NAMES})", "54011"),
    (
        "a product of ROLLUPs",
        f"SELECT 1 FROM ({_TWENTY}) AS t GROUP BY "
        + ", ".join(f"ROLLUP (c{n})" for n in range(20)),
        "54001",
    ),
    ("300 cross joins",
     "SELECT count(*) FROM " + ", ".join(f"(SELECT {n} AS x) AS t{n}" for n in range(300)),
     "54001"),
    ("60 joins", "SELECT count(*) FROM (SELECT 1 AS a) AS t0"
     + "".join(f" JOIN (SELECT 1 AS a) AS t{n} ON t{n}.a = t{n - 1}.a" for n in range(1, 60)), ""),
    ("comments in comments", "/*" * 100_000 + "*/" * 100_000 + " SELECT 1", "42601"),
    (
        "WITH that doubles",
        "WITH a0 AS (SELECT 1 AS x)"
        + "".join(f", a{n} AS (TABLE a{n - 1} UNION ALL TABLE a{n - 1})" for n in range(1, 40))
        + " SELECT count(*) FROM a39",
        "54001",
    ),
    ("a long text", "SELECT '" + "x" * 2**20 + "'", "54001"),
    ("json", "SELECT '" + "[" * 100_000 + "]" * 100_000 + "'::json", "54001"),
    ("jsonb", "SELECT (repeat('[', 1000) || repeat(']', 1000))::jsonb IS NULL", ""),
    ("jsonb, deep", "SELECT (repeat('[', 10000) || repeat(']', 10000))::jsonb IS NULL", "54001"),
    ("jsonb, open", "SELECT repeat('[', 10000000)::jsonb", "54001"),
    (
        "objects of jsonb",
        """SELECT (repeat('{"a":', 20000) || '1' || repeat('}', 20000))::jsonb IS NULL
        FROM generate_series(1, 3)""",
        "54001",
    ),
    (
        "jsonb in jsonb",
        "WITH RECURSIVE r AS (SELECT 1 AS n, '1'::jsonb AS v"
        " UNION ALL SELECT n + 1, jsonb_build_array(v) FROM r WHERE n < 3000)"
        " SELECT v @> v FROM r WHERE n = 3000",
        "54001",
    ),
    ("UNION ALL of 900", " UNION ALL ".join(["SELECT n FROM generate_series(1, 9) AS s(n)"] * 900),
     "54001"),
    ("AND of 20,000", "SELECT 1 WHERE " + " AND ".join(["1 > 0"] * 20_000), "54001"),
    ("calls in calls", "SELECT " + "abs(" * 3000 + "1" + ")" * 3000, "54001"),
    ("a product of 60", "SELECT " + "*".join(["a"] * 60) + " FROM (SELECT 1.5::float8 AS a) AS t",
     ""),
    (
        "the derivative of a product of 60",
        "SELECT grad(" + "*".join(f"c{n}" for n in range(60)) + ", c0) FROM (SELECT "
        + ", ".join(f"1.0::float8 AS c{n}" for n in range(60)) + ") AS t",
        "",
    ),
    # much of little
    ("repeat", "SELECT length(repeat('x', 2000000000))", "53200"),
    (
        "repeat for each row",
        f"SELECT max(repeat('x', 10000000 + n::int)) FROM {_MILLION} AS t(n)",
        "53200",
    ),
    ("lpad", "SELECT length(lpad('x', 2000000000))", "53200"),
    ("rpad", "SELECT length(rpad('x', 2000000000, 'ab'))", "53200"),
    ("char(n)", "SELECT length('x'::char(2000000000))", "22023"),
    ("format", "SELECT length(format('%2000000000s', 'x'))", "53200"),
    ("a numeral of 1,000,000 digits", "SELECT repeat('9', 1000000)::numeric", "22003"),
    ("of a fraction", "SELECT ('0.' || repeat('9', 3000000))::numeric", "22003"),
    ("in an array", "SELECT ARRAY[repeat('9', 3000000)]::numeric[]", "22003"),
    ("in two dimensions", "SELECT ARRAY[ARRAY[repeat('9', 3000000)]]::numeric(9, 2)[]", "22003"),
    ("of an aggregate", "SELECT array_agg(repeat('9', 3000000))::numeric[]", "22003"),
    ("a numeral of 100,000 digits", "SELECT ('1' || repeat('0', 100000))::numeric", "22003"),
    (
        "regexp_matches",
        "SELECT count(*) FROM regexp_matches(repeat('a', 1000000), 'a', 'g')",
        "",
    ),
    ("replace", "SELECT replace(repeat('x', 100000), 'x', repeat('y', 100000))", "53200"),
    (
        "regexp_replace",
        "SELECT regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g')",
        "53200",
    ),
    ("array_repeat", "SELECT array_repeat(1, 2000000000)", "53200"),
    ("array_resize", "SELECT array_resize(ARRAY[1], 2000000000, 0)", "53200"),
    (
        "arrays that double",
        _DOUBLED + "(SELECT ARRAY[1, NULL] AS t) AS q" + ") AS q" * 40,
        "53200",
    ),
    (
        "recursion that doubles an array",
        "WITH RECURSIVE r(a, n) AS (SELECT ARRAY[1], 1 UNION ALL SELECT a || a, n + 1 FROM r"
        " WHERE n < 40) SELECT max(n) FROM r",
        "53200",
    ),
    (
        "texts that double",
        _DOUBLED_TEXT + "(SELECT repeat('x', 1000 + n::int) AS t FROM generate_series(1, 3) AS s(n)"
        ") AS q" + ") AS q" * 40,
        "53200",
    ),
    (
        "a constant text that doubles",
        _DOUBLED_TEXT + "(SELECT 'x' AS t) AS q" + ") AS q" * 40,
        "53200",
    ),
    (
        "concat that doubles",
        _DOUBLED_TEXT.replace("t || t", "concat(t, t)") + "(SELECT repeat('x', n::int) AS t"
        " FROM generate_series(1, 3) AS s(n)) AS q" + ") AS q" * 40,
        "53200",
    ),
    (
        "recursion that doubles a text",
        "WITH RECURSIVE r(t, n) AS (SELECT 'x'::text, 1 UNION ALL SELECT t || t, n + 1 FROM r"
        " WHERE n < 40) SELECT max(n) FROM r",
        "53200",
    ),
    (
        "large texts beside each other",
        "SELECT length(" + " || ".join(["repeat('x', 200000000)"] * 12) + ")",
        "53200",
    ),
    ("range", "SELECT range(1, 10000000000)", "53200"),
    ("a series in SELECT", "SELECT generate_series(1, 10000000000)", "53200"),
    (
        "a series of moments",
        "SELECT generate_series(timestamp '2000-01-01', '2001-01-01', '1 microsecond')",
        "53200",
    ),
    (
        "a series of moments too early to be counted in nanoseconds",
        "SELECT count(*) FROM generate_series(timestamp '1500-01-01', '1500-01-03', '1 day') AS s",
        "0A000",
    ),
    (
        "a constant series beside rows",
        "SELECT max(g) FROM (SELECT generate_series(1, 10000000) AS g FROM"
        " generate_series(1, 9000)) AS q",
        "53200",
    ),
    (
        "a constant array beside rows",
        "SELECT count(*) FROM (SELECT unnest(array_fill(1, ARRAY[1000000])) FROM"
        " generate_series(1, 9000)) AS q",
        "53200",
    ),
    (
        "a constant text beside rows",
        "SELECT max(t) FROM (SELECT repeat('x', 10000000) AS t FROM generate_series(1, 9000)) AS q",
        "53200",
    ),
    (
        "repeat in repeat",
        "SELECT length(" + "repeat(" * 40 + "t" + ", 2)" * 40 + ") FROM (VALUES ('xy'), ('z'))"
        " AS v(t)",
        "53200",
    ),
    (
        "lpad in lpad",
        "SELECT length(lpad(lpad(t, 2000000000), 2000000000)) FROM (VALUES ('xy')) AS v(t)",
        "53200",
    ),
    (
        "concat in concat",
        "SELECT max(length(" + "concat(" * 25 + "t" + ", t, t)" * 25 + ")) FROM (SELECT repeat('y',"
        " n::int) AS t FROM generate_series(1, 3) AS s(n)) AS q",
        "",
    ),
    (
        "overlay in overlay",
        "SELECT length(" + "overlay(" * 25 + "t" + " placing 'zz' from 1 for 0)" * 25
        + ") FROM (VALUES ('x'), ('y')) AS v(t)",
        "",
    ),
    (
        "coalesce in coalesce",
        "SELECT max(" + "coalesce(abs(" * 12 + "n" + "), 1)" * 12 + ") FROM generate_series(1, 9)"
        " AS s(n)",
        "54001",
    ),
    (
        "replace in replace for each row",
        "SELECT max(length(" + "replace(" * 30 + "n::text" + ", '1', '12')" * 30
        + f")) FROM {_MILLION} AS t(n)",
        "57014",
    ),
    (
        "regexp_replace in regexp_replace for each row",
        "SELECT max(length(" + "regexp_replace(" * 14 + "n::text" + r", '(.)', '\1\1', 'g')" * 14
        + f")) FROM {_MILLION} AS t(n)",
        "57014",
    ),
    (
        "an array of 50,000 beside rows",
        "SELECT count(*) FROM (SELECT unnest(ARRAY(SELECT g FROM generate_series(1, 50000) AS g))"
        " FROM generate_series(1, 9000)) AS q",
        "57014",
    ),
    (
        "a text of 900 kB beside rows",
        "SELECT max(length('" + "z" * 900_000 + f"' || n::text)) FROM {_MILLION} AS s(n)",
        "57014",
    ),
    ("arrays of arrays", "SELECT cardinality(array_fill(1, ARRAY[1000, 1000, 1000]))", "53200"),
    (
        "an array of each row",
        "SELECT count(array_fill(n, ARRAY[1000000])) FROM generate_series(1, 9000) AS s(n)",
        "53200",
    ),
    (
        "lpad of each row",
        "SELECT max(lpad(n::text, 1000000)) FROM generate_series(1, 9000) AS s(n)",
        "53200",
    ),
    (
        "lpad in WHERE",
        "SELECT 1 FROM generate_series(1, 9000) AS s(n) WHERE lpad(n::text, 1000000) > 'x'",
        "53200",
    ),
    (
        "format that repeats what it is given",
        "SELECT length(format('" + "%1$s" * 5000 + "', repeat(t, 1000000))) FROM (VALUES ('x'))"
        " AS v(t)",
        "53200",
    ),
    ("a power of numerics", "SELECT 2::numeric ^ 1000000", "22003"),
    ("factorial", "SELECT factorial(100000)", "22003"),
    ("an offset of all there is", "SELECT 1 OFFSET 9223372036854775807", ""),
    # more memory than there is
    ("array_agg", "SELECT array_agg(n) FROM generate_series(1, 50000000) AS t(n)", "53200"),
    (
        "string_agg",
        f"SELECT length(string_agg(repeat('x', 10000), '')) FROM {_MILLION} AS t(n)",
        "53200",
    ),
    # no end
    ("a series", f"SELECT sum(n) FROM {_ENDLESS} AS t(n)", "57014"),
    ("a cross join", f"SELECT count(*) FROM {_MILLION} AS a(n), {_MILLION} AS b(m)", "57014"),
    (
        "a cross join to sort",
        f"SELECT a.n FROM {_MILLION} AS a(n), {_MILLION} AS b(m) ORDER BY n + m LIMIT 3",
        "57014",
    ),
    (
        "a cross join to write",
        f"CREATE TABLE made AS SELECT DISTINCT n + m FROM {_MILLION} AS a(n) LEFT JOIN {_MILLION}"
        " AS b(m) ON n > 5",
        "57014",
    ),
    (
        "a join by keys that are all alike",
        f"SELECT count(*) FROM {_MILLION} AS a(n) JOIN {_MILLION} AS b(m) ON n % 2 = m % 2",
        "57014",
    ),
    (
        "a join by no key",
        f"SELECT count(*) FROM {_MILLION} AS a(n) JOIN {_MILLION} AS b(m) ON n + m = 7",
        "57014",
    ),
    (
        "recursion",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT count(*) FROM r",
        "57014",
    ),
    (
        "recursion that doubles",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + d FROM r, (VALUES (0), (1)) AS x(d))"
        " SELECT count(*) FROM r",
        "57014",
    ),
    # regular expressions
    ("a pattern that refers back", r"SELECT repeat('a', 3000) ~ '(a*)(a*)\1\2b'", "2201B"),
    ("a LIKE that backtracks", "SELECT repeat('a', 10000) LIKE '" + "%a" * 1000 + "b'", ""),
    ("a split that backtracks",
     f"SELECT count(*) FROM regexp_split_to_table({_ALL_A}, '(a+)+b')", ""),
    ("a regular expression that backtracks", f"SELECT {_ALL_A} ~ '^(a+)+$'", ""),
    ("a regular expression that is large", "SELECT 'a' ~ '((a{1000}){1000}){1000}'", "22023"),
    # by way of the catalogue
    (
        "repeat in the catalogue",
        "SELECT sum(length(repeat(relname::text, 2000000000))) FROM pg_class",
        "53200",
    ),
    ("lpad in the catalogue", "SELECT lpad(relname, 2000000000, 'x') FROM pg_class", "53200"),
    (
        "replace in the catalogue",
        "SELECT replace(repeat('x', 100000), 'x', repeat(relname, 1000)) FROM pg_class",
        "53200",
    ),
    (
        "quote_literal in quote_literal in the catalogue",
        "SELECT max(length(" + "quote_literal(" * 25 + "'''''' || relname" + ")" * 25
        + ")) FROM pg_class",
        "53200",
    ),
    (
        "a series in the catalogue",
        "SELECT generate_series(1, 10000000000), relname FROM pg_class",
        "53200",
    ),
    (
        "a list in the catalogue",
        "SELECT array_agg(a.oid) FROM pg_proc a, pg_proc b, pg_proc c",
        "53200",
    ),
    ("rows of the catalogue", "SELECT a.*, b.* FROM pg_proc a, pg_proc b", "53200"),
    ("a cross join of the catalogue", "SELECT count(*) FROM pg_proc a, pg_proc b, pg_proc c",
     "57014"),
    ("recursion in the catalogue",
     "WITH RECURSIVE r(n) AS (SELECT oid FROM pg_class UNION ALL SELECT n FROM r)"
     " SELECT count(*) FROM r", "57014"),
    ("a function of the catalogue beside a long series",
     f"SELECT count(format_type(n::int, NULL)) FROM {_ENDLESS} AS t(n)", "53200"),
)  # fmt: skip
