"""Attached datasets: where they may lie, and how they are remembered across restarts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from gateway.config import BUNDLED, Dataset, dataset_of
from gateway.errors import ConfigurationFault, GatewayError, InsufficientPrivilege
from gateway.sources.opening import allowed_places
from gateway.sources.opening.allowed_places import kept_within, places_behind
from gateway.sources.opening.opening import matching
from gateway.sources.urls import is_local, shown

# Engines that read what they are pointed at and nothing else; others may follow references.
ENGINES = ("zarr", "netcdf4", "h5netcdf", "scipy", "cfgrib", "icechunk")


# Of other characters not every reader of URLs thinks alike.
_USER = re.compile(r"^[\w.~%-]+(:[\w.~%-]*)?@")


def check(dataset: Dataset, roots: Sequence[str]) -> None:
    """Refuse a dataset that lies outside `roots`.

    A path is followed to where its links lead before it is compared. A URL must have a root's
    scheme and host, and lie below its path.

    Raises:
        InsufficientPrivilege: 42501.

    >>> check(Dataset(name="a", uri="s3://bucket/year/a.zarr"), ["s3://bucket/year"])
    """
    if dataset.engine is not None and dataset.engine not in ENGINES:
        raise InsufficientPrivilege(
            f'engine "{dataset.engine}" cannot be attached', hint=f"There are {', '.join(ENGINES)}."
        )
    target = allowed_places.target_of(dataset.uri)
    if target is not None:
        _check_references(target, roots)
        return
    inside = any(_below(dataset.uri, root) for root in roots)
    if inside:  # a pattern may match a link that leads elsewhere
        places = matching(dataset.uri) or [dataset.uri]
        inside = all(any(_below(place, root) for root in roots) for place in places)
        for place in places if inside else ():
            _check_links(place, roots)
    if not inside and not dataset.uri.startswith(BUNDLED):
        raise InsufficientPrivilege(
            f'"{shown(dataset.uri)}" lies outside the places that datasets may be attached from',
            hint="The setting dataset_roots names them.",
        )


def within(dataset: Dataset, roots: Sequence[str]) -> Dataset:
    """The dataset as it is opened, which no HTTP server can redirect out of `roots`.

    Raises:
        InsufficientPrivilege: 42501, it lies outside.
    """
    check(dataset, roots)
    kept = kept_within(
        dataset.uri, lambda place: any(_below(place, root) for root in roots), dataset.storage
    )
    return dataset.model_copy(update={"storage": kept})


def _check_references(target: str, roots: Sequence[str]) -> None:
    """Refuse a store of references that lies outside the roots, or points to what does."""
    if not is_local(target):  # what a URL gives now it need not give whoever opens it
        raise InsufficientPrivilege(
            f'references behind a URL cannot be attached: "{shown(target)}"',
            hint="Attach a copy of them in a directory of dataset_roots.",
        )
    here = any(_below(target, root) for root in roots)
    if here:
        _check_links(target, roots)
    places = allowed_places.places_in(target) if here else {target}
    for place in sorted(places):
        if not any(_below(place, root) for root in roots):
            raise InsufficientPrivilege(
                f'"{shown(place)}" lies outside the places that datasets may be attached from',
                detail=f'References in "{shown(target)}" point to it.' if here else "",
                hint="The setting dataset_roots names them.",
            )


def _check_links(place: str, roots: Sequence[str]) -> None:
    """Refuse a directory with a link in it that leads outside the roots."""
    try:
        behind = next(
            (p for p in places_behind(place) if not any(_below(p, root) for root in roots)), None
        )
    except OSError as error:
        raise ConfigurationFault(f'cannot read "{place}"', detail=str(error)) from error
    if behind is not None:
        raise InsufficientPrivilege(
            f'"{behind}" lies outside the places that datasets may be attached from',
            detail=f'A link in "{shown(place)}" leads to it.',
            hint="The setting dataset_roots names them.",
        )


def check_place(path: str, roots: Sequence[str]) -> None:
    """Refuse a path that lies outside `roots`, and a root itself.

    Raises:
        InsufficientPrivilege: 42501.
    """
    if not any(_below(path, root) and not _below(root, path) for root in roots):
        raise InsufficientPrivilege(
            f'"{path}" lies outside the places that datasets may be written to',
            hint="The setting dataset_roots names them.",
        )


def _below(uri: str, root: str) -> bool:
    if "::" in uri or "\0" in uri:  # one file system inside another, which may be any; no name
        return False
    if is_local(uri) != is_local(root):
        return False
    if is_local(uri):
        place, top = (Path(each.removeprefix("file://")).expanduser() for each in (uri, root))
        return place.is_absolute() and place.resolve().is_relative_to(top.resolve())
    here, there = urlsplit(uri), urlsplit(root)
    parts = here.path.split("/")
    above = [part for part in there.path.split("/") if part]
    same = here.scheme == there.scheme and _host(here) == _host(there)
    below = [part for part in parts if part][: len(above)] == above
    return same and below and ".." not in parts and "%" not in here.path


def _host(url: SplitResult) -> str:
    """The host of a URL, and its port, without a plain name and password for an HTTP server."""
    return _USER.sub("", url.netloc) if url.scheme in ("http", "https") else url.netloc


def remembered(file: Path | None) -> list[Dataset]:
    """The datasets that were attached before the server started.

    Raises:
        ConfigurationFault: F0000, the file is damaged.
    """
    if file is None or not file.exists():
        return []
    try:
        return [dataset_of(values) for values in json.loads(file.read_text(encoding="utf-8"))]
    except (ValueError, TypeError, GatewayError) as error:
        raise ConfigurationFault(f'"{file}" is damaged', detail=str(error)) from error


def remember(file: Path | None, datasets: Sequence[Dataset]) -> None:
    """Write the attached datasets, whole or not at all; only this user may read them."""
    if file is None:
        return
    values = [dataset.model_dump(mode="json") for dataset in datasets]
    written = file.with_suffix(".new")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
        json.dump(values, new, indent=1)
        new.flush()
        os.fsync(new.fileno())
    written.replace(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
