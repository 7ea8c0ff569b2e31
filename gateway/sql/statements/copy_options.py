"""The options of COPY: what they mean together, and which of them contradict each other.

A row per option (`_VALUES`), a row per contradiction (`_RULES`): ProcessCopyOptions of PostgreSQL
15, src/backend/commands/copy.c, in its order and its words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import FeatureNotSupported, GatewayError, InvalidParameterValue, SyntaxFault
from gateway.sql.inputs.encodings import named
from gateway.sql.statements.copying import ALL
from gateway.sql.statements.statement import Copy, Option, Value


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """What the options of one COPY mean.

    `header` is "", "true" or "match". The three `force` lists name columns; ("*",) is all of them.
    `encoding` is PostgreSQL's name of the bytes' encoding, "" for the client's.
    """

    format: str = "text"
    delimiter: str = "\t"
    null: str = "\\N"
    header: str = ""
    quote: str = ""
    escape: str = ""
    force_quote: tuple[str, ...] = ()
    force_not_null: tuple[str, ...] = ()
    force_null: tuple[str, ...] = ()
    encoding: str = ""
    freeze: str = ""


def settled(copy: Copy) -> CopyOptions:
    """What its options mean together.

    Raises:
        SyntaxFault: 42601, an option that is unknown, twice, or of the wrong kind.
        InvalidParameterValue: 22023. FeatureNotSupported: 0A000. Those that contradict each other.
    """
    given: dict[str, Value] = {}
    for option in copy.options:
        read = _VALUES.get(option.name)
        if read is None:
            raise SyntaxFault(f'option "{option.name}" not recognized', position=option.place)
        if option.name in given:
            raise SyntaxFault("conflicting or redundant options", position=option.place)
        given[option.name] = read(option, copy.incoming)
    form = given.get("format", "text")
    for name in ("delimiter", "null"):
        if form == "binary" and name in given:
            raise SyntaxFault(f"cannot specify {name.upper()} in BINARY mode")
    defaults: dict[str, Value] = {}
    if form == "csv":
        quote = given.get("quote", '"')
        defaults = {"delimiter": ",", "null": "", "quote": quote, "escape": quote}
    options = CopyOptions(**{**defaults, **given})  # type: ignore[arg-type]  # a row per option
    _check(options, given, incoming=copy.incoming)
    return options


def _text(option: Option, incoming: bool) -> str:
    if option.value is None:
        raise SyntaxFault(f"{option.name} requires a parameter")
    return option.value if isinstance(option.value, str) else ".".join(option.value)


def _format(option: Option, incoming: bool) -> str:
    form = _text(option, incoming)
    if form not in ("text", "csv", "binary"):
        raise InvalidParameterValue(f'COPY format "{form}" not recognized', position=option.place)
    return form


_SWITCH = {None: "true", "1": "true", "0": "", "true": "true", "false": "", "on": "true", "off": ""}


def _switch(option: Option, incoming: bool) -> str:
    word = option.value.lower() if isinstance(option.value, str) else option.value
    if word not in _SWITCH:
        raise SyntaxFault(f"{option.name} requires a Boolean value")
    return _SWITCH[word]


def _header(option: Option, incoming: bool) -> str:
    if isinstance(option.value, str) and option.value.lower() == "match":
        if not incoming:
            raise FeatureNotSupported('cannot use "match" with HEADER in COPY TO')
        return "match"
    try:
        return _switch(option, incoming)
    except SyntaxFault:
        raise SyntaxFault('header requires a Boolean value or "match"') from None


def _column_list(option: Option, incoming: bool) -> tuple[str, ...]:
    if option.name == "force_quote" and option.value == ALL:
        return (ALL,)
    if not isinstance(option.value, tuple):
        raise InvalidParameterValue(
            f'argument to option "{option.name}" must be a list of column names',
            position=option.place,
        )
    return option.value


def _encoding(option: Option, incoming: bool) -> str:
    found = named(_text(option, incoming))
    if found is None:
        raise InvalidParameterValue(
            f'argument to option "{option.name}" must be a valid encoding name',
            position=option.place,
        )
    return found.name


_VALUES: dict[str, Callable[[Option, bool], Value]] = {
    "format": _format,
    "freeze": _switch,
    "delimiter": _text,
    "null": _text,
    "header": _header,
    "quote": _text,
    "escape": _text,
    "force_quote": _column_list,
    "force_not_null": _column_list,
    "force_null": _column_list,
    "encoding": _encoding,
}


def _check(options: CopyOptions, given: dict[str, Value], *, incoming: bool) -> None:
    """What ProcessCopyOptions of PostgreSQL checks, in its order (`_RULES`)."""
    for broken, error, message in _RULES:
        if broken(options, given, incoming):
            raise error(message.format(delimiter=options.delimiter))


def _not_one_byte(text: str) -> bool:
    return len(text.encode()) != 1


def _lines(text: str) -> bool:
    return "\n" in text or "\r" in text


Rule = tuple[Callable[[CopyOptions, dict[str, Value], bool], bool], type[GatewayError], str]
_UNSAFE = frozenset("\\.abcdefghijklmnopqrstuvwxyz0123456789")
_unable, _wrong = FeatureNotSupported, InvalidParameterValue


def _csv_only(name: str) -> Rule:
    words = name.replace("_", " ")
    return (
        lambda o, g, i: o.format != "csv" and name in g,
        _unable,
        f"COPY {words} available only in CSV mode",
    )


def _one_way(name: str, incoming: bool) -> Rule:
    words = name.replace("_", " ")
    way = "FROM" if incoming else "TO"
    return (
        lambda o, g, i: name in g and i != incoming,
        _unable,
        f"COPY {words} only available using COPY {way}",
    )


# fmt: off
_RULES: tuple[Rule, ...] = (
    (lambda o, g, i: _not_one_byte(o.delimiter), _unable,
     "COPY delimiter must be a single one-byte character"),
    (lambda o, g, i: _lines(o.delimiter), _wrong,
     "COPY delimiter cannot be newline or carriage return"),
    (lambda o, g, i: _lines(o.null), _wrong,
     "COPY null representation cannot use newline or carriage return"),
    (lambda o, g, i: o.format != "csv" and o.delimiter in _UNSAFE, _wrong,
     'COPY delimiter cannot be "{delimiter}"'),
    (lambda o, g, i: o.format == "binary" and bool(o.header), _unable,
     "cannot specify HEADER in BINARY mode"),
    _csv_only("quote"),
    (lambda o, g, i: o.format == "csv" and _not_one_byte(o.quote), _unable,
     "COPY quote must be a single one-byte character"),
    (lambda o, g, i: _lines(o.quote + o.escape), _wrong,  # PostgreSQL finds no end of such a field
     "COPY quote and escape cannot be newline or carriage return"),
    (lambda o, g, i: o.format == "csv" and o.delimiter == o.quote, _wrong,
     "COPY delimiter and quote must be different"),
    _csv_only("escape"),
    (lambda o, g, i: o.format == "csv" and _not_one_byte(o.escape), _unable,
     "COPY escape must be a single one-byte character"),
    _csv_only("force_quote"),
    _one_way("force_quote", incoming=False),
    _csv_only("force_not_null"),
    _one_way("force_not_null", incoming=True),
    _csv_only("force_null"),
    _one_way("force_null", incoming=True),
    (lambda o, g, i: o.delimiter in o.null, _unable,
     "COPY delimiter must not appear in the NULL specification"),
    (lambda o, g, i: o.format == "csv" and o.quote in o.null, _unable,
     "CSV quote character must not appear in the NULL specification"),
)
# fmt: on
