"""Statements whose columns and parameters are described; the answers are in described_types.json.

`SETUP` makes the table. `EXPRESSIONS` are items of SELECT lists over it, `STATEMENTS` stand by
themselves. `DIFFERENT` says where the gateway describes otherwise, and why.
"""

from __future__ import annotations

SETUP = """
DROP TABLE IF EXISTS described;
CREATE TABLE described (
    a int4, b int8, s int2, f float8, r float4, n numeric(10, 2), t text, v varchar(7),
    c char(3), o boolean, d date, m timestamp, z timestamptz, i interval, e time, y bytea,
    u uuid, j jsonb, k json, x int4[], w text[]
);
"""

# Group -> items of a SELECT list.
EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "literals": (
        "1", "-1", "0", "2147483647", "2147483648", "-2147483648", "-2147483649",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "-9223372036854775809", "(1)", "+1", "- 1", "-(2147483648)", "'x'", "NULL", "true",
        "ARRAY[1, 2]", "ARRAY[1, 2147483648]", "ARRAY['a', 'b']", "ARRAY[[1, 2], [3, 4]]",
        "ARRAY[a, b]", "date '2020-01-01'", "interval '1 day'", "timestamp '2020-01-01'",
        "timestamptz '2020-01-01 00:00+00'",
    ),
    "arithmetic": (
        "1 + 1", "1 + 2147483648", "1 - 1", "2 * 3", "7 / 2", "7 % 2", "2 ^ 3", "a + 1", "a + a",
        "a + b", "a + s", "s + s", "s + 1", "s * s", "b + 1", "b * b", "a / 2", "a % 2", "b % a",
        "-a", "-s", "-b", "+a", "a + f", "a + r", "r + r", "r * f", "s + f", "a * n", "n + n",
        "~a", "a & 1", "a | b", "a # s", "a << 2", "b >> 1", "s & s", "@ a", "abs(a)", "abs(b)",
        "abs(s)", "abs(f)", "mod(a, 2)", "mod(b, 2)", "gcd(a, 2)", "lcm(b, 2)", "a + 1 + b",
        "(a + 1) * (a - 1)",
    ),
    "dates": (
        "d - d", "d + 1", "d - 1", "d + interval '1 day'", "m - m", "m + i", "m - i", "z - z",
        "z + i", "i + i", "i * 2", "d - m", "i / 2", "date_trunc('day', m)",
        "date_trunc('day', z)", "date_part('year', m)", "age(m, m)", "z AT TIME ZONE 'UTC'",
        "m AT TIME ZONE 'UTC'", "e - e",
    ),
    "casts": (
        "1::int2", "1::int8", "'x'::varchar", "'x'::varchar(3)", "'x'::char(3)", "'x'::char",
        "'x'::bpchar", "'x'::text", "'x'::name", "'{}'::json", "'{}'::jsonb", "'x'::bytea",
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "1.5::numeric(4, 2)", "1.5::numeric(4)",
        "1::numeric", "t::varchar", "t::varchar(2)", "a::text", "b::int4", "f::int4", "f::int8",
        "f::int2", "f::real", "n::float8", "v::text", "t::char(5)", "'{1,2}'::int4[]", "a::bool",
        "'1 day'::interval", "'12:00'::time", "'x'::\"char\"", "a::numeric(12,3)", "t::jsonb",
    ),
    "columns": (
        "a", "b", "s", "f", "r", "n", "t", "v", "c", "o", "d", "m", "z", "i", "e", "y", "u", "j",
        "k", "x", "w", "x[1]", "w[1]", "x[1:2]", "(a)",
    ),
    "conditionals": (
        "coalesce(a, 0)", "coalesce(a, b)", "coalesce(s, 1)", "coalesce(v, 'x')",
        "coalesce(v, t)", "coalesce(NULL, 1)", "nullif(a, 0)", "nullif(b, 0)", "greatest(a, 1)",
        "least(a, b)", "greatest(s, s)", "CASE WHEN o THEN 1 ELSE 2 END",
        "CASE WHEN o THEN a ELSE b END", "CASE WHEN o THEN a END",
        "CASE WHEN o THEN 1 ELSE NULL END", "CASE WHEN o THEN s ELSE 1 END",
        "CASE WHEN o THEN 'a' ELSE 'b' END", "CASE WHEN o THEN v ELSE 'b' END",
        "CASE WHEN o THEN 1 ELSE f END", "CASE a WHEN 1 THEN 'one' END", "a = 1", "a IS NULL",
        "a IN (1, 2)", "a BETWEEN 1 AND 2", "NOT o", "a > b AND o", "a IS DISTINCT FROM 1",
    ),
    "functions": (
        "length(t)", "char_length(t)", "octet_length(t)", "bit_length(t)", "position('a' in t)",
        "strpos(t, 'a')", "ascii(t)", "upper(t)", "lower(v)", "t || 'x'", "v || 'x'", "t || 1",
        "substr(t, 1, 2)", "left(t, 2)", "repeat(t, 2)", "md5(t)", "chr(65)", "to_hex(255)",
        "replace(t, 'a', 'b')", "split_part(t, ',', 1)", "concat(t, a)", "trim(t)", "initcap(t)",
        "sqrt(4)", "sin(1)", "floor(1)", "floor(f)", "ceil(a)", "round(f)", "round(a)",
        "power(2, 3)", "exp(1)", "sign(a)", "pi()", "random()", "width_bucket(f, 0.0, 1.0, 4)",
        "array_length(x, 1)", "cardinality(x)", "array_upper(x, 1)", "array_append(x, 3)",
        "array_position(x, 3)", "array_to_string(x, ',')", "string_to_array(t, ',')",
        "num_nulls(a, b)", "to_char(a, '999')", "to_date('2020', 'YYYY')", "now()",
        "current_date", "current_timestamp", "localtimestamp", "pg_backend_pid()", "version()",
        "current_user", "gen_random_uuid()", "make_interval(days => 1)", "decode('00', 'hex')",
    ),
    "aggregates": (
        "count(*)", "count(a)", "sum(a)", "sum(s)", "sum(b)", "sum(f)", "sum(n)", "sum(1)",
        "sum(i)", "min(a)", "max(b)", "min(s)", "max(t)", "min(v)", "max(d)", "avg(f)",
        "array_agg(a)", "array_agg(t)", "bool_and(o)", "every(o)", "bit_and(a)",
        "string_agg(t, ',')", "count(*) + 1", "sum(a) + 1", "sum(a + 1)", "sum(DISTINCT a)",
        "sum(a) FILTER (WHERE o)", "stddev(f)", "corr(f, f)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY f)", "regr_count(f, f)", "max(a + 1)",
        "sum(a * 2)", "sum(length(t))",
    ),
    "windows": (
        "row_number() OVER ()", "rank() OVER (ORDER BY a)", "ntile(4) OVER (ORDER BY a)",
        "lag(a) OVER (ORDER BY a)", "lead(a, 1, 0) OVER (ORDER BY a)", "first_value(v) OVER ()",
        "sum(a) OVER ()", "sum(b) OVER ()", "count(*) OVER ()", "max(s) OVER ()",
        "percent_rank() OVER (ORDER BY a)",
    ),
    "subqueries": (
        "(SELECT 1)", "(SELECT max(a) FROM described)", "EXISTS (SELECT 1)",
        "(SELECT count(*) FROM described)", "(SELECT q.a + 1 FROM described q LIMIT 1)",
    ),
}  # fmt: skip

