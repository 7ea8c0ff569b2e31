"""More rows of `overloads`: texts, patterns, arrays and JSON. Calls as PostgreSQL lists them.

A row that gives `unnest(...)` is a function that gives rows.

OVERLAPS is of two periods, each of two ends or of an end and a length: an end that is NULL leaves a
period of the other alone, and what its length would decide is NULL (PostgreSQL 15,
src/backend/utils/adt/timestamp.c, overlaps_timestamp).
"""

from __future__ import annotations

from itertools import product

from gateway.sql.types.address_rows import ADDRESS_ROWS, ADDRESS_TYPES
from gateway.types import (
    BOOL,
    BY_NAME,
    BYTEA,
    INT4,
    TEXT,
    Type,
    array_of,
)

_DAY = "date '2000-01-01'"  # on which a time of day is a moment
# Kind of the ends -> how one is written as a moment; a date is one at midnight.
_MOMENTS = {
    "timestamp": "{}",
    "timestamptz": "{}",
    "date": "{}::timestamp",
    "time": f"arrow_cast({_DAY} + {{}}, 'Timestamp(Microsecond, None)')",
}


def _row(kind: str, first: bool, second: bool) -> tuple[str, str]:
    """The row for ends of that kind; whether each period has a length in place of its end."""
    kinds = [kind, "interval" if first else kind, kind, "interval" if second else kind]
    moment = _MOMENTS[kind].format
    a, c = moment("a"), moment("c")
    b = f"({a} + b)" if first else moment("b")
    d = f"({c} + d)" if second else moment("d")
    return f"overlaps({', '.join(kinds)})", _overlap(a, b, c, d)


def _overlap(a: str, b: str, c: str, d: str) -> str:
    one, other = f"least({a}, {b})", f"least({c}, {d})"
    end, far = (
        f"CASE WHEN {x} IS NOT NULL AND {y} IS NOT NULL THEN greatest({x}, {y}) END"
        for x, y in ((a, b), (c, d))
    )
    return (
        f"CASE WHEN {one} > {other} THEN CASE WHEN {one} < ({far}) THEN true "
        f"WHEN ({end}) IS NOT NULL AND ({far}) IS NOT NULL THEN false END "
        f"WHEN {one} < {other} THEN CASE WHEN {other} < ({end}) THEN true "
        f"WHEN ({end}) IS NOT NULL AND ({far}) IS NOT NULL THEN false END "
        f"WHEN ({end}) IS NOT NULL AND ({far}) IS NOT NULL THEN true END"
    )


OVERLAP_ROWS = tuple(
    _row(kind, first, second)
    for kind, first, second in product(_MOMENTS, (False, True), (False, True))
)


def _parts(split: str) -> str:
    """An empty text has no part; the engine gives one."""
    return f"CASE WHEN a = '' THEN array_remove(ARRAY[''], '') ELSE {split} END"


def _from_defaults(
    name: str, becomes: str, kinds: tuple[str, ...], defaults: tuple[str, ...], least: int = 0
) -> tuple[tuple[str, str], ...]:
    """A call with all its arguments but the last ones, for which the defaults stand."""
    rows = []
    for count in range(least, len(kinds) + 1):
        given = ", ".join(["a", "b", *"cdefg"[:count], *defaults[count:]])
        rows.append(
            (f"{name}({', '.join(['text', 'text', *kinds[:count]])})", f"{becomes}({given})")
        )
    return tuple(rows)


