"""Which datasets a server has, what is known of them, and that a bad one harms no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
import xarray

from gateway.app import App
from gateway.config import Dataset, Settings

SECRET = "https://me:word@127.0.0.1:1/gone.zarr?sig=abc"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A client of a server with one good dataset and three bad ones."""
    place = tmp_path_factory.mktemp("datasets")
    good = xarray.Dataset(
        {"2m_temperature": (("T", "höhe"), np.ones((2, 2)), {"units": "K", "range": [1.5, 2.0]})},
        {"T": [1, 2], "höhe": ("höhe", [0.5, 1.5], {"long_name": "Höhe", "units": "m"})},
        {"title": "Good", "version": np.int32(3)},
    )
    good.to_netcdf(place / "good.nc")
    xarray.Dataset({"z": ("x", np.array([1j]))}).to_zarr(place / "complex.zarr", consolidated=False)
    (place / "torn.nc").write_bytes(b"\x89HDF\r\n\x1a\n torn")
    datasets = [
        Dataset(name="torn", uri=str(place / "torn.nc")),
        Dataset(name="good", uri=str(place / "good.nc")),
        Dataset(name="imaginary", uri=str(place / "complex.zarr")),
        Dataset(name="secret", uri=SECRET),
    ]
    with App(Settings(port=0, datasets=datasets)) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True) as made:
            yield made


def test_a_good_dataset_is_served_beside_bad_ones(client: psycopg.Connection) -> None:
    assert client.execute('SELECT "T", "höhe", "2m_temperature" FROM good LIMIT 1').fetchone() == (
        1, 0.5, 1.0,
    )  # fmt: skip


#    name          in the detail
BAD = [("torn", "torn.nc"), ("imaginary", 'variable "z" has values of type complex128'),
       ("secret", "https://127.0.0.1:1/gone.zarr")]  # fmt: skip


@pytest.mark.parametrize(("name", "reason"), BAD)
def test_a_bad_dataset_says_why(client: psycopg.Connection, name: str, reason: str) -> None:
    for relation in (name, f"{name}.part"):
        with pytest.raises(psycopg.Error, match=f'"{relation}" cannot be read') as caught:
            client.execute(f"SELECT * FROM {relation}")
        assert caught.value.sqlstate == "58030"
        told = caught.value.diag.message_detail or ""
        assert reason in told and "word" not in told and "sig" not in told


def test_the_datasets_are_listed(client: psycopg.Connection) -> None:
    rows = client.execute(
        "SELECT name, uri, tables, error IS NULL FROM gradwire.datasets ORDER BY name"
    ).fetchall()
    assert [(name, tables, good) for name, _, tables, good in rows] == [
        ("good", 1, True), ("imaginary", 0, False), ("secret", 0, False), ("torn", 0, False),
    ]  # fmt: skip
    assert rows[2][1] == "https://127.0.0.1:1/gone.zarr"


def test_every_attribute_is_a_row(client: psycopg.Connection) -> None:
    rows = client.execute(
        "SELECT column_name, attribute, value, json FROM gradwire.attributes "
        "WHERE table_schema = 'public' AND table_name = 'good' ORDER BY 1 NULLS FIRST, 2"
    ).fetchall()
    assert rows == [
        (None, "title", "Good", '"Good"'),
        (None, "version", "3", "3"),
        ("2m_temperature", "range", "[1.5, 2.0]", "[1.5, 2.0]"),
        ("2m_temperature", "units", "K", '"K"'),
        ("höhe", "long_name", "Höhe", '"Höhe"'),
        ("höhe", "units", "m", '"m"'),
    ]
    assert json.loads(rows[2][3]) == [1.5, 2.0]


def test_what_tells_of_datasets_is_not_written(client: psycopg.Connection, tmp_path: Path) -> None:
    for statement in ("DELETE FROM gradwire.datasets", "CREATE TABLE gradwire.mine (x int)"):
        with pytest.raises(psycopg.Error) as caught:
            client.execute(statement)
        assert caught.value.sqlstate == "25006"
