"""A dataset from a path or URL: which engine reads it, one Dataset or a hierarchy, lazily.

Nothing is read here but metadata and coordinates; chunks are read by whoever scans. What the
arrays mean as tables is `sources.grid`'s business.
"""

from __future__ import annotations

import glob
import warnings
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gateway.errors import ConfigurationFault, DatasetUnreadable
from gateway.sources.libraries import xarray, zarr
from gateway.sources.opening import grib
from gateway.sources.opening.allowed_places import protocol_of
from gateway.sources.opening.copies import copies_of
from gateway.sources.opening.far_zarr import store_of, stores_matching
from gateway.sources.opening.hdf5_places import places_of
from gateway.sources.opening.netcdf import open_netcdf
from gateway.sources.opening.several import combined
from gateway.sources.urls import is_local, shown

# First bytes of a file -> the xarray engine that reads it (netCDF user guide, "File Formats";
# a zip archive can only be a Zarr ZipStore).
MAGIC = (
    (b"CDF\x01",          "netcdf4"),
    (b"CDF\x02",          "netcdf4"),
    (b"CDF\x05",          "netcdf4"),
    (b"\x89HDF\r\n\x1a\n", "netcdf4"),
    (b"PK\x03\x04",       "zarr"),
    (b"GRIB",             "cfgrib"),
)  # fmt: skip

# Ends of a path or URL -> engine, for what cannot be opened to look inside.
ENDINGS = (
    (".zarr",     "zarr"),
    (".zarr.zip", "zarr"),
    (".zip",      "zarr"),
    (".nc",       "netcdf4"),
    (".nc4",      "netcdf4"),
    (".cdf",      "netcdf4"),
    (".h5",       "netcdf4"),
    (".hdf5",     "netcdf4"),
    (".grib",     "cfgrib"),
    (".grib2",    "cfgrib"),
    (".grb",      "cfgrib"),
    (".grb2",     "cfgrib"),
)  # fmt: skip

# A directory with one of these is a Zarr group (version 3; version 2, plain and consolidated).
ZARR_MARKS = ("zarr.json", ".zgroup", ".zmetadata")


# A directory with all of these is an Icechunk repository.
ICECHUNK_MARKS = ("refs", "snapshots")

# Engines and kinds of URL -> the extra that brings what they need.
EXTRAS = {
    "cfgrib": "grib", "icechunk": "icechunk", "s3": "s3", "gs": "gcs", "gcs": "gcs",
    "az": "azure", "abfs": "azure", "abfss": "azure", "http": "http", "https": "http",
}  # fmt: skip


def open_dataset(
    uri: str | Path,
    engine: str | None = None,
    chunks: Mapping[str, int] | None = None,
    storage: Mapping[str, Any] | None = None,
) -> xarray.Dataset | xarray.DataTree:
    """The dataset at `uri`, opened lazily; a hierarchy of groups comes back as a DataTree.

    Values stay on disk until a scan asks for them, and are not kept afterwards.

    Args:
        uri: A local path or an fsspec URL; a Zarr directory or zip, a netCDF 3 or 4 file, a GRIB
            file, or an Icechunk repository, whose branch main is read. A path with `*`, `?` or
            `[...]` in it means every file that matches, as one dataset.
        engine: An xarray engine by name; guessed from the content or the name when None.
        chunks: Dimension to chunk length, for reading through dask; None reads directly.
        storage: Options of the URL's file system, credentials maybe; never shown.

    Raises:
        ConfigurationFault: F0000, the engine is unknown or cannot be guessed, or `chunks` is
            given and dask is not installed, or names what is no dimension.
        DatasetUnreadable: 58030, with the reason.
    """
    where = str(uri)
    several = matching(where)
    first = several[0] if several else where
    chosen = _known(engine or guess_engine(first), where)
    options: dict[str, Any] = {"engine": chosen, "cache": False, "chunks": _chunks(chunks, where)}
    _be_quiet()
    # Backends raise whatever their codecs and file systems raise; the fact added is which dataset.
    try:
        if several:
            opened = _open_several(several, options)
        else:
            opened = _KINDS.get(chosen, _open_file)(where, options, dict(storage or {}))
    except Exception as error:
        raise unreadable(where, error, storage) from error
    _check_dimensions(opened, chunks or {}, where)
    return opened


def _check_dimensions(
    opened: xarray.Dataset | xarray.DataTree, chunks: Mapping[str, int], uri: str
) -> None:
    """Refuse chunks along what is no dimension, which xarray says nothing of."""
    groups = opened.subtree if isinstance(opened, xarray.DataTree) else [opened]
    known = dict.fromkeys(str(dim) for group in groups for dim in group.dims)
    if wrong := [dim for dim in chunks if dim not in known]:
        raise ConfigurationFault(
            f'chunks of dataset "{shown(uri)}": there is no dimension "{wrong[0]}"',
            detail=f"Its dimensions: {', '.join(known)}.",
        )