TEXT_ROWS: tuple[tuple[str, str], ...] = (
    ("regexp_split_to_array(text, text)", "regexp_parts(a, b, '')"),
    ("regexp_split_to_array(text, text, text)", "regexp_parts(a, b, c)"),
    ("regexp_split_to_table(text, text)", "unnest(regexp_parts(a, b, ''))"),
    ("regexp_split_to_table(text, text, text)", "unnest(regexp_parts(a, b, c))"),
    ("regexp_matches(text, text)",        "unnest(one_match(regexp_match(a, b)))"),
    ("regexp_matches(text, text, text)",  "unnest(all_matches(a, b, c))"),
    ("regexp_like(text, text)",           "is_matched(a, b, '')"),
    ("regexp_like(text, text, text)",     "is_matched(a, b, c)"),
    ("regexp_substr(text, text)",         "match_part(a, b, 1, 1, '', 0)"),
    ("string_to_array(any, any)",         _parts("string_to_array(a, b)")),
    ("string_to_array(any, any, any)",    _parts("string_to_array(a, b, c)")),
    ("string_to_table(text, text)",       f"unnest({_parts('string_to_array(a, b)')})"),
    ("string_to_table(text, text, text)", f"unnest({_parts('string_to_array(a, b, c)')})"),
    ("unistr(text)",                      "unistr(a)"),
    ("normalize(text)",                   "normalize_text(a, 'NFC')"),
    ("normalize(text, text)",             "normalize_text(a, b)"),
    ("is_normalized(text, text)",         "(normalize_text(a, b) = a)"),
    ("regexp_count(text, text)",          "matches_counted(a, b, 1, '')"),
    ("regexp_count(text, text, integer)", "matches_counted(a, b, c, '')"),
    ("regexp_count(text, text, integer, text)", "matches_counted(a, b, c, d)"),
    *_from_defaults(
        "regexp_instr", "match_place", ("integer", "integer", "integer", "text", "integer"),
        ("1", "1", "0", "''", "0")),
    *_from_defaults(
        "regexp_substr", "match_part", ("integer", "integer", "text", "integer"),
        ("1", "1", "''", "0"), 1),
    ("regexp_replace(text, text, text)",          "regexp_replace(a, b, c)"),
    ("regexp_replace(text, text, text, text)",    "regexp_replace(a, b, c, d)"),
    ("regexp_replace(text, text, text, integer)", "matches_replaced(a, b, c, d, 1, '')"),
    ("regexp_replace(text, text, text, integer, integer)", "matches_replaced(a, b, c, d, e, '')"),
    ("regexp_replace(text, text, text, integer, integer, text)",
     "matches_replaced(a, b, c, d, e, f)"),
)  # fmt: skip


def _finite(kind: str) -> str:
    return (
        f"CASE WHEN a IN ('infinity'::{kind}, '-infinity'::{kind}) THEN false "
        "WHEN a IS NOT NULL THEN true END"
    )


NUMBER_ROWS: tuple[tuple[str, str], ...] = (
    ("floor(decimal)",      "floor(a)::numeric(38, 0)"),
    ("floor(any)",          "floor(a)"),
    ("ceil(decimal)",       "ceil(a)::numeric(38, 0)"),
    ("ceil(any)",           "ceil(a)"),
    ("ceiling(decimal)",    "ceil(a)::numeric(38, 0)"),
    ("ceiling(any)",        "ceil(a)"),
    ("trunc(decimal)",      "trunc(a)::numeric(38, 0)"),
    ("trunc(any)",          "trunc(a)"),
    ("trunc(any, any)",     "trunc(a, b)"),
    ("sign(decimal)",       "signum(a::double precision)::numeric(1, 0)"),
    ("sign(any)",           "signum(a)"),
    ("round(double)",       "rint(a)"),
    ("round(any)",          "round(a)"),
    ("round(any, any)",     "round(a, b)"),
    ("sind(number)",        "sind(a::double precision)"),
    ("cosd(number)",        "cosd(a::double precision)"),
    ("tand(number)",        "tand(a::double precision)"),
    ("asind(number)",       "asind(a::double precision)"),
    ("acosd(number)",       "acosd(a::double precision)"),
    ("cotd(number)",        "cotd(a::double precision)"),
    ("atan2d(number, number)", "atan2d(a::double precision, b::double precision)"),
    ("scale(numeric)",      "digits_after(a::text)"),
    ("scale(number)",       "digits_after(a::numeric::text)"),
    ("min_scale(numeric)",  "digits_needed(a::text)"),
    ("min_scale(number)",   "digits_needed(a::numeric::text)"),
    ("factorial(bigint)",   "factorial_of(a)::numeric(38, 0)"),
    ("atand(number)",       "atand(a::double precision)"),
    ("isfinite(date)", _finite("date")),
    ("isfinite(timestamp)", _finite("timestamp")),
    ("isfinite(timestamptz)", _finite("timestamptz")),
    ("isfinite(interval)",  "CASE WHEN a IS NOT NULL THEN true END"),
)  # fmt: skip

