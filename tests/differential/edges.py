"""Expressions over the edges of each type: `{type}` in a template is one of its literals."""

from __future__ import annotations

import re
from random import Random

EDGES: dict[str, list[str]] = {
    "int": ["0", "1", "-1", "2", "7", "-13", "2147483647", "NULL::int"],
    "small": ["0", "1", "2", "3", "-1", "5", "-4"],
    "numeric": ["0::numeric", "1.5::numeric", "-2.50::numeric", "0.005::numeric", "100::numeric",
                "-0.5::numeric", "2.5::numeric", "NULL::numeric", "123456.789::numeric"],
    "float": ["0::float8", "-0.5::float8", "1.5::float8", "2.5::float8", "1e15::float8",
              "-1e-5::float8", "'NaN'::float8", "'Infinity'::float8", "'-Infinity'::float8",
              "NULL::float8", "123456789.125::float8"],
    "text": ["''", "'a'", "'abc'", "'aXbXc'", "' x '", "'héllo'", "'日本語'", "'a.b.c'", "'😀b'",
             "'foo bar'", "'%_\\'", "'ABC'", "'aaa'", "NULL::text", "'12'", "E'a\\nb'", "'ß'"],
    "pattern": ["'a'", "'[a-c]+'", "'(.)b'", "'x*'", "'^.'", "'.$'", "'b|c'", "'\\d'", "'\\w+'"],
    "date": ["date '2020-02-29'", "date '1999-12-31'", "date '2000-01-01'", "date '0044-03-15 BC'",
             "date '2024-12-30'", "NULL::date", "date '2021-01-03'", "date '1900-03-01'"],
    "timestamp": ["timestamp '2020-02-29 12:30:15.25'", "timestamp '1969-12-31 23:59:59.999999'",
                  "timestamp '2000-01-01 00:00:00'", "timestamp '2021-03-28 02:30:00'",
                  "NULL::timestamp", "timestamp '1582-10-04 06:00'",
                  "timestamp '2024-12-31 23:59:59'"],
    "interval": ["interval '1 month'", "interval '-1 day'", "interval '1 day 02:03:04.5'",
                 "interval '36 hours'", "interval '1 year 2 months -3 days'", "interval '0'",
                 "interval '-00:00:00.000001'", "NULL::interval", "interval '40 days'"],
    "time": ["time '00:00'", "time '12:34:56.789'", "time '23:59:59.999999'", "NULL::time"],
    "bool": ["true", "false", "NULL::bool"],
    "ints": ["'{}'::int[]", "'{1}'::int[]", "'{1,2,3}'::int[]", "'{3,NULL,1}'::int[]",
             "NULL::int[]", "'{2,2}'::int[]"],
    "texts": ["'{}'::text[]", "'{a,b}'::text[]", "'{NULL,x}'::text[]", "'{\"\",\"a b\"}'::text[]"],
    "jsonb": ["'{\"a\": 1, \"b\": [1, 2]}'::jsonb", "'[1, \"a\", null]'::jsonb", "'null'::jsonb",
              "'\"s\"'::jsonb", "'{}'::jsonb", "NULL::jsonb", "'1.50'::jsonb"],
    "bytes": ["'\\x'::bytea", "'\\x00ff'::bytea", "'\\x616263'::bytea"],
    "unit": ["'day'", "'month'", "'year'", "'week'", "'hour'", "'quarter'", "'decade'", "'century'",
             "'minute'", "'second'", "'milliseconds'"],
    "format": ["'YYYY-MM-DD'", "'HH24:MI:SS.US'", "'Dy DD Mon'", "'FMDay, FMDDth'", "'IYYY-IW-ID'",
               "'J Q WW'", "'HH12 AM'", "'CC Y,YYY'", "'MS SSSS'"],
    "digits": ["'999'", "'FM990.00'", "'S99.9'", "'0000'", "'9,999.99'",
               "'99PR'", "'RN'", "'MI9.9'"],
}  # fmt: skip

