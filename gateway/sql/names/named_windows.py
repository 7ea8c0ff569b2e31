"""WINDOW w AS (...): what a name stands for, in the place of the name.

The engine knows such names, but lets `OVER (w ORDER BY v)` forget the PARTITION BY of `w`.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import UndefinedObject, WindowingError
from gateway.sql.names.scope import position_of
from gateway.sql.text.trees import copied, nodes_of, own_nodes

Windows = dict[str, exp.Window]


def put_windows(tree: exp.Expr) -> None:
    """Write every window out in full, without a name.

    Raises:
        UndefinedObject: 42704, no window of that name.
        WindowingError: 42P20, a name given twice, or a clause that the named window has already
            (PostgreSQL manual, 4.2.8).
    """
    for select in nodes_of(tree, exp.Select):
        named: Windows = {}
        for window in select.args.get("windows") or ():
            if window.name in named:
                raise WindowingError(
                    f'window "{window.name}" is already defined', position=position_of(window)
                )
            _build(window, named)
            named[window.name] = window
        for node in own_nodes(select):
            if isinstance(node, exp.Window) and node.arg_key != "windows":
                _build(node, named)
        select.set("windows", None)


def _build(window: exp.Window, named: Windows) -> None:
    """Give `window` what the one that it names has."""
    alias = window.args.get("alias")
    if alias is None:
        return
    base = named.get(alias.name)
    if base is None:
        raise UndefinedObject(
            f'window "{alias.name}" does not exist', position=position_of(alias) or 0
        )
    _check(window, base, position_of(alias))
    for clause in ("partition_by", "order", "spec"):
        given = base.args.get(clause)
        if given and not window.args.get(clause):
            parts = [copied(each) for each in given] if isinstance(given, list) else copied(given)
            window.set(clause, parts)
    window.set("alias", None)


def _check(window: exp.Window, base: exp.Window, position: int) -> None:
    for clause, words in (("partition_by", "PARTITION BY"), ("order", "ORDER BY")):
        if window.args.get(clause) and (clause == "partition_by" or base.args.get(clause)):
            raise WindowingError(
                f'cannot override {words} clause of window "{base.name}"', position=position
            )
    if base.args.get("spec") and window.meta_get("copied"):
        raise WindowingError(
            f'cannot copy window "{base.name}" because it has a frame clause', position=position
        )
