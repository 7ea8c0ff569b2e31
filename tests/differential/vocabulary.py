"""The words of the random queries: tables, literals, and what makes a value of each type.

In braces stands a part of that type; `{small}` is a small integer, `{size}` one that is not
negative.
"""

from __future__ import annotations

SETUP = """
CREATE TABLE a (id int PRIMARY KEY, g int, x float8, s text, d date, b bool);
CREATE TABLE b (id int, k bigint, y float8, t timestamp, s text);
CREATE TABLE c (g int, w float8, name text, h smallint);
CREATE TABLE e (id int, n numeric(12,3), j jsonb, v int[], l text[], p interval, z timestamptz,
  r real);
INSERT INTO a VALUES
  (1, 1, 0.5, 'red', '2020-01-31', true), (2, 1, -1.5, 'Green', '2020-02-29', false),
  (3, 2, NULL, 'blue', NULL, NULL), (4, 2, 2.25, NULL, '2021-12-31', true),
  (5, NULL, 0, '', '1999-12-31', false), (6, 3, 1e10, 'a%b_c', '2020-02-29', NULL),
  (7, 3, -0.125, 'Zed', '2024-06-15', true), (8, 1, 3, 'red', '2020-01-31', true);
INSERT INTO b VALUES
  (1, 10, 1.5, '2020-01-01 00:00:00', 'red'), (1, 20, 2.5, '2020-02-29 12:30:15.25', 'x'),
  (2, NULL, -1, '2021-03-28 01:30:00', 'Green'), (3, 5000000000, NULL, NULL, NULL),
  (4, -7, 0, '1970-01-01 00:00:00', 'blue '), (NULL, 3, 4, '2020-12-31 23:59:59', 'Zed'),
  (7, 2, -2.5, '2020-01-01 00:00:00', '7'), (9, 0, 100, '2019-07-04 18:00:00', 'red');
INSERT INTO c VALUES (1, 0.5, 'one', 1), (2, NULL, 'two', 2), (3, 1.5, NULL, -3),
  (NULL, 2, 'none', 0), (1, 2.5, 'uno', 7);
INSERT INTO e VALUES
  (1, 12.345, '{"a": 1, "b": [1, "x", null], "é": {"c": true}}', '{1,2,3}', '{red,x}',
   '1 day 02:00:00', '2020-03-29 00:30:00+00', 0.1),
  (2, -0.005, '[1, 2.50, "two", null, {"a": "z"}]', '{}', '{}', '-3 mons', '2020-10-25 01:30:00+00',
   1e20),
  (3, 1000000, '"text"', '{NULL,7}', '{NULL,"a b",Zed}', '00:00:00', '1999-12-31 23:59:59.5+00',
   -1.5),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, 0, '{}', '{5,5}', '{"",é}', '1 year 40 days -00:00:01.5', '2024-02-29 12:00:00+00', 0),
  (7, 12.345, '{"a": null, "b": "x"}', '{1,2,3}', '{red}', '30 days', '1960-06-01 12:00:00+00', 3);
"""

TABLES: dict[str, dict[str, str]] = {
    "a": {"id": "int", "g": "int", "x": "float", "s": "text", "d": "date", "b": "bool"},
    "b": {"id": "int", "k": "int", "y": "float", "t": "timestamp", "s": "text"},
    "c": {"g": "int", "w": "float", "name": "text", "h": "int"},
    "e": {"id": "int", "n": "numeric", "j": "jsonb", "v": "ints", "l": "texts", "p": "interval",
          "z": "timestamptz", "r": "real"},
}  # fmt: skip

