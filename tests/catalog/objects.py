"""Objects of every kind, made alike on the gateway and on PostgreSQL."""

from __future__ import annotations

OBJECTS = (
    "CREATE TABLE t (id serial PRIMARY KEY, a int NOT NULL DEFAULT 5, b varchar(10) DEFAULT 'x',"
    " c numeric(5,2) UNIQUE, d text[], e timestamptz DEFAULT now(), f date, CHECK (a > 0))",
    "CREATE TABLE child (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " t_id int REFERENCES t(id) ON DELETE CASCADE, note text NOT NULL, x float8 DEFAULT 1.5,"
    " CONSTRAINT positive CHECK (x >= 0 AND note <> 'bad'))",
    "CREATE VIEW v AS SELECT id, a, b FROM t",
    "CREATE SCHEMA other",
    'CREATE TABLE other."Mixed Case" ("A b" int, "select" text)',
    "CREATE INDEX child_note ON child (note)",
    "CREATE UNIQUE INDEX t_f ON t (f)",
    "CREATE SEQUENCE seq START 10 INCREMENT 5",
    "COMMENT ON TABLE t IS 'a table'",
    "COMMENT ON COLUMN t.a IS 'number'",
    "CREATE FUNCTION twice(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'select x * 2'",
    "CREATE MATERIALIZED VIEW mv AS SELECT id FROM t",
    "CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
)
UNMADE = (
    "DROP MATERIALIZED VIEW mv", "DROP VIEW v", "DROP TABLE child, t, g",
    "DROP SCHEMA other CASCADE", "DROP SEQUENCE seq", "DROP FUNCTION twice(float8)",
)  # fmt: skip
