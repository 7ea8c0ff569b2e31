"""The settings: one row each, from a YAML file and the environment.

Every mistake is reported at once, with its key and where it stands: a line of the file or the
name of a variable. A key that is not a setting is a mistake; nothing is ignored. What a setting
does is its reader's business: `app` hands each to the part that needs it.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from gateway.errors import ConfigurationFault, InvalidParameterValue

PREFIX = "GRADWIRE_"
BUNDLED = "bundled:"  # a dataset that comes with the package, by name: bundled:ncep

_RESERVED = ("public", "information_schema", "gradwire")
_VERIFIER = r"^SCRAM-SHA-256\$\d+:[^$]+\$[^:]+:.+$"


def _free_name(name: str) -> str:
    if name in _RESERVED or name.startswith("pg_"):
        raise PydanticCustomError("reserved", 'the name "{name}" is reserved', {"name": name})
    return name


Name = Annotated[str, Field(min_length=1, max_length=63), AfterValidator(_free_name)]
Dimensions = Annotated[list[str], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dataset(_Strict):
    """One dataset: where it is, and what it is called in SQL."""

    name: Name = Field(description="Its name in SQL: a table of schema public, or a schema.")
    uri: str = Field(
        min_length=1,
        description="Path or URL of a Zarr store or netCDF file; a relative path starts at the "
        "configuration file. bundled:ncep is the dataset in the package.",
    )
    engine: str | None = Field(
        None, description="xarray engine that reads it, e.g. zarr or netcdf4; guessed when absent."
    )
    chunks: dict[str, Annotated[int, Field(ge=1)]] | None = Field(
        None,
        description="Chunk length by dimension, read through dask; the stored chunks when absent.",
    )
    tables: dict[Name, Dimensions] = Field(
        {},
        description="Table name to the dimensions of its variables; others are named by "
        "their dimensions.",
    )

    @property
    def names(self) -> dict[tuple[str, ...], str]:
        """Dimensions to the name of their table."""
        return {tuple(dimensions): name for name, dimensions in self.tables.items()}


class Settings(_Strict):
    """Every setting of a server: name, default, bounds, meaning."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(5433, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    users: dict[Annotated[str, Field(min_length=1)], Annotated[str, Field(pattern=_VERIFIER)]] = (
        Field({}, description="User name to SCRAM verifier, as `gradwire passwd NAME` prints it.")
    )
    superusers: list[str] | None = Field(
        None, description="Users who may use the reserved connections and stop anyone's statement."
    )
    trust_everyone: bool = Field(
        False, description="Without users, let clients from every address in, as anyone."
    )
    tls_certificate: Path | None = Field(
        None, description="The server's certificate and its chain, in PEM; TLS is off without."
    )
    tls_key: Path | None = Field(
        None, description="Its private key, in PEM; when absent, it stands in the same file."
    )
    require_tls: bool = Field(False, description="Refuse clients that do not encrypt (28000).")
    failed_login_seconds: float = Field(
        0.5, ge=0, le=60, description="How long the answer to a failed login is kept back."
    )
    data_dir: Path | None = Field(
        None, description="Directory of the user tables; a temporary one when absent."
    )
    datasets: list[Dataset] = Field([], description="Datasets to serve as tables.")
    dataset_roots: list[Annotated[str, Field(min_length=1)]] = Field(
        [], description="Directories and beginnings of URLs that ATTACH may name."
    )
    chunk_cache_bytes: int = Field(
        256 * 2**20, ge=0, le=2**40, description="What decoded chunks of datasets may take."
    )
    # PostgreSQL's own default; a connection costs a thread and an engine context.
    max_connections: int = Field(
        100, ge=1, le=10_000, description="Clients at a time; one more is refused (53300)."
    )
    superuser_reserved_connections: int = Field(
        3, ge=0, le=10_000, description="How many of them are kept for superusers."
    )
    # PostgreSQL's own bound is 1 GiB; a message is held in memory whole, once per client.
    message_bytes: int = Field(
        256 * 2**20, ge=2**16, le=2**30, description="Longest message, in bytes."
    )
    # Nothing interrupts the planner, and a long statement can keep it for minutes. What these
    # four let pass is planned within about 5 s on two cores (python -m tests.bench.planning).
    statement_bytes: int = Field(
        2**20, ge=2**10, le=2**28, description="Longest text of a statement, in bytes."
    )
    statement_nodes: int = Field(
        50_000, ge=100, le=10_000_000, description="Names, values and operators of a statement."
    )
    planning_steps: int = Field(
        6_000_000, ge=1000, le=10**9, description="Levels of a statement's expressions, weighed."
    )
    # 3,500 end the stack of the engine, and the process with it.
    union_branches: int = Field(500, ge=2, le=2000, description="UNION branches of a statement.")
    authentication_seconds: float = Field(
        60.0, ge=1, le=600, description="Time a client has to log in, in seconds."
    )
    shutdown_seconds: float = Field(
        5.0, ge=0, le=600, description="Time running statements have when the server stops."
    )
    threads: int | None = Field(
        None, ge=1, le=1024, description="Threads for one query; one per core when absent."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="What is written to standard error."
    )

    @model_validator(mode="after")
    def _names_once(self) -> Settings:
        names = [dataset.name for dataset in self.datasets]
        for name in names:
            if names.count(name) > 1:
                text = 'two datasets are named "{name}"'
                raise PydanticCustomError("duplicate", text, {"name": name})
        return self


