"""What a dataset is called in SQL: one table, or a schema of tables.

=====================================================  =======================================
a dataset whose variables share one set of dimensions  public.<dataset>
a dataset on several sets                              <dataset>.<dimensions joined by _>
a hierarchy, a group with one set                      <dataset>.<group>
a hierarchy, a group with several sets                 <dataset>.<group>_<dimensions>
=====================================================  =======================================

The configuration's `tables` gives a set of dimensions another name. A set of no dimensions is
called `scalars`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.errors import ConfigurationFault
from gateway.sources.grid.grid import GridTable
from gateway.sources.libraries import xarray
from gateway.sources.table import TableName

SCALARS = "scalars"
Names = Mapping[tuple[str, ...], str]


def tables_of(
    dataset: xarray.Dataset, names: Names | None = None, name: str = ""
) -> dict[str, GridTable]:
    """One table for each set of dimensions that data variables lie on, in order of appearance.

    Variables on the same dimensions in another order share a table; its rows follow the first.
    A dataset without data variables gives the tables of its coordinates.

    Args:
        dataset: The dataset.
        names: Dimensions, in any order, to the name of their table; others are joined by `_`.
        name: The dataset's name, for messages.

    Raises:
        ConfigurationFault: F0000, two sets would have the same name.
        FeatureNotSupported: 0A000, a variable that PostgreSQL has no type for.
    """
    chosen = {frozenset(dims): table for dims, table in (names or {}).items()}
    tables: dict[str, GridTable] = {}
    for dims, variables in _sets(dataset).items():
        table = chosen.get(frozenset(dims)) or "_".join(dims) or SCALARS
        if table in tables:
            raise ConfigurationFault(
                f'two sets of dimensions of dataset "{name}" would be table "{table}"',
                detail=f"They are ({', '.join(tables[table].dims)}) and ({', '.join(dims)}).",
                hint="Name one of them under tables.",
            )
        tables[table] = GridTable(dataset, variables, dims, name)
    return tables


def relations_of(
    name: str, opened: xarray.Dataset | xarray.DataTree, tables: Names | None = None
) -> dict[TableName, GridTable]:
    """Every relation of the dataset registered as `name`.

    Args:
        name: The dataset's name, a schema's or a table's name in SQL.
        opened: What `opening.open_dataset` gave.
        tables: Names for sets of dimensions, as in `tables_of`; a dataset on one set that is
            given a name is a schema too.

    Raises:
        ConfigurationFault: F0000, as `tables_of`; or no variable lies on a set that is named.
        FeatureNotSupported: 0A000, as `tables_of`.
    """
    if isinstance(opened, xarray.DataTree):
        relations = _hierarchy(name, opened, tables)
    else:
        relations = _plain(name, opened, tables)
    _check_used(name, tables or {}, relations)
    return relations


def _plain(name: str, dataset: xarray.Dataset, names: Names | None) -> dict[TableName, GridTable]:
    found = tables_of(dataset, names, name)
    if len(found) == 1 and not names:
        return {TableName("public", name): table for table in found.values()}
    return {TableName(name, part): table for part, table in found.items()}


def _check_used(name: str, names: Names, relations: Mapping[TableName, GridTable]) -> None:
    sets = {frozenset(table.dims) for table in relations.values()}
    for dims, table in names.items():
        if frozenset(dims) not in sets:
            has = "; ".join(sorted(", ".join(table.dims) for table in relations.values()))
            raise ConfigurationFault(
                f'table "{table}" of dataset "{name}": no variable lies on ({", ".join(dims)})',
                detail=f"Variables lie on: {has}.",
            )


def _hierarchy(name: str, tree: xarray.DataTree, names: Names | None) -> dict[TableName, GridTable]:
    relations: dict[TableName, GridTable] = {}
    for node in tree.subtree:
        if not node.data_vars:
            continue
        group = node.path.strip("/").replace("/", "_")
        dataset = node.to_dataset(inherit=True)
        dataset.attrs = {**tree.attrs, **node.attrs}
        found = tables_of(dataset, names, name)
        for part, table in found.items():
            relation = TableName(name, _in_group(group, part, alone=len(found) == 1))
            if relation in relations:
                raise ConfigurationFault(f'two groups of dataset "{name}" would be "{relation}"')
            relations[relation] = table
    return relations


def _in_group(group: str, part: str, alone: bool) -> str:
    if not group:
        return part
    return group if alone else f"{group}_{part}"


def _sets(dataset: xarray.Dataset) -> dict[tuple[str, ...], Sequence[str]]:
    """Each set of dimensions, in the first variable's order, and the variables on it."""
    if not dataset.data_vars:
        return {tuple(map(str, dataset.variables[dim].dims)): () for dim in dataset.xindexes}
    orders: dict[frozenset[str], tuple[str, ...]] = {}
    found: dict[tuple[str, ...], list[str]] = {}
    for name, variable in dataset.data_vars.items():
        dims = tuple(map(str, variable.dims))
        found.setdefault(orders.setdefault(frozenset(dims), dims), []).append(str(name))
    return {dims: variables for dims, variables in found.items()}