TEMPLATES = """
{int} + {small} | {int} - {int} | {int} * {small} | {int} / nullif({small}, 0)
{int} % nullif({small}, 0) | abs({int}) | - {small} | {int} & {int} | {int} # {small} | ~ {int}
{int} << {small} | {int} >> {small} | gcd({int}, {int}) | lcm({small}, {small}) | sign({int})
mod({int}, nullif({small}, 0)) | div({numeric}, nullif({numeric}, 0)) | greatest({int}, {int}, {small})
least({int}, {float}) | coalesce({int}, {small}) | nullif({int}, {small}) | {int}::text
{int}::float8 | {int}::bool | {bool}::int | {int} = {small} | {int} IS DISTINCT FROM {int}
{int} BETWEEN {small} AND {int} | {int} IN ({small}, {int}) | {int} NOT IN ({small}, NULL)
to_hex({int}) | chr(65 + abs({small})) | factorial(abs({small})) | width_bucket({float}, 0, 10, 5)
{numeric} + {numeric} | {numeric} * {numeric} | {numeric} - {int} | round({numeric}) | ceil({numeric})
round({numeric}, {small}) | trunc({numeric}, {small}) | floor({numeric}) | trunc({numeric})
{numeric}::int | {numeric}::text | sign({numeric}) | abs({numeric}) | mod({numeric}, {numeric} + 7)
{numeric} = {int} | {numeric} < {float} | {numeric}::numeric(10,1) | scale({numeric})
min_scale({numeric}) | trim_scale({numeric}) | power({numeric}, 2) | {numeric} % 7
{float} + {float} | {float} * {small} | round({float}) | floor({float}) | ceil({float}) | trunc({float})
sign({float}) | abs({float}) | {float}::text | {float} = {float} | {float} < {float}
{float} <> {float} | greatest({float}, {float}) | least({float}, {float}) | {float} BETWEEN 0 AND 2
{float} IN ({float}, {float}) | {float} IS NOT DISTINCT FROM {float} | cbrt({float}) | exp(least({float}, 5))
sqrt(abs({float})) | atan({float}) | atan2({float}, {float}) | tanh({float}) | degrees({float})
sin(least(greatest({float}, -9), 9)) | power(abs({float}), 0.5) | {float}::real | coalesce({float}, 1)
least({float}, {small})::numeric(20,3) | nullif({float}, {float}) | {float}::int8::text
length({text}) | octet_length({text}) | bit_length({text}) | upper({text}) | lower({text}) | initcap({text})
reverse({text}) | left({text}, {small}) | right({text}, {small}) | repeat({text}, {small})
substr({text}, {small}) | substr({text}, {small}, abs({small})) | substring({text} FROM {small})
substring({text} FROM {small} FOR abs({small})) | substring({text} FROM {pattern})
position({text} IN {text}) | strpos({text}, {text}) | overlay({text} PLACING {text} FROM 1 + abs({small}))
overlay({text} PLACING {text} FROM 2 FOR abs({small})) | trim({text}) | ltrim({text}, {text})
rtrim({text}, {text}) | btrim({text}, {text}) | trim(LEADING {text} FROM {text}) | lpad({text}, {small})
lpad({text}, 5, {text}) | rpad({text}, 4, {text}) | rpad({text}, {small}) | replace({text}, {text}, {text})
translate({text}, {text}, {text}) | split_part({text}, {text}, 1 + abs({small})) | split_part({text}, {text}, -1)
ascii({text}) | md5({text}) | quote_literal({text}) | quote_ident({text}) | quote_nullable({text})
concat({text}, {int}, {bool}) | concat_ws({text}, {text}, {int}, NULL, {float}) | {text} || {text}
{text} || {int} | {text} || {float} | {text} || {date} | format('%s-%I-%L', {text}, {text}, {text})
format('%5s|%-5s', {text}, {int}) | {text} LIKE {text} | {text} ILIKE 'A%' | {text} LIKE '%\\%'
{text} NOT LIKE '_b%' | {text} SIMILAR TO '(a|h)%' | {text} ~ {pattern} | {text} ~* {pattern}
{text} !~ {pattern} | regexp_replace({text}, {pattern}, '<\\&>') | regexp_replace({text}, {pattern}, 'Z', 'g')
regexp_replace({text}, {pattern}, '[\\1]', 'gi') | regexp_match({text}, {pattern})
regexp_split_to_array({text}, {pattern}) | regexp_count({text}, {pattern}) | regexp_substr({text}, {pattern})
regexp_instr({text}, {pattern}) | regexp_like({text}, {pattern}) | regexp_count({text}, {pattern}, 2)
regexp_substr({text}, {pattern}, 1, 2) | regexp_instr({text}, {pattern}, 1, 2) | starts_with({text}, {text})
regexp_replace({text}, {pattern}, 'Z', 2) | regexp_replace({text}, {pattern}, 'Z', 1, 2) | {text} ^@ {text}
string_to_array({text}, {text}) | string_to_array({text}, NULL) | string_to_array({text}, 'b', 'a')
{text}::varchar(2) | {text}::char(3) | {text}::char(3) = {text} | {text} < {text} | {text} = {text}
{text} IN ({text}, {text}) | encode({text}::bytea, 'base64') | encode({text}::bytea, 'escape')
{text} COLLATE "C" < {text} | parse_ident('a.b')::text | unistr({text}) | normalize({text}, NFD)
{date} + {small} | {date} - {small} | {date} - {date} | {date} + {interval} | {date} - {interval}
{date} + {time} | {date}::timestamp | {date}::text | {date} < {date} | {date} = {timestamp}
extract(year FROM {date}) | extract(isodow FROM {date}) | extract(week FROM {date}) | extract(doy FROM {date})
extract(isoyear FROM {date}) | extract(century FROM {date}) | extract(decade FROM {date})
extract(millennium FROM {date}) | extract(quarter FROM {date}) | extract(epoch FROM {date})
extract(julian FROM {date}) | date_part('dow', {date}) | date_trunc({unit}, {date}) | to_char({date}, {format})
age({date}, {date}) | make_date(2020, 1 + abs({small}), 5) | isfinite({date})
{timestamp} + {interval} | {timestamp} - {interval} | {timestamp} - {timestamp} | {timestamp}::date
{timestamp}::time | {timestamp}::text | {timestamp} < {timestamp} | extract(epoch FROM {timestamp})
extract(second FROM {timestamp}) | extract(milliseconds FROM {timestamp}) | date_part('hour', {timestamp})
date_trunc({unit}, {timestamp}) | to_char({timestamp}, {format}) | age({timestamp}, {timestamp})
date_bin('15 minutes', {timestamp}, timestamp '2001-01-01') | date_bin('7 days', {timestamp}, timestamp '2001-01-01')
{timestamp} AT TIME ZONE 'UTC' | {timestamp} AT TIME ZONE 'Europe/Berlin' | {timestamp}::timestamp(0)
({date}, {date}) OVERLAPS ({date}, {interval}) | ({timestamp}, {interval}) OVERLAPS ({timestamp}, {interval})
{interval} + {interval} | {interval} - {interval} | {interval} * {small} | {interval} * 1.5 | {interval} / 3
- {interval} | {interval}::text | {interval} < {interval} | {interval} = {interval} | justify_days({interval})
justify_hours({interval}) | justify_interval({interval}) | extract(epoch FROM {interval})
extract(day FROM {interval}) | extract(month FROM {interval}) | extract(second FROM {interval})
date_trunc({unit}, {interval}) | to_char({interval}, 'HH24:MI:SS') | to_char({interval}, 'YYYY MM DD')
greatest({interval}, {interval}) | {interval}::time | make_interval(days => {small}, secs => 1.5)
{time} + {interval} | {time} - {time} | {time}::text | {time} < {time} | extract(hour FROM {time}) | {time}::interval
{time} - {interval} | to_char({time}::interval, 'HH12:MI AM') | date_part('second', {time})
to_char({int}, {digits}) | to_char({numeric}, {digits}) | to_char({float}, '9990.99') | to_char({small}, 'FM99th')
{bool} AND {bool} | {bool} OR {bool} | NOT {bool} | {bool} = {bool} | {bool} IS NOT TRUE | {bool}::text
{bool} < {bool} | {bool} IS UNKNOWN | {bool} <> {bool} | CASE WHEN {bool} THEN {int} ELSE {float} END
CASE {int} WHEN {small} THEN 'x' WHEN 1 THEN 'y' END | CASE WHEN {bool} THEN {date} ELSE {timestamp} END
{ints} || {ints} | {ints} || {int} | {int} || {ints} | {ints} = {ints} | {ints} < {ints} | {ints} @> {ints}
{ints} <@ {ints} | {ints} && {ints} | ({ints})[{small}] | ({ints})[1:2] | ({ints})[{small}:] | {int} = ANY ({ints})
{int} < ALL ({ints}) | {int} <> ALL ({ints}) | array_length({ints}, 1) | cardinality({ints}) | array_ndims({ints})
array_position({ints}, {small}) | array_positions({ints}, 2) | array_remove({ints}, {small}) | array_dims({ints})
array_replace({ints}, {small}, 9) | array_append({ints}, {int}) | array_prepend({int}, {ints}) | array_cat({ints}, {ints})
array_to_string({ints}, ',') | array_to_string({ints}, ',', '*') | array_upper({ints}, 1) | {ints}::text | {ints}::float8[]
trim_array({ints}, 1) | array_fill({int}, ARRAY[2]) | ARRAY[{int}, {small}] | array_lower({ints}, 1) | {texts} || {text}
array_to_string({texts}, '|', 'N') | {text} = ANY ({texts}) | array_position({texts}, {text}) | {texts}::text | {texts} @> {texts}
{jsonb} -> 'a' | {jsonb} ->> 'a' | {jsonb} -> {small} | {jsonb} ->> {small} | {jsonb} #> '{b,0}' | {jsonb} #>> '{b,1}'
{jsonb} @> {jsonb} | {jsonb} ? 'a' | {jsonb} || {jsonb} | {jsonb} - 'a' | {jsonb} = {jsonb} | {jsonb} < {jsonb} | {jsonb}::text
jsonb_typeof({jsonb}) | jsonb_pretty({jsonb}) | to_jsonb({float} * 0 + 1) | to_jsonb({text}) | to_jsonb({ints}) | to_jsonb({date})
jsonb_set({jsonb}, '{a}', '9') | jsonb_build_object('k', {numeric}) | jsonb_build_array({int}, {text}, {bool}) | to_json({timestamp})
json_build_object('t', {timestamp}, 'i', {interval}) | row_to_json(ROW({int}, {text}))::text | jsonb_strip_nulls({jsonb})
length({bytes}) | encode({bytes}, 'hex') | md5({bytes}) | {bytes} || {bytes} | substr({bytes}, 1, 2) | {bytes} = {bytes} | {bytes}::text
get_byte({bytes} || '\\x01', 0) | sha256({bytes})::text | bit_count({bytes}) | overlay({bytes} PLACING '\\xaa' FROM 1)
ROW({int}, {text}) = ROW({small}, {text}) | ({int}, {small}) < ({small}, {int}) | ({int}, {text}) IS NULL | ROW({int}, NULL) IS NOT NULL
({int}, {small}) IN ((1, 2), ({small}, 0)) | num_nulls({int}, {text}, {bool}) | num_nonnulls({int}, {date}) | {int} IS NULL
pg_typeof({int}) | pg_typeof({numeric} * 2) | pg_typeof({date} + {interval}) | pg_typeof({date} - {date}) | pg_typeof({ints})
"""  # noqa: E501  # a template longer than a line would be torn apart

