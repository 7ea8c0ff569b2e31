"""CREATE VIEW, from its tokens."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.errors import FeatureNotSupported, InvalidParameterValue
from gateway.sql.statements.commands import Reader
from gateway.sql.statements.statement import CreateView

CHECKS = ("local", "cascaded")
# Options that may be there as long as they are off.
_OFF = ("security_barrier", "security_invoker")


def read_view(
    reader: Reader,
    replace: bool,
    temporary: bool = False,
    *,
    inner: Callable[[Reader], tuple[exp.Expr, str]],
) -> CreateView:
    """CREATE [OR REPLACE] [TEMPORARY] VIEW, from its name on.

    Raises:
        FeatureNotSupported: 0A000, an option that would change what the view means.
        InvalidParameterValue: 22023, an option that there is not.
    """
    name = reader.qualified()
    columns = reader.inside(Reader.name) if reader.accept("(") else ()
    check = _options(reader) if reader.accept("WITH") else ""
    reader.need("AS")
    after = _check_option(reader)
    if after:
        check = after
    query, source = inner(reader)
    return CreateView(name, columns, query, source, replace, temporary, check)


def _check_option(reader: Reader) -> str:
    """WITH [CASCADED | LOCAL] CHECK OPTION at the end, taken away."""
    words = [token.text.upper() for token in reader.tokens[-4:]]
    for ending, check in (
        (["WITH", "CHECK", "OPTION"], "cascaded"),
        (["WITH", "CASCADED", "CHECK", "OPTION"], "cascaded"),
        (["WITH", "LOCAL", "CHECK", "OPTION"], "local"),
    ):
        if words[-len(ending) :] == ending:
            reader.tokens = reader.tokens[: -len(ending)]
            return check
    return ""


def _options(reader: Reader) -> str:
    """The options in parentheses; what check_option says."""
    check = ""
    reader.need("(")
    while True:
        option = reader.label()
        value = reader.take().text.lower() if reader.accept("=") else "true"
        if option == "check_option":
            if value not in CHECKS:
                raise InvalidParameterValue(
                    f'invalid value for enum option "check_option": {value}',
                    detail='Valid values are "local" and "cascaded".',
                )
            check = value
        elif option not in _OFF:
            raise InvalidParameterValue(f'unrecognized parameter "{option}"')
        elif value not in ("false", "off", "no", "0"):
            raise FeatureNotSupported(f"CREATE VIEW with {option} is not supported")
        if reader.need(",", ")") == ")":
            return check