LITERALS: dict[str, list[str]] = {
    "int": ["0", "1", "2", "-3", "7", "100", "NULL::int"],
    "float": ["0::float8", "1.5::float8", "-2::float8", "1e3::float8", "NULL::float8"],
    "text": ["'red'", "''", "'a%b_c'", "'Zed '", "'日本'", "NULL::text", "'7'"],
    "date": ["date '2020-02-29'", "date '1999-12-31'", "NULL::date"],
    "timestamp": ["timestamp '2020-02-29 12:30:15.25'", "timestamp '1970-01-01'"],
    "bool": ["true", "false", "NULL::bool"],
    "numeric": ["0::numeric", "1.50::numeric(6,2)", "-2.125::numeric(8,3)", "NULL::numeric(6,2)"],
    "real": ["0.5::real", "-3::real", "NULL::real"],
    "jsonb": ["'{\"a\": 2, \"b\": \"x\"}'::jsonb", "'[1, \"x\"]'::jsonb", "'null'::jsonb",
              "NULL::jsonb"],
    "ints": ["ARRAY[1, 2]", "'{3,NULL}'::int[]", "'{}'::int[]", "NULL::int[]"],
    "texts": ["ARRAY['red', 'é']", "'{}'::text[]", "'{a,NULL}'::text[]"],
    "interval": ["interval '1 month'", "interval '36 hours'", "interval '-1 day 00:00:01'",
                 "NULL::interval"],
    "timestamptz": ["timestamptz '2020-03-29 01:30:00+00'", "NULL::timestamptz",
                    "timestamptz '2020-10-25 00:30:00+02'"],
}  # fmt: skip

