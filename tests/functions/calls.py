"""Random calls of PostgreSQL's functions of numbers and texts, with edge values.

A row of CALLS is a function or an operator, `{}` for each argument and before the colon what the
arguments are: i an integer, n a number with digits after the point, d a double, c a small count,
t a text, p a pattern, l a pattern of LIKE.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

VALUES: dict[str, tuple[str, ...]] = {
    "i": ("0", "1", "-1", "7", "-7", "10", "100", "2147483647", "-2147483648", "12",
          "18", "null::int"),
    "n": ("0.0", "1.5", "-1.5", "2.5", "0.5", "-0.5", "1.005", "99.995", "-0.001", "123456.789",
          "0.1", "3.14159265358979323846", "100.00", "9007199254740993.5", "2.50::numeric",
          "-7.25::numeric(8,2)"),
    "d": ("0::float8", "-0.0::float8", "1.5::float8", "2.5::float8", "-2.5::float8", "1e15::float8",
          "0.1::float8", "'NaN'::float8", "'Infinity'::float8", "-3.7::float8", "1e-5::float8"),
    "c": ("0", "1", "2", "3", "-1", "-2", "5", "10"),
    "t": ("''", "'a'", "'abc'", "'ABC def'", "'a,b,,c'", "'  pad '", "'ünïcödé'", "'x_y%z'",
          "'it''s'", "'1234567890'", "'foo bar foo'", "E'tab\\there'", "null"),
    "p": ("'a'", "'[a-c]+'", "'(.)(.)'", "'o*'", "'\\s'", "'^.'", "'.$'", "'(b)?c'", "'B'",
          "'[^,]*'", "'x|y'"),
    "l": ("'%'", "'a%'", "'_b_'", "'%o%'", "'a\\%'", "'x\\_y%'", "''", "'%,%'"),
}  # fmt: skip

NUMBERS = """
i: abs({}) | ii: mod({}, {}) | ii: {} % {} | ii: {} / {} | ii: gcd({}, {}) | ii: lcm({}, {})
ii: {} + {} | ii: {} - {} | ii: {} * {} | in: {} * {} | in: {} + {} | in: {} / {} | ni: {} / {}
nn: {} - {} | nn: {} * {} | nn: {} / {} | nn: {} % {} | nn: {} = {} | nn: {} < {} | in: {} >= {}
n: round({}) | nc: round({}, {}) | nc: trunc({}, {}) | n: trunc({}) | n: ceil({}) | n: floor({})
n: abs({}) | n: sign({}) | n: ({})::int8 | d: ({})::int8 | d: round({}) | d: trunc({})
d: ceil({}) | d: floor({}) | d: abs({}) | c: sign({}::float8) | dd: {} + {} | dd: {} * {}
dd: {} < {} | dd: {} = {} | nn: div({}, {}) | nn: mod({}, {}) | in: round({} * {})
inc: round({} * {}, {}) | in: ({} * {})::int8 | in: floor({} * {}) | in: ceil({} / {})
nn: greatest({}, {}) | in: least({}, {}) | n: scale({}) | n: min_scale({})
i: width_bucket({}, 0, 100, 7) | i: ({})::text | n: ({})::text | d: ({})::text | n: 'x' || {}
d: ({})::int4 | in: coalesce(null, {}, {}) | nn: nullif({}, {}) | i: to_hex(coalesce({}, 3))
i: 0 - {} | ii: {} & {} | ii: {}|({}) | ii: {} # {} | i: ~ {} | n: - {} | d: cbrt({}) | i: cbrt({})
d: degrees({}) | d: exp(least({}, 1))
"""
TEXTS = """
t: length({}) | t: upper(md5({})) | t: lower({}) | t: btrim({}) | t: reverse({}) | t: ascii({})
t: md5({}) | t: octet_length({}) | t: bit_length({}) | tc: left({}, {}) | tc: right({}, {})
tc: repeat({}, {}) | tc: lpad({}, {}) | tc: rpad({}, {}) | tct: lpad({}, {}, {})
tct: rpad({}, {}, {}) | tc: substr({}, {}) | tcc: substr({}, {}, {}) | tt: strpos({}, {})
tt: position({} in {}) | ttt: replace({}, {}, {}) | ttt: translate({}, {}, {})
ttc: split_part({}, {}, {}) | tt: btrim({}, {}) | tt: ltrim({}, {}) | tt: rtrim({}, {})
t: trim({}) | tt: {} || {} | ttt: concat({}, {}, {}) | ttt: concat_ws({}, {}, {})
tt: starts_with({}, {}) | tt: {} < {} | tt: {} = {} | tt: string_to_array({}, {})
t: quote_ident({}) | t: quote_literal({}) | t: quote_nullable({}) | tl: {} like {}
tl: {} ilike {} | tl: {} not like {} | tp: {} ~ {} | tp: {} ~* {} | tp: regexp_match({}, {})
tpt: regexp_replace({}, {}, {}) | tpt: regexp_replace({}, {}, {}, 'g')
tp: regexp_split_to_array({}, {}) | tp: regexp_count({}, {}) | tp: regexp_substr({}, {})
tp: regexp_instr({}, {}) | tp: regexp_like({}, {}, 'i') | tpc: regexp_instr({}, {}, 1, {})
t: to_json({}::text) | t: ({})::varchar(3) | t: ({})::char(3)
t: encode(({})::text::bytea, 'hex') | t: format('%s %I', {}, 'a')
tct: overlay({} placing 'Q' from {} + 3) || coalesce({}, '')
"""


def rows(table: str) -> list[tuple[str, str]]:
    """Kinds of arguments and the call, of each row."""
    cells = [cell.strip() for line in table.splitlines() for cell in line.split(" | ")]
    found = []
    for cell in cells:
        kinds, _, call = cell.partition(": ")
        if call:
            found.append((kinds, call))
    return found


def calls(table: str, seed: int, each: int) -> Iterator[str]:
    """So many calls of each row, the same ones for one seed."""
    pick = random.Random(seed)
    for kinds, call in rows(table):
        for _ in range(each):
            yield call.format(*(pick.choice(VALUES[kind]) for kind in kinds))