_TEMPLATES = [part.strip() for line in TEMPLATES.strip().splitlines() for part in line.split(" | ")]
_PART = re.compile("{(" + "|".join(EDGES) + ")}")


def expressions(seed: int, count: int) -> list[str]:
    """So many expressions, each template about as often as any other."""
    random = Random(seed)
    drawn = (_TEMPLATES[n % len(_TEMPLATES)] for n in range(count))
    return [_PART.sub(lambda part: random.choice(EDGES[part[1]]), template) for template in drawn]


def over_columns(seed: int, count: int) -> list[str]:
    """The same over the columns of a row, of which nothing is known while a statement is read."""
    random = Random(seed)
    return [_over(_TEMPLATES[n % len(_TEMPLATES)], random) for n in range(count)]


def _over(template: str, random: Random) -> str:
    values: list[str] = []

    def named(part: re.Match[str]) -> str:
        drawn = random.choice(EDGES[part[1]])
        if part[1] in _WRITTEN:
            return drawn
        values.append(drawn)
        return f"c{len(values)}"

    expression = _PART.sub(named, template)
    names = ", ".join(f"c{number}" for number in range(len(values) + 1))
    return f"{expression} FROM (VALUES ({', '.join(['0', *values])})) AS v({names})"


# What is asked for in a literal.
_WRITTEN = ("pattern", "unit", "format", "digits")


def size() -> int:
    """How many templates there are."""
    return len(_TEMPLATES)


# What is told in docs/sql.md to differ: a float for a numeric, and the words of the C locale.
KNOWN = (
    "power(", "extract(", "'ß'", "'日本語'", "'😀b'", "sign('NaN'", "'9990.99'", "'gi'", 
    "'1.50'::jsonb ->", "'\"s\"'::jsonb ->", "'null'::jsonb ->",
)  # fmt: skip