def dataset_of(values: Mapping[str, Any]) -> Dataset:
    """The dataset of an ATTACH.

    Raises:
        InvalidParameterValue: 22023, with the first thing that is wrong.
    """
    try:
        return Dataset.model_validate(values)
    except ValidationError as error:
        mistake = _mistake(error.errors()[0], {})
        raise InvalidParameterValue(f"ATTACH: {mistake}") from error


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with a configuration."""

    where: str  # "line 3" of the file, or the environment variable
    key: str  # "datasets.0.uri"; empty for the whole
    text: str

    def __str__(self) -> str:
        return ", ".join(part for part in (self.where, self.key) if part) + f": {self.text}"


# Where each key stands: path of keys and list positions -> "line 3", or a variable or option.
Places = dict[tuple[str, ...], str]


class Mistakes(ConfigurationFault, code="F0000"):
    """All that is wrong with a configuration; the message has one line for each."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


def load(
    path: Path | None, env: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> Settings:
    """The settings of a YAML file, overridden by environment variables, overridden by options.

    Args:
        path: The file; None takes the defaults.
        env: The environment; `GRADWIRE_PORT` sets port. A value is read as YAML.
        options: Settings from the command line; None stands for an option that was not given.

    Raises:
        Mistakes: F0000, with every mistake in all of them.
    """
    from_file, places, mistakes = _read_file(path)
    from_env, more = _read_env(env)
    mistakes += more
    given = {name: value for name, value in (options or {}).items() if value is not None}
    _place(from_file, path.parent if path else Path())
    _place(from_env, Path())
    places |= {(name,): PREFIX + name.upper() for name in from_env}
    places |= {(name,): "--" + name.replace("_", "-") for name in given}
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(from_file | from_env | given)
    except ValidationError as error:
        mistakes += [_mistake(row, places) for row in error.errors()]
    else:
        mistakes += [*_exposed(settings, places), *_half_encrypted(settings, places)]
    if mistakes or settings is None:
        raise Mistakes(mistakes)
    return settings


def _exposed(settings: Settings, places: Places) -> list[Mistake]:
    if settings.users or settings.trust_everyone or is_loopback(settings.host):
        return []
    text = (
        f"without users, {settings.host} would let everyone in: add users, or listen on 127.0.0.1; "
        "trust_everyone: true says that this is meant"
    )
    return [Mistake(_where(("host",), places), "host", text)]


def _half_encrypted(settings: Settings, places: Places) -> list[Mistake]:
    if settings.tls_certificate is not None:
        return []
    given = {"tls_key": settings.tls_key is not None, "require_tls": settings.require_tls}
    return [
        Mistake(_where((key,), places), key, "is nothing without tls_certificate")
        for key, wrong in given.items()
        if wrong
    ]


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1")]
    [True, True, True, False]
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _read_env(env: Mapping[str, str]) -> tuple[dict[str, Any], list[Mistake]]:
    values: dict[str, Any] = {}
    mistakes = []
    for variable in sorted(name for name in env if name.startswith(PREFIX)):
        key = variable.removeprefix(PREFIX).lower()
        if key not in Settings.model_fields:
            known = [PREFIX + name.upper() for name in Settings.model_fields]
            mistakes.append(Mistake(variable, "", "no such setting" + _closest(variable, known)))
            continue
        try:
            values[key] = yaml.safe_load(env[variable])
        except yaml.YAMLError as error:
            mistakes.append(Mistake(variable, "", f"not YAML: {_problem(error)}"))
    return values, mistakes


def _read_file(path: Path | None) -> tuple[dict[str, Any], Places, list[Mistake]]:
    """The file's values, where each key stands, and what is wrong with it as YAML."""
    if path is None:
        return {}, {}, []
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as error:
        raise Mistakes([Mistake(str(path), "", error.strerror or "cannot be read")]) from error
    except UnicodeDecodeError as error:
        raise Mistakes([Mistake(str(path), "", "is not UTF-8 text")]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else str(path)
        raise Mistakes([Mistake(where, "", f"not YAML: {_problem(error)}")]) from error
    if node is None:
        return {}, {}, []
    if not isinstance(values, dict):
        raise Mistakes([Mistake("line 1", "", "must hold settings, each as `name: value`")])
    places: Places = {}
    return values, places, list(_walk(node, (), places))


def _walk(node: yaml.Node, at: tuple[str, ...], places: Places) -> Iterator[Mistake]:
    """Note the line of every key and item below `node`; a key given twice is a mistake."""
    places.setdefault(at, f"line {node.start_mark.line + 1}")
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*at, str(key.value))
            line = f"line {key.start_mark.line + 1}"
            if below in places:
                yield Mistake(line, ".".join(below), f"given in {places[below]} too")
            places[below] = line
            yield from _walk(value, below, places)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _walk(item, (*at, str(number)), places)


def _place(values: dict[str, Any], base: Path) -> None:
    """Let relative paths among `values` start at `base`."""
    for key in ("data_dir", "tls_certificate", "tls_key"):
        if isinstance(values.get(key), str):
            values[key] = str(base / Path(values[key]).expanduser())
    roots = values.get("dataset_roots")
    if isinstance(roots, list):
        values["dataset_roots"] = [
            str(base / Path(root).expanduser())
            if isinstance(root, str) and "://" not in root
            else root
            for root in roots
        ]
    for dataset in values.get("datasets") or ():
        uri = dataset.get("uri") if isinstance(dataset, dict) else None
        if isinstance(uri, str) and uri and "://" not in uri and not uri.startswith(BUNDLED):
            dataset["uri"] = str(base / Path(uri).expanduser())


def _mistake(row: Mapping[str, Any], places: Places) -> Mistake:
    at = tuple(str(part) for part in row["loc"] if part != "[key]")
    text = row["msg"]
    if row["type"] == "extra_forbidden":
        model = Dataset if at[0] == "datasets" else Settings
        text = "no such setting" + _closest(at[-1], list(model.model_fields))
    elif row["type"] == "string_pattern_mismatch":
        text = "not a SCRAM verifier; `gradwire passwd` prints one"
    return Mistake(_where(at, places), ".".join(at), text[0].lower() + text[1:])


def _where(at: tuple[str, ...], places: Places) -> str:
    for length in range(len(at), -1, -1):
        if at[:length] in places:
            return places[at[:length]]
    return ""


def _closest(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, 1)
    return f'; did you mean "{found[0]}"?' if found else ""


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).partition("\n")[0]
