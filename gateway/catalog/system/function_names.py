"""What texts of regproc and regprocedure mean, and how a user's function is written as one.

A name stands alone where nothing else along the search_path has it; PostgreSQL manual, 8.19.

And its definition, as pg_get_functiondef gives it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from gateway.catalog.deparsing.definitions import default_text
from gateway.catalog.system.recorded import columns_of, schemas_of
from gateway.errors import AmbiguousFunction
from gateway.sql.meaning.functions import Function
from gateway.sql.text.quoting import identifier
from gateway.store.definitions.catalogue import Routine

Signature = tuple[str, ...]


@cache
def _recorded() -> Mapping[tuple[str, str], Sequence[int]]:
    """(Schema, name) of PostgreSQL's own functions -> their oids."""
    schemas, found = schemas_of("pg_proc"), defaultdict(list)
    for oid, name in columns_of("pg_catalog.pg_proc", "oid", "proname"):
        found[schemas[oid], name].append(oid)
    return found


def shown_functions(functions: Sequence[Routine], path: Sequence[str]) -> dict[int, str]:
    """oid -> a user's function as regproc shows it."""
    counts = Counter((each.function.schema, each.function.name) for each in functions)
    shown = {}
    for each in functions:
        schema, name = each.function.schema, each.function.name
        alike = sum(counts[at, name] + len(_recorded().get((at, name), ())) for at in path)
        alone = schema in path and alike == 1
        shown[each.oid] = _written(each.function, alone=alone)
    return shown


def shown_signatures(functions: Sequence[Routine], path: Sequence[str]) -> dict[int, str]:
    """oid -> a user's function as regprocedure shows it."""
    signatures = Counter((each.function.name, _types(each.function)) for each in functions)
    shown = {}
    for each in functions:
        alone = each.function.schema in path
        alone &= signatures[each.function.name, _types(each.function)] == 1
        name = _written(each.function, alone=alone)
        shown[each.oid] = f"{name}({','.join(_types(each.function))})"
    return shown


def _written(function: Function, *, alone: bool) -> str:
    name = identifier(function.name)
    return name if alone else f"{identifier(function.schema)}.{name}"


def _types(function: Function) -> Signature:
    return tuple(argument.type.sql for argument in function.arguments)


def function_number(
    functions: Sequence[Routine], path: Sequence[str], parts: Sequence[str], text: str
) -> int | None:
    """The oid of the function of that name, `schema, name` or `name`.

    Raises:
        AmbiguousFunction: 42725, several have it.
    """
    places, name = (parts[-2:-1] or path), parts[-1]
    found = [oid for place in places for oid in _recorded().get((place, name), ())]
    found += [
        each.oid
        for each in functions
        if each.function.name == name and each.function.schema in places
    ]
    if len(found) > 1:
        raise AmbiguousFunction(f'more than one function named "{text}"')
    return found[0] if found else None


def signature_number(
    functions: Sequence[Routine], path: Sequence[str], parts: Sequence[str], given: Signature
) -> int | None:
    """The oid of a user's function of that name that takes these types."""
    for place in parts[-2:-1] or path:
        for each in functions:
            function = each.function
            if (function.schema, function.name) == (place, parts[-1]) and _types(function) == given:
                return each.oid
    return None


def _arguments(function: Function) -> str:
    parts = [f"{identifier(a.name)} {a.type.sql}" if a.name else a.type.sql
             for a in function.arguments]  # fmt: skip
    return ", ".join(parts)


def _definition(function: Function) -> str:
    words = [] if function.volatility == "volatile" else [function.volatility.upper()]
    words += ["STRICT"] if function.strict else []
    name = f"{identifier(function.schema)}.{identifier(function.name)}"
    lines = [f"CREATE OR REPLACE FUNCTION {name}({_arguments(function)})"]
    lines += [f" RETURNS {function.returns.sql}", " LANGUAGE sql"]
    lines += [f" {' '.join(words)}"] if words else []
    body = sql_body(function) or f"AS $function${function.body}$function$"
    return "\n".join([*lines, body, ""])


def sql_body(function: Function) -> str | None:
    """RETURN and the expression of a function that was made so; None for one with a text."""
    if function.bound is None:
        return None
    types = {argument.name: argument.type for argument in function.arguments if argument.name}
    return f"RETURN {default_text(function.body, function.returns, types)}"


FUNCTION_TEXTS: Mapping[str, Callable[[Function], str | None]] = {
    "definition": _definition,
    "arguments": _arguments,
    "identity": _arguments,
    "result": lambda function: function.returns.sql,
    "body": sql_body,
}
