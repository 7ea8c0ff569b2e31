"""COPY TO STDOUT for the gateway and PostgreSQL 15: what goes out is compared byte by byte.

A list of selected rows, and the options under which each goes out.
"""

from __future__ import annotations

# Rows with all that a format has to escape, quote or leave alone.
_ROWS = (
    """SELECT * FROM (VALUES (1, 'plain', 1.5::float8, true), (2, '', NULL, false),
       (3, NULL, 'NaN'::float8, NULL), (-4, 'a,b', '-Infinity'::float8, true)) AS t(a, b, c, d)""",
    r"""SELECT * FROM (VALUES (E'tab\there'), (E'line\nfeed'), (E'car\rriage'), (E'back\\slash'),
       (E'\\N'), (E'\\.'), ('NULL'), ('null'), ('say "so"'), ('it''s'), (' lead'), ('trail '),
       ('a;b|c'), (E'\b\f\v\x01\x7f'), ('Größe 日本'), ('{1,2}'), ('"'), ('""'), ('')) AS t(b)""",
    """SELECT '2020-01-02'::date AS d, '04:05:06.789'::time AS t,
       '2020-01-02 03:04:05'::timestamp AS ts, '2020-01-02 03:04:05+00'::timestamptz AS tz,
       '1 mon -2 days 03:04:05.5'::interval AS i""",
    """SELECT 'infinity'::date AS d, '-infinity'::timestamp AS ts, 'infinity'::timestamptz AS tz,
       '0044-03-15 BC'::date AS bc, '12345-06-07 08:09'::timestamp AS far""",
    r"""SELECT '\\x00ff5c'::bytea AS y, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u,
       '{"a": [1, null]}'::json AS j, '{"a": 1}'::jsonb AS jb""",
    r"""SELECT ARRAY[1, NULL, 3]::int[] AS i,
       ARRAY['a b', NULL, '', 'q"u', E'b\\s', 'c,d']::text[] AS t,
       ARRAY[0.1, 'NaN']::float8[] AS f, '{}'::int[] AS e, '{{1,2},{3,4}}'::int[] AS m""",
    """SELECT 1::smallint AS i2, 2::bigint AS i8, 1e-8::float8 AS f, 1e20::float8 AS g,
       0.1::real AS r, 12.50::numeric(8,2) AS n, 'ab'::varchar(5) AS v, 'ab'::char(4) AS c""",
    """SELECT 1e23::float8 AS a, -2e23::float8 AS b, 8.41e21::float8 AS c,
       9007199254740993::float8 AS d, 5e-324::float8 AS e, 1e22::float8 AS f,
       3e10::real AS g, 16777216::real AS h""",
    "SELECT 1 AS a WHERE false",
    "SELECT generate_series(1, 3) AS n",
    "SELECT 'x' AS a, NULL AS b",
)  # fmt: skip
_OPTIONS = (
    "", "(FORMAT text, DELIMITER '|', NULL 'nil')", "(FORMAT text, DELIMITER ',', HEADER)",
    "CSV", "(FORMAT csv, HEADER)", "(FORMAT csv, FORCE_QUOTE *)",
    "(FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\\', NULL 'NULL')", "(FORMAT csv, NULL '')",
    "(FORMAT csv, QUOTE '|', DELIMITER E'\\t')", "BINARY",
)  # fmt: skip

OUT = [f"COPY ({rows}) TO STDOUT {options}" for rows in _ROWS for options in _OPTIONS] + [
    "COPY copied TO STDOUT",
    "COPY copied (c, a) TO STDOUT CSV HEADER",
    "COPY copied_one TO STDOUT (ENCODING 'LATIN1')",
    "COPY (SELECT 'Größe'::text) TO STDOUT (ENCODING 'LATIN1')",
    "COPY (SELECT '日本'::text) TO STDOUT (ENCODING 'LATIN1')",
    "COPY (INSERT INTO copied VALUES (1, 'x', 2) RETURNING a, b) TO STDOUT",
    "COPY (SELECT 1 AS a, 2 AS b) TO STDOUT (FORMAT csv, FORCE_QUOTE (b))",
    "COPY (SELECT 1 AS a, 2 AS a) TO STDOUT (FORMAT csv, FORCE_QUOTE (a))",
    "COPY (VALUES (1, 'a'), (2, 'b')) TO STDOUT WITH DELIMITER AS '!' NULL AS '-'",
    "COPY (SELECT 1 / n AS x FROM (VALUES (0)) AS t(n)) TO STDOUT",
]
