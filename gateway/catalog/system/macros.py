"""Macros of the catalogue's database: what DuckDB has not, or has otherwise.

A macro stands for its text wherever it is called: one that names a parameter twice doubles what is
written there, so `templates.fill` gives longer arguments names of their own before it calls one.
"""

from __future__ import annotations

from gateway.sql.text.quoting import QUOTED

MACROS = """
CREATE MACRO room(length, value) AS CASE WHEN length > 1000000 THEN error('too large')
  ELSE value END;
CREATE MACRO quote_ident(s) AS CASE WHEN regexp_full_match(s, '[a-z_][a-z0-9_]*')
  AND NOT list_contains([%s], s) THEN s
  ELSE '"' || replace(room(4 * strlen(s), s), '"', '""') || '"' END;
CREATE MACRO quote_literal(s) AS CASE WHEN contains(s, '\\') THEN 'E''' ELSE '''' END
  || replace(replace(room(4 * strlen(s), s), '\\', '\\\\'), '''', '''''') || '''';
CREATE MACRO parts_of_ident(s) AS list_transform(regexp_extract_all(s, '%i'),
  lambda w: CASE WHEN left(w, 1) = '"' THEN replace(w[2:-2], '""', '"')
  ELSE translate(w, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') END);
CREATE MACRO start_of_ident(s) AS regexp_extract(s, '^\\s*(?:%i)(?:\\s*[.]\\s*(?:%i))*\\s*');
CREATE MACRO parse_ident(s, strict) AS CASE
  WHEN s IS NULL OR strict IS NULL THEN NULL
  WHEN start_of_ident(s) <> '' AND (start_of_ident(s) = s OR NOT (
    strict OR s[length(start_of_ident(s)) + 1] = '.')) THEN parts_of_ident(start_of_ident(s))
  ELSE error('string is not a valid identifier: "' || s || '"') END;
CREATE MACRO float_text(x) AS CASE WHEN isnan(x) THEN 'NaN' WHEN x = 'inf' THEN 'Infinity'
  WHEN x = '-inf' THEN '-Infinity' ELSE regexp_replace(CAST(x AS VARCHAR), '[.]0($|e)', '\\1') END;
CREATE MACRO numeric_text(x) AS CASE WHEN typeof(x) = 'DECIMAL(38,10)'
  THEN rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.') ELSE CAST(x AS VARCHAR) END;
CREATE MACRO without_parentheses(x) AS CASE WHEN x[1] = '(' AND x[-1] = ')' AND
  regexp_matches(x[2:-2], '^[^()]*([(][^()]*[)][^()]*)*$') THEN x[2:-2] ELSE x END;
CREATE MACRO joined(l, separator) AS substr(
  list_aggr([''] || CAST(l AS VARCHAR[]), 'string_agg', separator), length(separator) + 1);
CREATE MACRO json_text(l) AS '[' || joined(
  list_transform(l, lambda v: COALESCE(CAST(to_json(v) AS VARCHAR), 'null')), ', ') || ']';
CREATE MACRO json_list(l) AS '[' || joined(
  list_transform(l, lambda v: COALESCE(CAST(v AS VARCHAR), 'null')), ', ') || ']';
CREATE MACRO occurrences(s, part) AS CASE WHEN strlen(part) = 0 THEN 0
  ELSE (strlen(s) - strlen(replace(s, part, ''))) // strlen(part) END;
CREATE MACRO letter(code) AS CASE WHEN code = 0 THEN '' WHEN code BETWEEN 1 AND 127 THEN chr(code)
  WHEN code IS NOT NULL THEN error('"char" out of range') END;
CREATE MACRO half(x) AS CAST((x + CASE WHEN x < 0 THEN -1 ELSE 1 END) // 2 AS VARCHAR);
CREATE MACRO size_of(x, whole) AS CASE
  WHEN abs(whole) < 10240 THEN CASE WHEN contains(CAST(x AS VARCHAR), '.')
    THEN rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.') ELSE CAST(x AS VARCHAR) END || ' bytes'
  WHEN abs(whole // 512) < 20479 THEN half(whole // 512) || ' kB'
  WHEN abs(whole // 524288) < 20479 THEN half(whole // 524288) || ' MB'
  WHEN abs(whole // 536870912) < 20479 THEN half(whole // 536870912) || ' GB'
  WHEN abs(whole // 549755813888) < 20479 THEN half(whole // 549755813888) || ' TB'
  ELSE half(whole // 562949953421312) || ' PB' END;
CREATE MACRO size_pretty(x) AS size_of(x, CAST(trunc(x) AS HUGEINT));
CREATE MACRO numbers(low, high, step) AS generate_series(low, CASE WHEN
  abs((CAST(high AS HUGEINT) - low) // step) > 10000000 THEN error('too large')
  ELSE high END, step);
CREATE MACRO record_part(s) AS list_transform([s], lambda s: CASE WHEN s IS NULL THEN ''
  WHEN s = '' OR regexp_matches(s, '["(),\\s\\\\]')
  THEN '"' || replace(replace(s, '\\', '\\\\'), '"', '""') || '"' ELSE s END)[1];
CREATE MACRO lsn_number(x) AS CAST('0x' || split_part(x, '/', 1) AS HUGEINT) * 4294967296
  + CAST('0x' || split_part(x, '/', 2) AS HUGEINT);
CREATE MACRO lsn_distance(x, y) AS CAST(lsn_number(x) - lsn_number(y) AS DECIMAL(38,10));
CREATE SCHEMA static;
"""
_PART = """"(?:[^"]|"")+"|[a-zA-Z_\\x{80}-\\x{10FFFF}][a-zA-Z0-9_$\\x{80}-\\x{10FFFF}]*"""
MACROS = MACROS.replace("%s", ", ".join(f"'{word}'" for word in sorted(QUOTED)))
MACROS = MACROS.replace("%i", _PART)
