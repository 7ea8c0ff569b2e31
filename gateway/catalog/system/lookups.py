"""The tables of names that functions of the catalogue read: one function each, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa

from gateway.catalog.system.contents import keys_of
from gateway.catalog.system.names import SYSTEM, Moment
from gateway.catalog.system.oids import ARRAY_TYPE, ROW_TYPE
from gateway.catalog.system.static import static
from gateway.sql.meaning.functions import Function
from gateway.sql.text.quoting import identifier

_PAIR = pa.schema([("oid", pa.int64()), ("text", pa.string())])

# Where a type's modifier is written (format_type.c); % stands for it.
_MODIFIED = {
    1042: "character%", 1043: "character varying%", 1700: "numeric%", 1560: "bit%",
    1562: "bit varying%", 1083: "time% without time zone", 1266: "time% with time zone",
    1114: "timestamp% without time zone", 1184: "timestamp% with time zone",
}  # fmt: skip


def helper_rows(name: str, moment: Moment) -> pa.Table:
    """The rows of the table `name` at a moment."""
    make = HELPERS.get(name)
    if make is not None:
        return make(moment)
    kind = name.removesuffix("_of")
    texts = moment.texts(kind)
    if not name.endswith("_of"):
        return pa.table([list(texts), list(texts.values())], schema=_PAIR)
    pairs = [pair for oid, text in texts.items() for pair in _spellings(kind, oid, text)]
    if kind == "regclass":
        pairs += list(_qualified(moment))
    unique = dict(reversed(pairs))
    return pa.table([list(unique.values()), list(unique)], schema=_PAIR)


def _spellings(kind: str, oid: int, text: str) -> Iterator[tuple[str, int]]:
    yield text, oid
    if kind in ("regproc", "regtype", "regprocedure") and "." not in text:
        yield f"pg_catalog.{text}", oid
    if kind == "regtype":
        found = static().types.get(oid)
        if found is not None:
            yield found.name, oid
            yield f"pg_catalog.{found.name}", oid
            yield f'"pg_catalog"."{found.name}"', oid


def _qualified(moment: Moment) -> Iterator[tuple[str, int]]:
    for (schema, name), oid in moment._classes.items():
        yield f"{identifier(schema)}.{identifier(name)}", oid
        if schema not in SYSTEM:  # as clients write names that they take apart from columns
            quoted = f'"{schema}"."{name}"'
            yield quoted, oid
            yield f'"{moment.database}".{quoted}', oid
            yield f"{identifier(moment.database)}.{identifier(schema)}.{identifier(name)}", oid


def _visible(moment: Moment) -> pa.Table:
    kinds, oids = [], []
    for oid in moment.class_texts:
        if oid in moment.visible_classes:
            kinds.append("c")
            oids.append(oid)
    schemas = {11: "pg_catalog", 13207: "information_schema"}
    for letter, table, column in (
        ("t", "pg_type", "typnamespace"),
        ("f", "pg_proc", "pronamespace"),
    ):
        rows = static().tables[f"pg_catalog.{table}"]
        pairs = zip(rows["oid"].to_pylist(), rows[column].to_pylist(), strict=True)
        found = [oid for oid, schema in pairs if schemas.get(schema) in moment.path]
        kinds += [letter] * len(found)
        oids += found
    for entry in moment.contents.relations:
        if entry.oid in moment.visible_classes:
            kinds += ["t", "t"]
            oids += [entry.part(ROW_TYPE), entry.part(ARRAY_TYPE)]
    for routine in moment.contents.functions:
        if routine.function.schema in moment.path:
            kinds.append("f")
            oids.append(routine.oid)
    return pa.table({"kind": kinds, "oid": pa.array(oids, pa.int64())})


def _format_type(moment: Moment) -> pa.Table:
    recorded = static().tables["text.format_type"]
    oids = recorded["oid"].to_pylist()
    modified, bases = [], []
    for oid in oids:
        element = static().types[oid].element if static().types[oid].category == "A" else 0
        head = _MODIFIED.get(element or oid)
        modified.append(f"{head}[]" if head and element else head)
        bases.append(element or oid)
    bare = [b if b != t else None for b, t in zip(
        recorded["bare"].to_pylist(), recorded["text"].to_pylist(), strict=True)]  # fmt: skip
    own = moment.row_type_texts
    nothing = [None] * len(own)
    return pa.table(
        {
            "oid": pa.array([*oids, *own], pa.int64()),
            "text": pa.array([*recorded["text"].to_pylist(), *own.values()], pa.string()),
            "bare": pa.array([*bare, *nothing], pa.string()),
            "modified": pa.array([*modified, *nothing], pa.string()),
            "base": pa.array([*bases, *nothing], pa.int64()),
        }
    )


def _constraintdef(moment: Moment) -> pa.Table:
    rows = [
        {"oid": each.oid, "text": each.definition, "pretty": each.pretty}
        for entry in moment.contents.relations
        for each in entry.constraints
    ]
    recorded = static().tables["text.constraintdef"]
    schema = _PAIR.append(pa.field("pretty", pa.string()))
    own = pa.Table.from_pylist(rows, schema=schema)
    return pa.concat_tables([recorded.append_column("pretty", recorded["text"]).cast(schema), own])


def _indexdef(moment: Moment) -> pa.Table:
    rows = []
    for entry, index in keys_of(moment.contents):
        unique = "UNIQUE " if index.unique else ""
        head = f"CREATE {unique}INDEX {identifier(index.name)} ON "
        tail = f" USING {index.method} ({', '.join(index.items)})"
        tail += f" WHERE {index.predicate}" if index.predicate else ""
        full = f"{identifier(entry.schema)}.{identifier(entry.name)}"
        pretty = moment.class_texts[entry.oid]
        rows.append(
            {
                "oid": index.oid, "text": f"{head}{full}{tail}", "pretty": f"{head}{pretty}{tail}",
                "columns": [item.split()[0] for item in index.items],
            }
        )  # fmt: skip
    recorded = static().tables["text.indexdef"]
    return pa.concat_tables([recorded, pa.Table.from_pylist(rows, schema=recorded.schema)])


def _viewdef(moment: Moment) -> pa.Table:
    views = {static().oids[name]: text for name, text in static().views.items()}
    views |= {entry.oid: entry.view for entry in moment.contents.relations if entry.view}
    return pa.table([list(views), list(views.values())], schema=_PAIR)


def _functiondef(moment: Moment) -> pa.Table:
    recorded = static().tables["text.functiondef"]
    rows = [
        {
            "oid": each.oid, "arguments": _arguments(each.function),
            "identity": _arguments(each.function), "result": each.function.returns.sql,
            "definition": _definition(each.function),
        }
        for each in moment.contents.functions
    ]  # fmt: skip
    return pa.concat_tables([recorded, pa.Table.from_pylist(rows, schema=recorded.schema)])


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
    return "\n".join([*lines, f"AS $function${function.body}$function$", ""])


def _serial(moment: Moment) -> pa.Table:
    names = {
        (entry.oid, column.number): column.name
        for entry in moment.contents.relations
        for column in entry.columns
    }
    rows = [
        {
            "relation": made.owner[0], "column": names.get(made.owner, ""),
            "sequence": f"{identifier(entry.schema)}.{identifier(entry.name)}",
        }
        for entry in moment.contents.relations
        if (made := entry.sequence) is not None and made.owner is not None
    ]  # fmt: skip
    kinds = {"relation": pa.int64(), "column": pa.string(), "sequence": pa.string()}
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _keywords(moment: Moment) -> pa.Table:
    return static().tables["text.keywords"]


HELPERS: Mapping[str, Callable[[Moment], pa.Table]] = {
    "constraintdef": _constraintdef,
    "format_type": _format_type,
    "functiondef": _functiondef,
    "indexdef": _indexdef,
    "keywords": _keywords,
    "serial": _serial,
    "viewdef": _viewdef,
    "visible": _visible,
}
