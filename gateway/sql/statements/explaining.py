"""The options of EXPLAIN: taken where they are obeyed or change nothing, else refused by name.

Names and values are PostgreSQL 15's (manual, EXPLAIN); REWRITE, the engine's SQL, is our own. The
engine's plan has neither costs nor a summary.
"""

from __future__ import annotations

from gateway.errors import FeatureNotSupported, InvalidParameterValue, SyntaxFault
from gateway.sql.statements.statement import Explain, Kind
from gateway.types import BY_NAME, TEXT, Type

_VALUES = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}

_OBEYED = frozenset({"analyze", "verbose", "rewrite"})
# Other options that can be on or off -> the values that leave the output as it is.
_WITHOUT_EFFECT = {
    "costs": (True, False),
    "timing": (True, False),
    "summary": (False,),
    # what they list is left out where there is none of it, and there are no buffers and no WAL
    "buffers": (True, False),
    "settings": (True, False),
    "wal": (True, False),
}


def explain_options(explain: Explain) -> frozenset[str]:
    """Which of `analyze`, `verbose` and `rewrite` are asked for, `json`, and `untimed`.

    Raises:
        SyntaxFault: 42601, no such option or value.
        InvalidParameterValue: 22023, TIMING or WAL without ANALYZE.
        FeatureNotSupported: 0A000, an option that would ask for another output, or ANALYZE of a
            statement that changes something.
    """
    options, form = dict(explain.options), _form(explain)
    options.pop("format", None)
    if form not in ("text", "json"):
        raise FeatureNotSupported(
            f"EXPLAIN (FORMAT {form.upper()}) is not supported", hint="FORMAT TEXT and JSON are."
        )
    values = {name: _boolean(name, value) for name, value in options.items()}
    asked = frozenset(name for name in _OBEYED if values.get(name))
    for name in ("wal", "timing"):
        if values.get(name) and "analyze" not in asked:
            raise InvalidParameterValue(f"EXPLAIN option {name.upper()} requires ANALYZE")
    for name, value in values.items():
        if value not in _WITHOUT_EFFECT.get(name, (True, False)):
            shown = f"{name.upper()} {'ON' if value else 'OFF'}"
            raise FeatureNotSupported(f"EXPLAIN ({shown}) is not supported")
    if "analyze" in asked and explain.statement.kind != Kind.QUERY:
        raise FeatureNotSupported(
            f"EXPLAIN ANALYZE of {explain.statement.command} is not supported",
            hint="Write EXPLAIN without ANALYZE, or run the statement.",
        )
    also = {"json"} if form == "json" else set()
    return asked | also | ({"untimed"} if values.get("timing") is False else set())


def plan_type(explain: Explain) -> Type:
    """The type of the one column: a line of text a row, or one document."""
    return BY_NAME["json"] if _form(explain) == "json" else TEXT


def _form(explain: Explain) -> str:
    return dict(explain.options).get("format", "text").lower()


def _boolean(name: str, value: str) -> bool:
    if name not in _OBEYED and name not in _WITHOUT_EFFECT:
        raise SyntaxFault(f'unrecognized EXPLAIN option "{name}"')
    found = _VALUES.get(value.lower())
    if found is None:
        raise SyntaxFault(f"{name} requires a Boolean value")
    return found