def matching(uri: str) -> list[str]:
    """The local files that a pattern means, in order; none where `uri` is no pattern.

    Raises:
        DatasetUnreadable: 58030, nothing matches.
        ConfigurationFault: F0000, dask is not installed.
    """
    if not is_local(uri):
        return []
    path = str(local(uri))
    if not glob.has_magic(path) or Path(path).exists():
        return []
    whole = Path(path).absolute()
    found = sorted(map(str, Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))))
    if not found:
        raise DatasetUnreadable(f'cannot open dataset "{uri}"', detail="No file matches.")
    _chunks({}, uri)
    return found


def _open_several(paths: list[str], options: dict[str, Any]) -> xarray.Dataset | xarray.DataTree:
    """Several files as one dataset, read through dask."""
    options = {**options, "chunks": options["chunks"] or {}}
    opens = _KINDS.get(options["engine"], _open_file)
    return combined([opens(path, options, {}) for path in paths])


def guess_engine(uri: str) -> str:
    """The engine that reads `uri`, from its first bytes when it is local, else from its name.

    Raises:
        ConfigurationFault: F0000, neither tells.
        DatasetUnreadable: 58030, no such local file.

    >>> guess_engine("https://example.org/air.nc?raw=true")
    'netcdf4'
    """
    if is_local(uri):
        found = _engine_inside(local(uri))
        if found:
            return found
    if uri.startswith("reference://"):
        return "zarr"  # whatever they point into
    name = uri.split("?")[0].rstrip("/").lower()
    for ending, engine in ENDINGS:
        if name.endswith(ending):
            return engine
    hint = "Name the engine: zarr or netcdf4."
    if is_local(uri) and local(uri).is_dir():
        hint = "It is a directory, but no Zarr store. A name with * means files in it."
    raise ConfigurationFault(f'cannot tell how to read dataset "{shown(uri)}"', hint=hint)


