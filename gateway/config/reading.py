"""Settings from a YAML file, the environment and the command line.

Every mistake is reported at once, with its key and where it stands: a line of the file or the
name of a variable. A key that is not a setting is a mistake; nothing is ignored.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from gateway.config.settings import BUNDLED, Dataset, Role, Settings
from gateway.errors import ConfigurationFault, InvalidParameterValue

PREFIX = "GRADWIRE_"


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
        models: dict[str, type[BaseModel]] = {"datasets": Dataset, "roles": Role}
        model = models.get(at[0], Settings)
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
