"""A scan of a dataset ten times the bound on memory stays within the bound, a sort near it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray

from tests.session.scan_memory import PEAK, QUERIES, SORTS

BOUND = 64 << 20


@pytest.mark.measured
@pytest.mark.skipif(not os.access(PEAK, os.W_OK), reason="only Linux tells the most memory held")
def test_scans_stay_within_the_bound(tmp_path: Path) -> None:
    # Chunks that hold nothing but the fill value are not stored, and are as large as any when read.
    shape, chunk = (640, 256, 512), (1, 256, 512)
    zeros = np.broadcast_to(np.float64(0), shape)
    dataset = xarray.Dataset({"v": (("time", "lat", "lon"), zeros)}, {"lat": np.arange(256.0)})
    assert zeros.size * zeros.itemsize == 10 * BOUND
    encoding = {"v": {"chunks": chunk, "write_empty_chunks": False, "_FillValue": None}}
    dataset.to_zarr(tmp_path / "g.zarr", zarr_format=2, consolidated=False, encoding=encoding)
    told = subprocess.run(
        [sys.executable, "-m", "tests.session.scan_memory", str(tmp_path / "g.zarr"), str(BOUND)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    grown = json.loads(told.stdout.splitlines()[-1])
    assert grown.keys() == {*QUERIES, *SORTS}
    # A sort holds as much as the bound, beside the block that it reads and the batch that it gives.
    allowed = dict.fromkeys(QUERIES, BOUND) | dict.fromkeys(SORTS, 2 * BOUND)
    assert {sql: most for sql, most in grown.items() if most > allowed[sql]} == {}
