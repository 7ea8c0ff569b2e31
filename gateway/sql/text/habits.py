"""What users of other systems write, and what to write here instead.

sqlglot reads a good deal of other systems' SQL; what PostgreSQL refuses of it is refused here, in
its words. `hint_at` and `FUNCTIONS` say what the same is called in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import GatewayError, SyntaxFault, UndefinedFunction
from gateway.sql.inputs.number_input import refuse_overflow
from gateway.sql.text.words import PARAMETER_SIGN

# Words that begin a clause: none of them can stand after a comma.
_CLAUSES = frozenset({
    "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "OFFSET", "UNION", "INTERSECT",
    "EXCEPT", "WINDOW", ")",
})  # fmt: skip
_STATEMENTS = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "EXPLAIN", "ATTACH",
    "DETACH", "COPY", "TRUNCATE", "VACUUM", "ANALYZE", "GRANT", "REVOKE", "COMMIT", "ROLLBACK",
    "BEGIN", "SHOW", "COMMENT", "REFRESH",
)  # fmt: skip

# The first word of a statement that is no command of PostgreSQL's -> what does the same.
_COMMANDS: Mapping[str, str] = {
    "DESCRIBE": "psql shows a table by \\d NAME; its columns are in information_schema.columns.",
    "DESC": "psql shows a table by \\d NAME; its columns are in information_schema.columns.",
    "USE": "A connection has one database; SET search_path TO NAME takes another schema.",
    "PRAGMA": "Tables and columns are in information_schema.tables and information_schema.columns.",
    "FROM": "A query begins with SELECT: SELECT * FROM NAME.",
    "EXEC": "Functions are called in a query: SELECT name(arguments).",
    "GO": "Statements end with a semicolon.",
    "REPLACE": "Write INSERT ... ON CONFLICT (key) DO UPDATE SET ...",
    "SUMMARIZE": "Write SELECT count(x), min(x), avg(x), max(x) FROM NAME.",
}
# What other systems write after the type of a column that numbers its rows.
NUMBERING = ("AUTO_INCREMENT", "AUTOINCREMENT")
# A word at which a statement stops being SQL -> what to write.
_WORDS: Mapping[str, str] = {
    "`": 'Names are quoted by double quotes: "name".',
    **dict.fromkeys(NUMBERING, "Write GENERATED ALWAYS AS IDENTITY."),
    "DATASET": "Write ATTACH 'path or URL' AS name.",
}

# Operators of other systems -> what to write.
_OPERATORS: Mapping[str, str] = {
    "==": "Write = to compare.",
    "<=>": "Write IS NOT DISTINCT FROM.",
}
# Nodes that sqlglot makes of `f(a AS b)`, RETURNING ... INTO and CAST(... FORMAT ...).
FOREIGN: tuple[type[exp.Expr], ...] = (
    exp.Alias, exp.Cast, exp.Returning, exp.StrToDate, exp.StrToTime,
)  # fmt: skip

_MISSPELT = ("FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT")

# Functions of other systems -> what gives the same.
FUNCTIONS: Mapping[str, str] = {
    **dict.fromkeys(("isnull", "ifnull", "nvl"), "Write coalesce(value, other)."),
    **dict.fromkeys(("if", "iif", "decode_case"),
                    "Write CASE WHEN condition THEN value ELSE other END."),
    **dict.fromkeys(("getdate", "sysdate", "getutcdate", "systimestamp", "utcnow", "today"),
                    "Write now(), or current_date."),
    **dict.fromkeys(("datediff", "date_diff", "timestampdiff", "julianday"),
                    "Subtract them: date '2020-01-02' - date '2020-01-01' is a number of days."),
    **dict.fromkeys(("dateadd", "date_add", "adddate", "date_sub", "timestampadd"),
                    "Add an interval: time + interval '1 day'."),
    **dict.fromkeys(("strftime", "format_date", "dateformat", "date_format"),
                    "Write to_char(time, 'YYYY-MM-DD')."),
    **dict.fromkeys(("strptime", "str_to_date", "parse_date", "to_datetime", "datetime"),
                    "Write to_timestamp(text, 'YYYY-MM-DD'), or a cast: text::timestamp."),
    **dict.fromkeys(("year", "month", "day", "hour", "minute", "second", "quarter", "week",
                     "dayofyear", "dayofweek", "monthname"),
                    "Write extract(year FROM time); month, day, hour, doy, ... alike."),
    **dict.fromkeys(("group_concat", "listagg", "list_agg"), "Write string_agg(text, ',')."),
    **dict.fromkeys(("std", "stdev", "stddev_sample"), "Write stddev_samp(x), or stddev_pop(x)."),
    **dict.fromkeys(("len", "str_len"), "Write length(text)."),
    **dict.fromkeys(("charindex", "locate"), "Write strpos(text, part)."),
    **dict.fromkeys(("convert", "try_cast", "to_int", "to_float", "astype"),
                    "Write CAST(value AS type), or value::type."),
    **dict.fromkeys(("rand",), "Write random()."),
    **dict.fromkeys(("ucase",), "Write upper(text)."),
    **dict.fromkeys(("lcase",), "Write lower(text)."),
    **dict.fromkeys(("list", "collect_list", "collect"), "Write array_agg(value)."),
    **dict.fromkeys(("count_distinct", "nunique", "approx_count_distinct"),
                    "Write count(DISTINCT value)."),
    **dict.fromkeys(("argmax", "arg_max", "idxmax", "argmin", "arg_min", "idxmin"),
                    "Write (array_agg(value ORDER BY by DESC))[1], or DISTINCT ON."),
    **dict.fromkeys(("percentile", "quantile", "percentile_approx"),
                    "Write percentile_cont(0.5) WITHIN GROUP (ORDER BY x)."),
    **dict.fromkeys(("diff", "derivative", "deriv", "gradient", "partial", "d"),
                    "Write grad(expression, column); along a dimension of a dataset, "
                    "differentiate(variable, dimension)."),
    **dict.fromkeys(("read_csv", "read_csv_auto", "read_parquet", "parquet_scan", "read_json"),
                    "Load it by psql's \\copy table FROM 'file' (FORMAT csv)."),
    **dict.fromkeys(("open_dataset", "read_zarr", "read_netcdf", "open_zarr"),
                    "An administrator makes tables of it by ATTACH 'path or URL' AS name."),
}  # fmt: skip


def hint_at_file(name: str) -> str:
    """What to do with a file that was named in the place of a table; "" for no file's name."""
    if "/" in name or name.endswith((".nc", ".zarr", ".csv", ".parquet", ".grib")):
        return "A file becomes a table by ATTACH 'path or URL' AS name, or by psql's \\copy."
    return ""