STATEMENTS: tuple[str, ...] = (
    "SELECT x FROM (SELECT 1 AS x) s",
    "SELECT generate_series(1, 3)",
    "SELECT unnest(x) FROM described",
    "SELECT x + 1 FROM (SELECT 1 AS x) s",
    "SELECT x FROM (VALUES (1), (2)) s(x)",
    "SELECT x FROM (VALUES (1), (2147483648)) s(x)",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) s",
    "VALUES (1), (2)",
    "VALUES (1, 'a', NULL), (2, 'b', true)",
    "VALUES (NULL), (1)",
    "SELECT 1 UNION SELECT 2",
    "SELECT 1 UNION ALL SELECT 2147483648",
    "SELECT NULL UNION ALL SELECT 1",
    "SELECT 'a' UNION ALL SELECT v FROM described",
    "SELECT v FROM described UNION ALL SELECT v FROM described",
    "SELECT a FROM described UNION ALL SELECT 1",
    "SELECT a FROM described EXCEPT SELECT b FROM described",
    "SELECT s FROM described INTERSECT SELECT s FROM described",
    "WITH q AS (SELECT 1 AS x, 'a' AS y) SELECT * FROM q",
    "WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM q WHERE n < 5) SELECT n FROM q",
    "WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM q WHERE n < 5)"
    " SELECT sum(n), count(*) FROM q",
    "SELECT * FROM generate_series(1, 3)",
    "SELECT * FROM generate_series(1, 3) AS g(x)",
    "SELECT x * x FROM generate_series(1, 3) AS g(x)",
    "SELECT * FROM generate_series(1, 2147483648)",
    "SELECT * FROM unnest(ARRAY[1, 2]) AS q(x)",
    "SELECT a, count(*) AS n, sum(b) FROM described GROUP BY a",
    "SELECT DISTINCT a, v FROM described",
    "SELECT l.a, r.b FROM described l LEFT JOIN described r USING (a)",
    "SELECT * FROM described",
    "SELECT t.* FROM described t",
    "TABLE described",
    "INSERT INTO described (a, b) VALUES (1, 2) RETURNING a, b, a + b, 1, v",
    "UPDATE described SET a = 1 RETURNING a, s, 'x'",
    "DELETE FROM described RETURNING *",
)

# The engine reckons with doubles where PostgreSQL has numeric (docs/sql.md), and these besides.
DIFFERENT: dict[str, str] = {
    "a + r": "an integer and a real give a real",
}