# For each type: what makes it, with the types of the parts in braces.
MAKERS: dict[str, list[str]] = {
    "int": [
        "({int} + {int})", "({int} - {int})", "({int} * {small})", "(- {int})", "abs({int})",
        "({int} / nullif({int}, 0))", "({int} % nullif({int}, 0))", "length({text})",
        "coalesce({int}, {int})", "nullif({int}, {int})", "greatest({int}, {int})",
        "least({int}, {int}, {int})", "CASE WHEN {bool} THEN {int} ELSE {int} END",
        "CASE {int} WHEN {int} THEN {int} END", "extract(year FROM {date})::int",
        "({date} - {date})", "position({text} IN {text})", "strpos({text}, {text})",
        "sign({int})::int", "mod({int}, 5)", "ascii({text})", "({int} & {int})", "({int} | 3)",
        "char_length({text})", "({bool})::int", "date_part('month', {timestamp})::int",
        "round({float})::bigint", "floor({float} / 7)::bigint", "octet_length({text})",
        "extract(dow FROM {timestamp})::int", "extract(doy FROM {date})::int",
        "array_length(string_to_array({text}, 'e'), 1)", "div({int}, 3)::int",
        "cardinality({ints})", "array_length({texts}, 1)", "({ints})[{small}]",
        "array_position({ints}, 2)", "bit_length({text})",
        "extract(hour FROM {timestamptz})::int", "extract(day FROM {interval})::int",
        "round({numeric})::int", "date_part('week', {date})::int", "num_nulls({int}, {text})",
        "trunc({numeric})::bigint", "extract(minute FROM {interval})::int",
        "extract(isodow FROM {timestamptz})::int", "gcd({int}, {int})", "({int} << 2)",
        "({int} # {int})", "(~ {int})", "jsonb_array_length({jsonb} -> 'b')",
        "(SELECT count(*) FROM unnest({ints}) AS u)", "({real})::int", "({text} ~ 'e')::int",
    ],
    "float": [
        "({float} + {float})", "({float} - {float})", "({float} * {float})",
        "({float} / nullif({float}, 0))", "abs({float})", "floor({float})", "ceil({float})",
        "round({float})", "sqrt(abs({float}))", "({int}::float8)", "coalesce({float}, {float})",
        "nullif({float}, {float})", "greatest({float}, {float})", "least({float}, {float})",
        "CASE WHEN {bool} THEN {float} ELSE {float} END", "trunc({float})", "sin({float})",
        "(- {float})", "sign({float})", "power(abs({float}), 0.5)", "({int} + {float})",
        "({float} * {int})", "atan2({float}, {float})", "cbrt({float})", "degrees({float})",
        "extract(epoch FROM {timestamp})::float8", "ln(abs({float}) + 1)",
        "extract(epoch FROM {interval})::float8", "({numeric})::float8", "({float} + {real})",
        "date_part('epoch', {timestamptz})", "({numeric} * {float})", "({real})::float8",
        "CASE WHEN {bool} THEN {int} ELSE {float} END", "coalesce({int}, {float})",
        "greatest({int}, {float})", "tanh({float})", "exp(least({float}, 3))",
        "date_part('second', {interval})",
    ],
    "text": [
        "({text} || {text})", "upper({text})", "lower({text})", "substr({text}, {small})",
        "substring({text} FROM 2 FOR 2)", "left({text}, {small})", "right({text}, {small})",
        "trim({text})", "ltrim({text}, 'r')", "rtrim({text})", "replace({text}, 'e', 'EE')",
        "reverse({text})", "coalesce({text}, {text})", "nullif({text}, {text})",
        "CASE WHEN {bool} THEN {text} ELSE {text} END", "({int}::text)", "concat({text}, {int})",
        "concat_ws('-', {text}, {text}, {int})", "lpad({text}, 5, '*')", "rpad({text}, 4)",
        "repeat({text}, 2)", "initcap({text})", "split_part({text}, 'e', 1)", "({date}::text)",
        "to_char({date}, 'YYYY-MM')", "greatest({text}, {text})", "translate({text}, 'abe', 'xy')",
        "md5({text})", "({bool}::text)", "regexp_replace({text}, '[aeiou]', '.')",
        "overlay({text} placing 'X' from 2 for 1)", "quote_literal({text})", "({text} || {int})",
        "({timestamp}::text)", "chr(65 + abs({small}))", "starts_with({text}, 'r')::text",
        "to_hex(abs({small}))", "format('%s/%s', {text}, {int})",
        "({jsonb} ->> 'a')", "({jsonb} ->> {small})", "({jsonb} #>> '{b,1}')", "({jsonb}::text)",
        "({ints}::text)", "({texts}::text)", "({texts})[{size}]", "array_to_string({ints}, '+')",
        "array_to_string({texts}, ',', '*')", "({interval}::text)", "({timestamptz}::text)",
        "({numeric}::text)", "({float}::text)", "({real}::text)", "jsonb_typeof({jsonb})",
        "to_char({timestamptz}, 'YYYY-MM-DD HH24:MI')", "to_char({numeric}, '9990.99')",
        "substring({text} from '[a-z]+')", "regexp_replace({text}, '(.)e', '\\1\\1', 'g')",
        "(regexp_match({text}, '(.)e'))[1]", "({text}::varchar(2))", "({text}::char(3))::text",
        "({text} || {ints}[1])", "({text} || {date})", "concat({bool}, {float}, {interval})",
        "quote_ident({text})", "trim(both 'de' from {text})",
        "lpad({text}, {size})", "split_part({text}, '', 1)", "left({text}, -1)",
        "encode({text}::bytea, 'hex')", "(SELECT string_agg(u, '|') FROM unnest({texts}) AS u)",
    ],
    "date": [
        "({date} + {small})", "({date} - {small})", "coalesce({date}, {date})",
        "({timestamp}::date)", "greatest({date}, {date})", "make_date(2020, 2, 1 + abs({small}))",
        "CASE WHEN {bool} THEN {date} END", "date_trunc('month', {timestamp})::date",
        "({timestamptz}::date)", "least({date}, {date})", "('2020-01-0' || (1 + {size}))::date",
    ],
    "timestamp": [
        "({timestamp} + interval '1 month')", "({date}::timestamp)",
        "({timestamp} - interval '36 hours')", "date_trunc('day', {timestamp})",
        "date_trunc('quarter', {timestamp})", "coalesce({timestamp}, {timestamp})",
        "({date} + interval '90 minutes')", "least({timestamp}, {timestamp})",
        "({timestamp} + ({small} || ' days')::interval)", "({date} + time '06:30')",
        "({timestamp} + {interval})", "({date} - {interval})", "({timestamptz}::timestamp)",
        "({timestamptz} AT TIME ZONE 'Europe/Berlin')", "date_trunc('week', {timestamp})",
        "date_trunc('hour', {timestamp})", "date_bin('15 minutes', {timestamp}, '2020-01-01')",
    ],
    "bool": [
        "({int} = {int})", "({int} < {int})", "({float} >= {float})", "({text} = {text})",
        "({text} < {text})", "({bool} AND {bool})", "({bool} OR {bool})", "(NOT {bool})",
        "({int} IS NULL)", "({text} IS NOT NULL)", "({float} IS DISTINCT FROM {float})",
        "({int} IN (1, 2, {int}))", "({int} NOT IN (1, {int}))", "({int} BETWEEN {int} AND {int})",
        "({text} LIKE '%e%')", "({text} ILIKE 'r%')", "({text} NOT LIKE '_e%')",
        "({date} > {date})", "({timestamp} <= {date})", "({bool} IS TRUE)", "({bool} IS NOT FALSE)",
        "({bool} IS UNKNOWN)", "({text} ~ '^[a-z]+$')", "({text} ~* 'RED')", "({int} <> {float})",
        "({float} BETWEEN SYMMETRIC {float} AND {float})", "({int} = ANY (ARRAY[1, 2, {int}]))",
        "({text} SIMILAR TO '(r|z)%')", "({int} < ALL (ARRAY[{int}, 5]))", "({bool} = {bool})",
        "({date} = {timestamp})", "(({int}, {text}) = ({int}, {text}))", "({text} > {text})",
        "(({int}, {int}) < ({int}, {int}))", "({text} LIKE 'a\\%b\\_%')",
        "starts_with({text}, 'r')", "({bool} <> {bool})", "({text} IN ('red', {text}))",
        "({int} = ANY ({ints}))", "({ints} @> {ints})", "({ints} <@ {ints})", "({ints} && {ints})",
        "({ints} = {ints})", "({text} = ANY ({texts}))", "({texts} @> ARRAY['red'])",
        "({jsonb} @> '{\"a\": 1}')", "({jsonb} = {jsonb})", "({jsonb} ? 'a')",
        "({jsonb} ?| ARRAY['a', 'x'])", "({jsonb} ?& ARRAY['a', 'b'])", "({interval} < {interval})",
        "({interval} = {interval})", "({timestamptz} > {timestamptz})", "({numeric} = {int})",
        "({timestamptz} < {date})", "({timestamptz} >= {timestamp})", "({numeric} < {float})",
        "(({int}, {int}) IS DISTINCT FROM ({int}, {int}))", "({int} > ALL ({ints}))",
        "({int} <> ANY ({ints}))", "({ints} < {ints})", "({texts} <> {texts})", "({real} = {float})",
        "(({int}, {text}) IN ((1, 'red'), ({int}, {text})))", "({text} LIKE {text})",
        "({date}, {date}) OVERLAPS ({date}, interval '40 days')", "({text} !~ 'e$')",
        "(({int}, {int}) IN (SELECT id, g FROM a))", "({int} IN (SELECT k FROM b))",
        "({int} NOT IN (SELECT h FROM c))", "({int} >= ANY (SELECT id FROM e))",
        "({int} < ALL (SELECT h FROM c WHERE g = {int}))",
    ],
    "numeric": [
        "({numeric} + {numeric})", "({numeric} - {numeric})", "({numeric} * {small})",
        "abs({numeric})", "(- {numeric})", "round({numeric}, 1)", "trunc({numeric}, 1)",
        "ceil({numeric})", "floor({numeric})", "coalesce({numeric}, {numeric})",
        "greatest({numeric}, {numeric})", "({int}::numeric(12,2))", "({int} + {numeric})",
        "CASE WHEN {bool} THEN {numeric} ELSE {numeric} END", "sign({numeric})",
        "mod({numeric}, 2.5::numeric(3,1))", "nullif({numeric}, {numeric})",
        "(({jsonb} ->> 'a')::numeric)", "round({numeric})", "({float}::numeric(20,3))",
    ],
    "real": [
        "({real} + {real})", "({real} * {real})", "(- {real})", "({float}::real)",
        "coalesce({real}, {real})", "abs({real})",
    ],
    "jsonb": [
        "({jsonb} -> 'a')", "({jsonb} -> {small})", "({jsonb} || {jsonb})", "({jsonb} - 'a')",
        "({jsonb} #> '{b,0}')", "to_jsonb({text})", "to_jsonb({int})", "jsonb_build_array({int}, {text})",
        "jsonb_build_object('k', {float}, 's', {text})", "coalesce({jsonb}, {jsonb})",
        "CASE WHEN {bool} THEN {jsonb} END", "to_jsonb({ints})", "({jsonb} - {small})",
        "jsonb_set({jsonb}, '{a}', {jsonb})", "jsonb_strip_nulls({jsonb})", "({jsonb} #- '{b,0}')",
        "to_jsonb({timestamp})", "to_jsonb({bool})", "to_jsonb({numeric})",
    ],
    "ints": [
        "ARRAY[{int}, {small}]", "({ints} || {int})", "({ints} || {ints})", "array_append({ints}, {int})",
        "array_remove({ints}, 1)", "({ints})[1:2]", "coalesce({ints}, {ints})", "array_replace({ints}, 1, 9)",
        "array_prepend({int}, {ints})", "({ints})[2:]", "CASE WHEN {bool} THEN {ints} END",
        "array_cat({ints}, {ints})", "array_positions({ints}, 5)", "ARRAY(SELECT id FROM a WHERE g = {int} ORDER BY id)",
    ],
    "texts": [
        "ARRAY[{text}, 'q']", "({texts} || {text})", "string_to_array({text}, 'e')", "({texts})[:1]",
        "regexp_split_to_array({text}, '[ae]')", "array_remove({texts}, 'red')", "coalesce({texts}, {texts})",
    ],
    "interval": [
        "({interval} + {interval})", "({interval} - {interval})", "(- {interval})", "({interval} * {small})",
        "({timestamp} - {timestamp})", "({timestamptz} - {timestamptz})", "({interval} / 2)",
        "age({timestamp}, {timestamp})", "justify_days({interval})", "justify_hours({interval})",
        "coalesce({interval}, {interval})", "make_interval(days => {small})", "({interval} * 1.5)",
        "age({date}, {date})", "greatest({interval}, {interval})", "({small} * interval '1 day')",
        "date_trunc('day', {interval})", "justify_interval({interval})",
    ],
    "timestamptz": [
        "({timestamptz} + {interval})", "({timestamptz} - {interval})", "({timestamp}::timestamptz)",
        "({date}::timestamptz)", "date_trunc('day', {timestamptz})", "date_trunc('month', {timestamptz})",
        "({timestamp} AT TIME ZONE 'America/New_York')", "coalesce({timestamptz}, {timestamptz})",
        "to_timestamp({int})", "greatest({timestamptz}, {timestamptz})",
        "date_trunc('hour', {timestamptz}, 'Asia/Kolkata')",
    ],
    "small": ["0", "1", "2", "3", "-1"],
    "size": ["0", "1", "2", "3"],
}  # fmt: skip