def unreadable(
    uri: str, error: Exception, storage: Mapping[str, Any] | None = None
) -> DatasetUnreadable:
    """The error for a dataset that does not open; keeps the reader's first line as the detail."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, FileNotFoundError) and uri.endswith(reason):
        reason = "There is no such file."  # file systems tell the path alone
    reason = shown(reason)
    for value in [*_texts(storage or {}), *filter(None, uri.partition("?")[2:])]:
        reason = reason.replace(value, "...")
    extra = EXTRAS.get(uri.partition("://")[0]) if isinstance(error, ImportError) else None
    hint = f"Install gradwire[{extra}]." if extra else ""
    if "range requests" in reason:  # of fsspec, which reads a zip from its end
        hint = "A zip behind a URL needs a server that answers range requests."
    return DatasetUnreadable(f'cannot open dataset "{shown(uri)}"', detail=reason, hint=hint)


def _texts(options: Any) -> Iterator[str]:
    """Every text among options, which may be nested."""
    if isinstance(options, Mapping):
        for value in options.values():
            yield from _texts(value)
    elif isinstance(options, str) and options:
        yield options


def _engine_inside(path: Path) -> str | None:
    if path.is_dir():
        if all((path / mark).is_dir() for mark in ICECHUNK_MARKS):
            return "icechunk"
        return "zarr" if any((path / mark).exists() for mark in ZARR_MARKS) else None
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DatasetUnreadable(
            f'cannot open dataset "{path}"', detail=error.strerror or ""
        ) from error
    return next((engine for magic, engine in MAGIC if head.startswith(magic)), None)


def _known(engine: str, uri: str) -> str:
    known = {*xarray.backends.list_engines(), *(["icechunk"] if find_spec("icechunk") else [])}
    if engine not in known:
        extra = EXTRAS.get(engine)
        raise ConfigurationFault(
            f'unknown engine "{engine}" for dataset "{shown(uri)}"',
            detail=f"Installed engines: {', '.join(sorted(known))}.",
            hint=f"Install gradwire[{extra}]." if extra else "",
        )
    return engine


def _chunks(chunks: Mapping[str, int] | None, uri: str) -> dict[str, int] | None:
    if chunks is None:
        return None
    if find_spec("dask") is None:
        raise ConfigurationFault(
            f'dataset "{shown(uri)}" needs dask, which is not installed',
            hint="Install dask[array]; or name one file, and leave chunks out.",
        )
    return dict(chunks)


def _be_quiet() -> None:
    """Silence xarray's advice to whoever wrote the file or chose the chunks.

    Not taken back afterwards: values are decoded later, by the threads that scan, where filters
    of warnings, which belong to the process, cannot be set.
    """
    warnings.simplefilter("ignore", xarray.SerializationWarning)
    warnings.filterwarnings("ignore", "The specified chunks separate", UserWarning)
    warnings.filterwarnings("ignore", "The 'fastparquet' engine")  # fsspec knows no other


def _open_zarr(
    uri: str, options: dict[str, Any], storage: dict[str, Any]
) -> xarray.Dataset | xarray.DataTree:
    if is_local(uri):
        path = local(uri)
        here = zarr.storage.ZipStore(path, mode="r") if path.is_file() else str(path)
        return _open_store(here, options)
    if several := stores_matching(uri, storage):
        chunks = _chunks(options["chunks"] or {}, uri)
        options = {**options, "chunks": chunks}
        return combined([_open_zarr(each, options, storage) for each in several])
    protocol = None if "remote_protocol" in storage else protocol_of(uri)
    if protocol is not None:
        storage = {**storage, "remote_protocol": protocol}
    if uri.split("?")[0].endswith(".zip"):
        kind = uri.partition("://")[0]
        uri, storage = f"zip::{uri}", {kind: storage} if storage else {}
    return _open_store(store_of(uri, storage), options)


def _open_store(store: Any, options: dict[str, Any]) -> xarray.Dataset | xarray.DataTree:
    """A Zarr store, consolidated or not."""
    group = zarr.open_group(store, mode="r")
    consolidated = group.metadata.consolidated_metadata is not None
    options = options | {"engine": "zarr", "consolidated": consolidated}
    return _open(store, options, any(True for _ in group.group_keys()))


def _open_icechunk(
    uri: str, options: dict[str, Any], storage: dict[str, Any]
) -> xarray.Dataset | xarray.DataTree:
    """The newest snapshot of branch main; what others commit is seen by whoever opens it anew."""
    import icechunk

    if is_local(uri):
        place = icechunk.local_filesystem_storage(str(local(uri)))
    else:
        scheme, _, rest = uri.partition("://")
        bucket, _, prefix = rest.partition("/")
        makers: dict[str, Any] = {"s3": icechunk.s3_storage, "gs": icechunk.gcs_storage}
        if scheme not in makers:
            raise ValueError(f"Icechunk repositories are not read from {scheme}.")
        place = makers[scheme](bucket=bucket, prefix=prefix, **(storage or {"from_env": True}))
    icechunk.set_logs_filter("error")  # it warns of commits that may not go together; none is made
    # Without credentials for them, virtual chunks outside the repository are not read.
    session = icechunk.Repository.open(place).readonly_session("main")
    return _open_store(session.store, options)


def _open_file(
    uri: str, options: dict[str, Any], storage: dict[str, Any]
) -> xarray.Dataset | xarray.DataTree:
    if is_local(uri):
        paths = [str(local(uri))]
    else:
        paths = copies_of(uri, storage)
        if part := next((part for path in paths for part in places_of(Path(path))), None):
            raise ValueError(f"A file behind a URL has parts of itself on this machine: {part}")
    if len(paths) > 1:
        return _open_several(paths, {**options, "chunks": _chunks(options["chunks"] or {}, uri)})
    (path,) = paths
    if options["engine"] == "cfgrib":
        return grib.open_grib(path, options)
    if options["engine"] == "netcdf4":
        return open_netcdf(path, options)
    return _open(path, options, groups=False)


# Engines that are opened in a way of their own; others read a file.
_KINDS = {"zarr": _open_zarr, "icechunk": _open_icechunk}


def _open(where: Any, options: dict[str, Any], groups: bool) -> xarray.Dataset | xarray.DataTree:
    # Without an index a Zarr store lists its arrays as the file system does, in any order; by
    # name, a table has the same columns everywhere.
    unordered = options.get("consolidated") is False
    if not groups:
        dataset = xarray.open_dataset(where, **options)
        return _by_name(dataset) if unordered else dataset
    parts = xarray.open_groups(where, **options)
    if unordered:
        parts = {path: _by_name(parts[path]) for path in sorted(parts)}
    return xarray.DataTree.from_dict(parts)


def _by_name(dataset: xarray.Dataset) -> xarray.Dataset:
    """The same dataset, its variables by name, dimensions in the order of the first of them."""
    data, coords = (sorted(part, key=str) for part in (dataset.data_vars, dataset.coords))
    return dataset.reset_coords()[data + coords].set_coords(coords)


def local(uri: str) -> Path:
    """The path that a local URI means."""
    return Path(uri.removeprefix("file://")).expanduser()
