"""What a dataset is called in SQL."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from gateway.errors import ConfigurationFault
from gateway.sources.grid.relations import relations_of, tables_of


def on(*dims: str, size: int = 2) -> tuple[tuple[str, ...], np.ndarray]:
    return dims, np.zeros([size] * len(dims))


ONE = xarray.Dataset({"a": on("t", "x"), "b": on("x", "t")}, {"t": [1, 2], "lon": on("x")})
SEVERAL = xarray.Dataset({"a": on("t", "x"), "b": on("t"), "crs": 0, "c": on("x", "t")})
COORDINATES = xarray.Dataset(coords={"t": [1, 2], "x": [3.0, 4.0, 5.0]})
TREE = xarray.DataTree.from_dict({"/": SEVERAL, "/one": ONE.drop_vars("t"), "/deep/more": SEVERAL})

#    opened       names                          relations and their columns
NAMES = [
    (ONE,         None,                          "public.d: t x a b lon"),
    (ONE,         {("x", "t"): "grid"},          "d.grid: t x a b lon"),
    (SEVERAL,     None,                          "d.t_x: t x a c; d.t: t b; d.scalars: crs"),
    (SEVERAL,     {("x", "t"): "g", (): "no"},   "d.g: t x a c; d.t: t b; d.no: crs"),
    (COORDINATES, None,                          "d.t: t; d.x: x"),
    (TREE,        None,                          "d.t_x: t x a c; d.t: t b; d.scalars: crs; "
                                                 "d.one: t x a b lon; d.deep_more_t_x: t x a c; "
                                                 "d.deep_more_t: t b; d.deep_more_scalars: crs"),
]  # fmt: skip


@pytest.mark.parametrize(("opened", "names", "wanted"), NAMES)
def test_names(
    opened: xarray.Dataset | xarray.DataTree,
    names: dict[tuple[str, ...], str] | None,
    wanted: str,
) -> None:
    found = relations_of("d", opened, names)
    said = [f"{name}: {' '.join(table.schema.names)}" for name, table in found.items()]
    assert sorted(said) == sorted(wanted.split("; "))


def test_variables_on_the_same_dimensions_in_another_order_share_rows() -> None:
    b = np.arange(6.0).reshape(3, 2)
    dataset = xarray.Dataset({"a": (("t", "x"), b.T.copy()), "b": (("x", "t"), b)})
    (table,) = tables_of(dataset).values()
    (part,) = table.partitions(None)
    (batch,) = part.scan(["a", "b"], None)
    assert batch["a"].equals(batch["b"])


def test_two_sets_of_one_name_are_refused() -> None:
    dataset = xarray.Dataset({"a": on("t", "x"), "b": on("t_x")})
    with pytest.raises(ConfigurationFault, match='would be table "t_x"') as caught:
        tables_of(dataset, name="d")
    assert caught.value.detail == "They are (t, x) and (t_x)."
    assert [*tables_of(dataset, {("t_x",): "flat"})] == ["t_x", "flat"]


def test_two_groups_of_one_name_are_refused() -> None:
    tree = xarray.DataTree.from_dict({"/a/b": ONE, "/a_b": ONE})
    with pytest.raises(ConfigurationFault, match="two groups of dataset"):
        relations_of("d", tree)


def test_a_name_for_dimensions_that_are_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationFault) as caught:
        relations_of("d", SEVERAL, {("t", "y"): "surface"})
    assert str(caught.value) == 'table "surface" of dataset "d": no variable lies on (t, y)'
    assert caught.value.detail == "Variables lie on: ; t; t, x."


def test_groups_keep_the_title_of_the_whole() -> None:
    tree = xarray.DataTree.from_dict({"/": xarray.Dataset(attrs={"title": "All"}), "/a": ONE})
    assert [table.description.comment for table in relations_of("d", tree).values()] == ["All"]