AGGREGATES: dict[str, list[str]] = {
    "int": ["count(*)", "count({text})", "count(DISTINCT {int})", "sum({int})", "min({int})",
            "max({int})", "bit_or({int})", "count(*) FILTER (WHERE {bool})", "count({jsonb})",
            "sum(DISTINCT {int})", "regr_count({float}, {float})", "max({int}) FILTER (WHERE {bool})",
            "mode() WITHIN GROUP (ORDER BY {int})", "bit_and({int})"],
    "float": ["sum({float})", "avg({float})", "min({float})", "max({float})", "stddev({float})",
              "var_pop({float})", "percentile_cont(0.5) WITHIN GROUP (ORDER BY {float})",
              "regr_slope({float}, {float})", "covar_pop({float}, {float})",
              "sum({float}) FILTER (WHERE {bool})", "avg(DISTINCT {float})", "corr({float}, {float})",
              "percentile_disc(0.3) WITHIN GROUP (ORDER BY {float})", "covar_samp({float}, {float})",
              "stddev_pop({float})", "var_samp({float})", "regr_r2({float}, {float})"],
    "text": ["min({text})", "max({text})", "string_agg({text}, ',' ORDER BY {text})",
             "array_to_string(array_agg({int} ORDER BY {int}), ',')",
             "string_agg(DISTINCT {text}, '+' ORDER BY {text})", "array_agg({int} ORDER BY {int} DESC)::text",
             "json_agg({int} ORDER BY {int})::text", "max({text}) FILTER (WHERE {bool})",
             "array_agg(DISTINCT {text} ORDER BY {text})::text", "jsonb_agg({text} ORDER BY {text})::text"],
    "date": ["min({date})", "max({date})"],
    "timestamp": ["max({timestamp})", "min({timestamp})"],
    "bool": ["bool_and({bool})", "bool_or({bool})", "every({bool})"],
    "numeric": ["sum({numeric})", "min({numeric})", "max({numeric})", "sum(DISTINCT {numeric})"],
    "real": ["max({real})", "min({real})"],
    "jsonb": ["jsonb_agg({int} ORDER BY {int})"],
    "ints": ["array_agg({int} ORDER BY {int})", "array_agg(DISTINCT {int} ORDER BY {int})"],
    "texts": ["array_agg({text} ORDER BY {text})"],
    "interval": ["sum({interval})", "min({interval})", "max({interval})"],
    "timestamptz": ["min({timestamptz})", "max({timestamptz})"],
}  # fmt: skip

