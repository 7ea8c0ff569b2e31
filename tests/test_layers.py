"""The order of the floors, held: who may import whom, and the habits a parser can check.

The picture is in docs/architecture.md; when a wall moves, both change in one commit.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent

# From the street door to the foundation. A module imports from floors below its own, and from its
# own room; a root module that is not a package is a room of its own. Rooms that stand on one floor
# side by side do not import each other unless BESIDE says so.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli", "client"),
    ("demo",),
    ("app",),
    ("monitor",),
    ("wire",),
    ("session",),
    ("rewrite", "catalog", "aggregation"),
    ("autodiff", "engine", "store"),
    ("roles",),
    ("sql", "sources", "config", "users"),
    ("passwords",),
    ("errors", "types", "observe", "signals", "recent", "interrupts"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
BESIDE = {
    ("types", "errors"),  # a type that is not there is an error
    ("sql", "sources.table"),  # what a relation is, whatever holds its rows
}

# Third-party or standard modules that only these places import.
ONLY = {
    "socket": {
        "wire.connection.server",
        "wire.connection.handler",
        "wire.connection.client",
        "wire.connection.wakeup",
    },
    "socketserver": {"wire.connection.server"},
    "ssl": {"wire.connection.tls"},
    "datafusion": {"engine"},
    "xarray": {"sources.libraries", "client"},
    "zarr": {"sources.libraries"},
    "netCDF4": {"sources.libraries", "sources.opening.hdf5_places"},
    "fsspec": {"sources.libraries"},
    "cftime": {"sources.libraries"},
    "duckdb": {"store"}
    | {f"catalog.system.{name}" for name in ("queries", "loading", "held", "readers", "calling")},
    "buenavista": {"wire", "session"},
    "sqlglot": {"sql", "autodiff", "rewrite", "aggregation", "catalog", "store", "session"},
    "scramp": {"passwords"},
    "asn1crypto": {"wire.connection.tls"},
    "psycopg": {"cli", "demo"},
    "typer": {"cli"},
    "rich": {"cli", "demo"},
    "yaml": {"config", "users"},
    "pydantic": {"config"},
    "orjson": {"wire"},
    "prometheus_client": {"monitor"},
    "http": {"monitor"},
}  # fmt: skip
# Floors inside a room, where it has them: sub-packages on one floor may import each other.
INNER: dict[str, tuple[tuple[str, ...], ...]] = {
    "autodiff": (("relational",), ("statements",), ("modes",), ("expressions",), ("rules",)),
    "wire": (("connection",), ("copy",), ("decoding",), ("encoding",), ("protocol",)),
    "sources": (
        ("opening", "aggregates", "writing"),
        ("grid",),
        ("reading",),
        ("arithmetic",),
        ("filters",),
    ),
    "store": (("ddl",), ("rows", "transactions"), ("disk",), ("definitions",)),
    "sql": (
        ("statements", "procedural"),
        ("writes",),
        ("lowered",),
        ("meaning",),
        ("types",),
        ("names",),
        ("shape",),
        ("text",),
        ("inputs",),
    ),
    "sql.lowered": (("groups",), ("relations",), ("values",)),
}
LONGEST_MODULE = 400  # lines; past it a module holds two things

FILES = sorted(path for path in ROOT.rglob("*.py") if "data" not in path.relative_to(ROOT).parts)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for path in FILES}


def room_of(module: str) -> str:
    return module.partition(".")[0]


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of all that a module imports, names of submodules included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: import by the full name"
            base = node.module or ""
            for alias in node.names:
                full = f"{base}.{alias.name}"
                is_module = full.removeprefix("gateway.") in MODULES
                yield node.lineno, full if is_module else base


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_a_module_imports_only_from_below(module: str) -> None:
    room = room_of(module)
    assert room in FLOOR, f"{module} stands on no floor: give it one in FLOORS"
    wrong = []
    for line, imported in imports_of(MODULES[module]):
        target = imported.removeprefix("gateway").removeprefix(".")
        if not imported.startswith("gateway") or not target:
            continue
        other = room_of(target)
        assert other in FLOOR, f"{other} stands on no floor: give it one in FLOORS"
        below = FLOOR[other] > FLOOR[room] or {(room, other), (room, target)} & BESIDE
        if other != room and not below:
            wrong.append(f"{module}:{line} imports {imported}")
    assert wrong == []


@pytest.mark.parametrize("room", INNER)
def test_a_module_imports_only_from_below_inside_its_room(room: str) -> None:
    floors = {name: number for number, names in enumerate(INNER[room]) for name in names}
    wrong = []
    for module, path in MODULES.items():
        inner, _, rest = module.removeprefix(f"{room}.").partition(".")
        if not module.startswith(f"{room}.") or not rest or inner not in floors:
            continue
        for line, imported in imports_of(path):
            other = imported.removeprefix(f"gateway.{room}.").partition(".")[0]
            own = imported.startswith(f"gateway.{room}.")
            if own and floors.get(other, floors[inner]) < floors[inner]:
                wrong.append(f"{module}:{line} imports {imported}")
    assert wrong == []


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_a_library_is_imported_only_where_it_lives(module: str) -> None:
    wrong = []
    for line, imported in imports_of(MODULES[module]):
        allowed = ONLY.get(imported.partition(".")[0])
        if allowed is not None and not {module, room_of(module)} & allowed:
            wrong.append(f"{module}:{line} imports {imported}")
    assert wrong == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_not_too_long(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("module", MODULES)
def test_a_module_opens_with_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[module].read_text()))


@pytest.mark.parametrize("module", MODULES)
def test_a_table_has_a_key_once(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Dict):
            keys = [ast.unparse(key) for key in node.keys if key is not None]
            assert len(keys) == len(set(keys)), f"{module}:{node.lineno}"


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=str)
def test_a_package_hands_names_on_and_defines_nothing(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        version = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
        handed_on = isinstance(node, ast.ImportFrom) and node.module != "__future__"
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        all_names = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert docstring or version or handed_on or future or all_names, ast.unparse(node)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_a_drawer(module: str) -> None:
    assert not {"utils", "util", "common", "helpers", "misc"} & set(module.split("."))