# Of the bounds of a dimension; `generate_series` would give rows.
_SUBSCRIPTS = "CAST(range(1, CAST(array_length(a, b) AS BIGINT) + 1) AS int[])"

ARRAY_ROWS: tuple[tuple[str, str], ...] = (
    ("width_bucket(number, numbers)", "bucket_among(a::double precision, b::double precision[])"),
    ("width_bucket(number, number, number, integer)",
     "width_bucket(a::double precision, b::double precision, c::double precision, d)"),
    ("array_positions(any, any)", "array_positions(a, b)::int[]"),
    ("array_dims(any)",
     "CASE WHEN array_length(a) > 0 THEN '[1:' || array_length(a) || ']' || CASE WHEN "
     "array_ndims(a) > 1 THEN '[1:' || array_length(a, 2) || ']' ELSE '' END END"),
    ("generate_subscripts(any, integer)", f"unnest({_SUBSCRIPTS})"),
    ("generate_subscripts(any, integer, boolean)",
     f"unnest(CASE WHEN c THEN array_reverse({_SUBSCRIPTS}) ELSE {_SUBSCRIPTS} END)"),
    ("trim_array(any, integer)",  "a[1:items_kept(cardinality(a), b)]"),
    ("array_remove(any, any)",
     "CASE WHEN b IS NULL THEN array_compact(a) ELSE array_remove_all(a, b) END"),
    ("array_replace(any, any, any)", "array_replace_all(a, b, c)"),
)  # fmt: skip


def _set_lax(create: str, of_null: str) -> str:
    """jsonb_set_lax: what a NULL does is told by a word."""
    return (
        f"CASE WHEN c IS NOT NULL THEN json_replaced(a, b, c, {create}) "
        f"ELSE json_set_null(a, b, {create}, {of_null}) END"
    )


def _paths(name: str, call: str) -> tuple[tuple[str, str], ...]:
    """A function of a jsonpath; variables and silence may be left out."""
    kinds, given = ("jsonb", "text", "jsonb", "boolean"), ("a", "b", "c", "d")
    rest = ("", "", "'{}', false", "false")
    return tuple(
        (
            f"{name}({', '.join(kinds[:n])})",
            call.format(", ".join([*given[:n], *([rest[n]] if n < 4 else [])])),
        )
        for n in (2, 3, 4)
    )


