"""Objects of every kind, made alike on the gateway and on PostgreSQL."""

from __future__ import annotations

OBJECTS = (
    "CREATE TABLE t (id serial PRIMARY KEY, a int NOT NULL DEFAULT 5, b varchar(10) DEFAULT 'x',"
    " c numeric(5,2) UNIQUE, d text[], e timestamptz DEFAULT now(), f date, CHECK (a > 0))",
    "CREATE TABLE child (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " t_id int REFERENCES t(id) ON DELETE CASCADE, note text NOT NULL, x float8 DEFAULT 1.5,"
    " CONSTRAINT positive CHECK (x >= 0 AND note <> 'bad'))",
    "CREATE VIEW v AS SELECT id, a, b FROM t",
    "ALTER VIEW v ALTER a SET DEFAULT 7",
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
    "CREATE TABLE big (id bigserial PRIMARY KEY, ts timestamptz(3) NOT NULL DEFAULT now(),"
    " price numeric(12,4) CHECK (price >= 0), tags text[] DEFAULT '{}',"
    " j jsonb DEFAULT '{\"k\":  [1]}', u uuid UNIQUE,"
    " by bytea, iv interval DEFAULT '1 day 2:00', ti time, c char(3),"
    " vc varchar CHECK (vc IN ('a', 'b') OR vc IS NULL),"
    " sm smallint DEFAULT 1 CHECK (sm BETWEEN 0 AND 9), r real, ok boolean DEFAULT '1')",
    "CREATE TABLE part_of (a int, b int, c text, PRIMARY KEY (a, b), UNIQUE (c))",
    "CREATE TABLE refers (x int, y int, z text REFERENCES part_of(c) ON UPDATE SET NULL ON DELETE"
    " SET DEFAULT DEFERRABLE INITIALLY DEFERRED, FOREIGN KEY (x, y) REFERENCES part_of MATCH FULL)",
    "CREATE VIEW other.vw AS SELECT c.note, t.b FROM child c JOIN t ON t.id = c.t_id WHERE c.x > 1",
    "COMMENT ON SCHEMA other IS 'the other one'",
    "COMMENT ON VIEW v IS 'a view'",
    "COMMENT ON FUNCTION twice(float8) IS 'doubles'",
    "CREATE INDEX big_lower ON big (lower(vc), ts DESC)",
    "CREATE INDEX big_sum ON big ((sm + 1), price DESC NULLS LAST, c NULLS FIRST)",
    "CREATE INDEX big_part ON big (sm) WHERE ok AND r > 1",
    "COMMENT ON SEQUENCE seq IS 'numbers'",
    "COMMENT ON MATERIALIZED VIEW mv IS 'kept'",
    "CREATE TYPE other.colour AS ENUM ('red', 'dark green')",
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE DOMAIN other.amount AS numeric(8,2) DEFAULT 0 CONSTRAINT not_less CHECK (VALUE >= 0)",
    "CREATE DOMAIN brief AS varchar(5) NOT NULL CHECK (VALUE <> '' AND length(VALUE) > 1)",
    "CREATE DOMAIN briefer AS brief CHECK (length(VALUE) < 4)",
    "CREATE TABLE painted (c other.colour PRIMARY KEY DEFAULT 'red', cs other.colour[],"
    " m mood NOT NULL DEFAULT 'ok', a other.amount, s brief DEFAULT 'ab',"
    " t briefer DEFAULT 'abc')",
    'CREATE TABLE marked (n int UNIQUE PRIMARY KEY, f float(10), "name" mood UNIQUE,'
    " b bytea DEFAULT 'abc', w text DEFAULT 'a\\b' CHECK (w ~ '\\w'),"
    " at timestamptz DEFAULT '2020-02-03 04:05:06.70+02', UNIQUE (f),"
    " CONSTRAINT f_once UNIQUE (f))",
    'CREATE INDEX marked_name ON marked ("name" DESC)',
    "CREATE TABLE beside (a int, b text, c varchar(5), d numeric, n name,"
    " PRIMARY KEY (a) INCLUDE (b, d), UNIQUE (c) INCLUDE (b) DEFERRABLE)",
    "CREATE INDEX ON beside (b text_pattern_ops, c DESC) INCLUDE (d, a)",
    "CREATE UNIQUE INDEX beside_u ON beside (lower(b) varchar_pattern_ops) INCLUDE (c) WHERE a > 1",
    "COMMENT ON DOMAIN brief IS 'few letters'",
    "COMMENT ON CONSTRAINT not_less ON DOMAIN other.amount IS 'none below'",
    "CREATE VIEW hues AS SELECT c AS hue, cs, m::text AS felt FROM painted ORDER BY c",
    "CREATE INDEX child_pattern ON child (note text_pattern_ops DESC, (x + 1) float8_ops)",
    "CREATE FUNCTION other.plus(a int, b int) RETURNS int LANGUAGE sql STABLE AS 'SELECT a + b'",
    "CREATE FUNCTION half(x float8) RETURNS float8 LANGUAGE sql RETURN x/2",
    "COMMENT ON COLUMN v.a IS 'number of t'",
    "CREATE FUNCTION other.area(w float8, h float8) RETURNS float8 LANGUAGE sql AS 'SELECT w * h'",
)
UNMADE = (
    "DROP MATERIALIZED VIEW mv", "DROP VIEW v", "DROP VIEW hues", "DROP VIEW other.vw",
    "DROP TABLE child, t, g, big, refers, part_of, painted, marked, beside", "DROP TYPE mood",
    "DROP DOMAIN briefer", "DROP DOMAIN brief",
    "DROP SCHEMA other CASCADE", "DROP SEQUENCE seq",
    "DROP FUNCTION twice(float8)", "DROP FUNCTION half(float8)",
)  # fmt: skip