def hint_at(token: Token, tokens: Sequence[Token]) -> str:
    """What to write in the place of what stops being SQL at `token`; "" for nothing known."""
    first, word = tokens[0].text.upper(), token.text.upper()
    if token is tokens[0]:
        near = get_close_matches(word, _STATEMENTS, n=1, cutoff=0.7)
        known = not near or near[0] == word
        return _COMMANDS.get(word) or ("" if known else f"Perhaps you meant {near[0]}.")
    if first == "SELECT" and len(tokens) > 2 and tokens[1].text.upper() == "TOP":
        return "Write LIMIT and the number at the end of the query."
    if first == "ATTACH" and token is tokens[1]:
        return _WORDS["DATASET"]
    if first == "DETACH":
        return "Write DETACH name."
    return _WORDS.get(word) or _from_before(token, tokens)


def _from_before(token: Token, tokens: Sequence[Token]) -> str:
    """What the words before it tell: `INTERVAL 1 DAY`, and `FORM t`, which is an alias so far."""
    place = next((at for at, each in enumerate(tokens) if each is token), 0)
    before = [each.text.upper() for each in tokens[max(place - 2, 0) : place]]
    if "INTERVAL" in before:
        return "Write interval '1 day'."
    if token.token_type == TokenType.STRING and before[-1] in ("FROM", "JOIN"):
        return hint_at_file(token.text)
    near = get_close_matches(before[-1], _MISSPELT, n=1, cutoff=0.7) if before else []
    return f"Perhaps you meant {near[0]}." if near and near[0] != before[-1] else ""


def refuse_foreign(tokens: Sequence[Token], text: str) -> None:
    """Refuse words that sqlglot reads and PostgreSQL does not.

    Raises:
        SyntaxFault: 42601. UndefinedFunction: 42883, an operator.
        NumericValueOutOfRange: 22003, a number.
    """
    for place in range(len(tokens)):
        if (fault := _foreign(place, tokens, text)) is not None:
            raise fault


def _foreign(place: int, tokens: Sequence[Token], text: str) -> GatewayError | None:
    token = tokens[place]
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    if token.token_type == TokenType.NUMBER:
        if "." in token.text and text[token.start - 1 : token.start] == ".":  # .5.5
            near = token.text[token.text.index(".") :]
            place = token.end + 2 - len(near)
            return SyntaxFault(f'syntax error at or near "{near}"', position=place)
        refuse_overflow(token.text, token.start + 1)
        return _junk(place, tokens, text)
    if token.token_type in (TokenType.EQ, TokenType.NULLSAFE_EQ):
        return _unknown_operator(token, text)
    if (wrong := _foreign_word(place, tokens, text)) is not None:
        near = text[wrong.start : wrong.end + 1]
        return SyntaxFault(f'syntax error at or near "{near}"', position=wrong.start + 1)
    if token.token_type == TokenType.NOT and text[token.start] == "!" and not _negates(after, text):
        return UndefinedFunction(
            "operator does not exist: !", hint="Write NOT.", position=token.start + 1
        )
    if token.token_type == TokenType.COMMA and after is not None:
        near = text[after.start : after.end + 1]
        if after.token_type != TokenType.IDENTIFIER and near.upper() in _CLAUSES:
            return SyntaxFault(f'syntax error at or near "{near}"', position=after.start + 1)
    if token.token_type == TokenType.LIMIT and _counts_twice(place, tokens):
        return SyntaxFault(
            "LIMIT #,# syntax is not supported",
            hint="Use separate LIMIT and OFFSET clauses.",
            position=token.start + 1,
        )
    return None