JSON_ROWS: tuple[tuple[str, str], ...] = (
    ("json_array_length(json)",          "json_length(a)"),
    ("jsonb_array_length(jsonb)",        "json_length(a)"),
    ("json_typeof(json)",                "json_kind(a)"),
    ("jsonb_typeof(jsonb)",              "json_kind(a)"),
    ("json_array_elements(json)",        "unnest(json_items(a))"),
    ("jsonb_array_elements(jsonb)",      "unnest(json_items(a))"),
    ("json_array_elements_text(json)",   "unnest(json_texts(a))"),
    ("jsonb_array_elements_text(jsonb)", "unnest(json_texts(a))"),
    ("json_object_keys(json)",           "unnest(json_keys(a))"),
    ("jsonb_object_keys(jsonb)",         "unnest(json_keys(a))"),
    ("jsonb_pretty(jsonb)",              "json_pretty(a)"),
    ("json_each_key(json)",              "unnest(json_member_keys(a))"),
    ("json_each_value(json)",            "unnest(json_member_values(a))"),
    ("json_each_text_value(json)",       "unnest(json_member_texts(a))"),
    ("jsonb_each_key(jsonb)",            "unnest(json_member_keys(a))"),
    ("jsonb_each_value(jsonb)",          "unnest(json_member_values(a))"),
    ("jsonb_each_text_value(jsonb)",     "unnest(json_member_texts(a))"),
    ("json_strip_nulls(json)",           "json_stripped(a)"),
    ("jsonb_strip_nulls(jsonb)",         "jsonb_form(json_stripped(a))"),
    ("jsonb_set(jsonb, texts, jsonb)",   "json_replaced(a, b, c, true)"),
    ("jsonb_set(jsonb, texts, jsonb, boolean)", "json_replaced(a, b, c, d)"),
    ("jsonb_set_lax(jsonb, texts, jsonb)", _set_lax("true", "'use_json_null'")),
    ("jsonb_set_lax(jsonb, texts, jsonb, boolean)", _set_lax("d", "'use_json_null'")),
    ("jsonb_set_lax(jsonb, texts, jsonb, boolean, text)", _set_lax("d", "e")),
    *_paths("jsonb_path_exists", "json_path_exists({})"),
    *_paths("jsonb_path_match", "json_path_matches({})"),
    *_paths("jsonb_path_query", "unnest(json_path_items({}))"),
    *_paths("jsonb_path_query_array", "json_path_array({})"),
    *_paths("jsonb_path_query_first", "json_path_items({})[1]"),
    ("jsonb_path_there(jsonb, text)", "json_path_exists(a, b, '{}', true)"),
    ("jsonb_path_true(jsonb, text)",  "json_path_matches(a, b, '{}', true)"),
    ("jsonb_insert(jsonb, texts, jsonb)", "json_inserted(a, b, c, false)"),
    ("jsonb_insert(jsonb, texts, jsonb, boolean)", "json_inserted(a, b, c, d)"),
    ("json_object(texts)",               "json_object_of(a)"),
    ("json_object(texts, texts)",        "json_object_of_two(a, b)"),
    ("jsonb_object(texts)",              "jsonb_form(json_object_of(a))"),
    ("jsonb_object(texts, texts)",       "jsonb_form(json_object_of_two(a, b))"),
)  # fmt: skip

TIME_ROWS: tuple[tuple[str, str], ...] = (
    ("justify_days(interval)",      "justify_days(a)"),
    ("justify_hours(interval)",     "justify_hours(a)"),
    ("justify_interval(interval)",  "justify_interval(a)"),
    ("make_timestamptz(integer, integer, integer, integer, integer, number)",
     "make_timestamp_parts(a, b, c, d, e, f::double precision)::timestamptz"),
    ("make_timestamptz(integer, integer, integer, integer, integer, number, text)",
     "moment_in_zone(make_timestamp_parts(a, b, c, d, e, f::double precision), zone_of_text(g))"),
    ("timezone(text, timestamp)",   "moment_in_zone(b, a)"),
    ("timezone(text, timestamptz)", "local_in_zone(b, a)"),
    ("date(timestamp)",             "a::date"),
    ("date(timestamptz)",           "to_local_time(a)::date"),
    ("date(date)",                  "a"),
)  # fmt: skip


def numeric_series() -> tuple[tuple[str, str], ...]:
    """generate_series where an end or the step has a fraction: of numerics."""
    rows = []
    for count, step in ((2, "'1'"), (3, "c::text")):
        for place in range(count):
            kinds = ["fraction" if n == place else "number" for n in range(count)]
            call = f"unnest(numbers_between(a::text, b::text, {step}))"
            rows.append((f"generate_series({', '.join(kinds)})", call))
    return tuple(rows)


def _bytes(name: str, arity: int, call: str) -> tuple[tuple[str, str], ...]:
    """A function of texts, by the engine, and of bytea."""
    letters = ", ".join("abcd"[:arity])
    plain = "strpos" if name == "position" else name  # which is called with IN alone
    kinds = ["text", "bytes"]
    more = "any" if name in ("substr", "overlay") else None
    same = 2 if name == "overlay" else 1 if more else arity
    rows = []
    for kind, becomes in zip(kinds, (f"{plain}({letters})", call), strict=True):
        other = "bytea" if kind == "bytes" else kind  # which a quoted literal may be
        given = [kind] + [other] * (same - 1) + [more or other] * (arity - same)
        rows.append((f"{name}({', '.join(given)})", becomes))
    return (*rows, (f"{name}({', '.join(['any'] * arity)})", f"{plain}({letters})"))


