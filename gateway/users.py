"""Writes a user into a settings file, and leaves the rest of the file as it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml

from gateway.errors import ConfigurationFault


def write_user(path: Path, name: str, verifier: str) -> None:
    """Put a user under `users`, in the place of an older verifier; comments stay.

    The file is replaced as a whole, and made, for its owner alone to read, when there is none.

    Raises:
        ConfigurationFault: F0000, the file is not of a form that can be added to.
        OSError: It cannot be read or written.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        changed = with_user(text, name, verifier)
        found = yaml.safe_load(changed)["users"][name]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigurationFault(f"{path} is not settings to which a user can be added") from error
    if found != verifier:
        raise ConfigurationFault(f"{path} is not settings to which a user can be added")
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(changed)
    beside.replace(path)


def with_user(text: str, name: str, verifier: str) -> str:
    """The settings' text with that user in it.

    >>> print(with_user("port: 1 # mine\\nusers:\\n  a: old\\n", "a", "new"), end="")
    port: 1 # mine
    users:
      "a": new
    >>> with_user("users: {}", "a", "new"), with_user("", "a", "new")
    ('users: {"a": new}', 'users:\\n  "a": new\\n')
    """
    entry = f"{json.dumps(name, ensure_ascii=False)}: {verifier}"
    settings: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
    pairs = settings.value if isinstance(settings, yaml.MappingNode) else []
    key, users = next((pair for pair in pairs if pair[0].value == "users"), (None, None))
    if key is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}users:\n  {entry}\n"
    if not isinstance(users, yaml.MappingNode):  # `users:` with nothing below it
        end = text.index(":", key.end_mark.index) + 1
        return f"{text[:end]}\n  {entry}{text[end:]}"
    for old, value in users.value:
        if old.value == name:
            return text[: old.start_mark.index] + entry + text[value.end_mark.index :]
    if users.flow_style:
        start = users.start_mark.index + 1
        return text[:start] + entry + (", " if users.value else "") + text[start:]
    first: yaml.Mark = users.value[0][0].start_mark
    return text[: first.index] + entry + "\n" + " " * first.column + text[first.index :]