WINDOWS: dict[str, list[str]] = {
    "int": ["row_number() OVER {over}", "rank() OVER {over}", "dense_rank() OVER {over}",
            "ntile(3) OVER {over}", "count({int}) OVER {over}", "sum({int}) OVER {over}",
            "lag({int}) OVER {over}", "lead({int}, 2, -99) OVER {over}",
            "first_value({int}) OVER {over}", "count(*) OVER {frame}", "max({int}) OVER {frame}",
            "rank() OVER {loose}", "dense_rank() OVER {loose}", "count(*) OVER {loose}",
            "sum({int}) OVER {loose}", "count(*) FILTER (WHERE {bool}) OVER {frame}",
            "sum({int}) OVER {ranged}", "count(*) OVER {ranged}", "lag({int}, {size}) OVER {over}",
            "max({int}) OVER ()", "min({int}) OVER {whole}", "count({text}) OVER {excluding}",
            "sum({int}) OVER {excluding}"],
    "float": ["percent_rank() OVER {over}", "cume_dist() OVER {over}", "avg({float}) OVER {frame}",
              "sum({float}) OVER {frame}", "percent_rank() OVER {loose}", "cume_dist() OVER {loose}",
              "avg({float}) OVER {loose}", "max({float}) OVER {ranged}"],
    "text": ["lag({text}) OVER {over}", "last_value({text}) OVER {over}",
             "nth_value({text}, 2) OVER {over}", "min({text}) OVER {frame}",
             "last_value({text}) OVER {frame}", "first_value({text}) OVER {frame}",
             "string_agg({text}, ',') OVER {over}", "nth_value({text}, 2) OVER {frame}",
             "lead({text}, 1, 'none') OVER {over}", "max({text}) OVER {loose}"],
    "date": ["max({date}) OVER {frame}", "lag({date}) OVER {over}", "min({date}) OVER {loose}"],
    "timestamp": ["lead({timestamp}) OVER {over}", "max({timestamp}) OVER {loose}"],
    "bool": ["bool_or({bool}) OVER {frame}", "lag({bool}) OVER {over}", "bool_and({bool}) OVER {loose}"],
    "numeric": ["sum({numeric}) OVER {frame}", "max({numeric}) OVER {loose}"],
    "interval": ["max({interval}) OVER {frame}"],
    "jsonb": ["lag({jsonb}) OVER {over}", "first_value({jsonb}) OVER {over}"],
    "ints": ["array_agg({int}) OVER {over}", "lag({ints}) OVER {over}"],
}  # fmt: skip

FRAMES = ["ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS UNBOUNDED PRECEDING",
          "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
          "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
          "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
          "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
          "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
          "GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING",
          "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
          "GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"]  # fmt: skip
RANGES = {
    "int": ["RANGE BETWEEN 1 PRECEDING AND 2 FOLLOWING", "RANGE 3 PRECEDING"],
    "float": ["RANGE BETWEEN 1.5 PRECEDING AND 0.5 FOLLOWING"],
    "date": ["RANGE BETWEEN interval '1 month' PRECEDING AND CURRENT ROW"],
    "timestamp": ["RANGE BETWEEN interval '1 year' PRECEDING AND interval '10 days' FOLLOWING"],
}
EXCLUSIONS = ["EXCLUDE CURRENT ROW", "EXCLUDE GROUP", "EXCLUDE TIES", "EXCLUDE NO OTHERS"]

JOINS = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"]
TYPES = ["int", "float", "text", "date", "timestamp", "bool", "int", "text", "numeric", "real",
         "jsonb", "ints", "texts", "interval", "timestamptz"]  # fmt: skip
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