BYTE_ROWS: tuple[tuple[str, str], ...] = (
    *_bytes("octet_length", 1, "bytes_length(a)"),
    *_bytes("bit_length", 1, "(bytes_length(a) * 8)"),
    *_bytes("length", 1, "bytes_length(a)"),
    *_bytes("btrim", 2, "bytes_trimmed(a, b)"),
    *_bytes("trim", 2, "bytes_trimmed(a, b)"),
    ("trim(any)",                   "btrim(a)"),
    *_bytes("ltrim", 2, "bytes_trimmed_left(a, b)"),
    *_bytes("rtrim", 2, "bytes_trimmed_right(a, b)"),
    *_bytes("substr", 2, "bytes_rest(a, b)"),
    *_bytes("substr", 3, "bytes_part(a, b, c)"),
    ("substring(bytes, integer)",          "bytes_rest(a, b)"),
    ("substring(bytes, integer, integer)", "bytes_part(a, b, c)"),
    *_bytes("position", 2, "bytes_position(a, b)"),
    *_bytes("overlay", 3, "bytes_overlaid(a, b, c, bytes_length(b))"),
    *_bytes("overlay", 4, "bytes_overlaid(a, b, c, d)"),
    ("btrim(any)",                  "btrim(a)"),
    ("ltrim(any)",                  "ltrim(a)"),
    ("rtrim(any)",                  "rtrim(a)"),
    ("bit_count(bytea)",            "bits_of(a)"),
    ("get_byte(bytea, integer)",    "byte_of(a, b)"),
    ("get_bit(bytea, integer)",     "bit_of(a, b)"),
    ("set_byte(bytea, integer, integer)", "with_byte(a, b, c)"),
    ("set_bit(bytea, integer, integer)",  "with_bit(a, b, c)"),
    ("encode(bytea, text)",         "bytes_written(a, b)"),
    ("decode(text, text)",          "bytes_read(a, b)"),
    ("convert_from(bytea, text)",   "converted_from(a, b)"),
    ("convert_to(text, text)",      "converted_to(a, b)"),
    ("convert(bytea, text, text)",  "converted(a, b, c)"),
)  # fmt: skip

# The types of their results.
GIVEN: dict[str, Type] = {
    **ADDRESS_TYPES,
    **dict.fromkeys(
        ("normalize", "array_dims", "json_each_key", "jsonb_each_key", "json_each_text_value",
         "jsonb_each_text_value", "format", "json_extract_path_text", "jsonb_extract_path_text"),
        TEXT,
    ),
    "generate_subscripts": INT4,
    "array_positions": array_of(INT4),
    **dict.fromkeys(("is_normalized", "jsonb_path_exists", "jsonb_path_match",
                     "jsonb_path_there", "jsonb_path_true", "overlaps"), BOOL),
    "set_bit": BYTEA,
    **dict.fromkeys(("json_each_value", "to_json", "row_to_json", "array_to_json"),
                    BY_NAME["json"]),
    **dict.fromkeys(("jsonb_each_value", "jsonb_set", "jsonb_insert", "jsonb_path_query",
                     "jsonb_path_query_array", "jsonb_path_query_first", "jsonb_set_lax",
                     "to_jsonb"), BY_NAME["jsonb"]),
    **{
        f"{kind}_{name}": BY_NAME[kind]
        for kind in ("json", "jsonb")
        for name in ("build_object", "build_array", "agg", "object_agg", "extract_path")
    },
}  # fmt: skip

ROWS = TEXT_ROWS + NUMBER_ROWS + TIME_ROWS + ARRAY_ROWS + JSON_ROWS + BYTE_ROWS + ADDRESS_ROWS