def foreign_word(node: exp.Expr) -> str | None:
    """The word that begins what PostgreSQL does not know of a node; None: it knows all of it."""
    if isinstance(node, exp.Alias):
        return "AS" if isinstance(node.parent, exp.Anonymous) else None
    if isinstance(node, exp.Returning):
        return "INTO" if node.args.get("into") else None
    formatted = isinstance(node, exp.StrToDate | exp.StrToTime)
    return "FORMAT" if formatted or node.args.get("format") else None


def _unknown_operator(token: Token, text: str) -> UndefinedFunction | None:
    written = text[token.start : token.end + 1]
    hint = _OPERATORS.get(written)
    if hint is None:
        return None
    name = f"operator does not exist: {written}"
    return UndefinedFunction(name, hint=hint, position=token.start + 1)


# Two words that never stand beside one another in PostgreSQL's SQL.
_PAIRS = frozenset({
    ("WITH", "OFFSET"), ("FROM", "VALUES"), ("JOIN", "VALUES"), ("SELECT", "AS"), ("ARRAY", "<"),
    ("MATCHED", "BY"), ("INSERT", "ROW"), ("CURRENT_DATE", "("), ("CURRENT_USER", "("),
})  # fmt: skip

_MOMENTS = (
    TokenType.CURRENT_TIME,
    TokenType.CURRENT_TIMESTAMP,
    TokenType.LOCALTIME,
    TokenType.LOCALTIMESTAMP,
)


def _foreign_word(place: int, tokens: Sequence[Token], text: str) -> Token | None:
    """The word behind this one, or the next, that no statement has there."""
    token, after, further = (*tokens[place : place + 3], None, None)[:3]
    if token is None or after is None:
        return None
    kinds = (token.token_type, after.token_type)
    if kinds == (TokenType.STRING, TokenType.STRING):  # one text only across lines
        return None if "\n" in text[token.end : after.start] else after
    if kinds == (TokenType.ALIAS, TokenType.STRING):
        return None if tokens[0].text.upper() == "CREATE" else after  # a function's body
    if TokenType.IDENTIFIER in kinds:
        return None
    if further is not None and kinds[0] in _MOMENTS and (after.text, further.text) == ("(", ")"):
        return further
    return after if (token.text.upper(), after.text.upper()) in _PAIRS else None


def _negates(after: Token | None, text: str) -> bool:
    """Whether an exclamation mark is before ~ or ~~, which are negated by it."""
    return after is not None and text[after.start] == "~"


def _junk(place: int, tokens: Sequence[Token], text: str) -> SyntaxFault | None:
    """Letters right after a number: `2m_temperature` would be 2 under the name m_temperature."""
    number = tokens[place]
    if number.text[-1] in "eE":  # an exponent without digits
        near = f'trailing junk after numeric literal at or near "{number.text}"'
        return SyntaxFault(near, position=number.start + 1)
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    if after is None or after.start != number.end + 1:
        return None
    first = text[after.start]
    if not (first.isalpha() or first == "_"):
        return None
    parameter = place > 0 and text[tokens[place - 1].start] in ("$", PARAMETER_SIGN)
    start = tokens[place - 1].start if parameter else number.start
    near = text[start : after.end + 1].replace(PARAMETER_SIGN, "$")
    what = "parameter" if parameter else "numeric literal"
    named = not parameter and number.text.isdigit() and len(near) > len(number.text) + 2
    return SyntaxFault(
        f'trailing junk after {what} at or near "{near}"',
        hint=f'A name that begins with a digit is quoted: "{near}".' if named else "",
        position=start + 1,
    )


def _counts_twice(place: int, tokens: Sequence[Token]) -> bool:
    """Whether LIMIT has two numbers with a comma between them, as in MySQL."""
    words = tokens[place + 1 : place + 4]
    if words and words[0].text in ("$", PARAMETER_SIGN):
        words = tokens[place + 2 : place + 5]
    constants = (TokenType.NUMBER, TokenType.STRING)
    return (
        len(words) == 3
        and words[1].token_type == TokenType.COMMA
        and words[0].token_type in constants
        and (words[2].token_type in constants or words[2].text in ("$", PARAMETER_SIGN))
    )
