"""What the catalogue's database calls for rights: functions over columns of arguments.

An error that such a call raises is kept here, since the database tells no more than its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from gateway.catalog.system.acl import WORDS, Item, default_items, exploded, read_items, written
from gateway.catalog.system.names import Moment
from gateway.catalog.system.privilege_kinds import letters_of
from gateway.catalog.system.privileges import Privileges
from gateway.errors import GatewayError

_ROW = pa.struct([("f1", pa.int64()), ("f2", pa.int64()), ("f3", pa.string()), ("f4", pa.bool_())])
_ROW_TYPE = "STRUCT(f1 BIGINT, f2 BIGINT, f3 VARCHAR, f4 BOOLEAN)[]"
# name -> the function, its arguments' types, its result's
Functions = Mapping[str, tuple[Callable[..., pa.Array], list[str], str]]


class RightsFunctions:
    """The functions, for the moment that `begin` named last; one thread at a time calls them.

    Attributes:
        refused: What the last call raised.
    """

    def __init__(self) -> None:
        self.refused: GatewayError | None = None
        self._kept: tuple[Moment, Privileges] | None = None

    def begin(self, moment: Moment) -> None:
        """A query runs over what there is at a moment."""
        self.refused = None
        if self._kept is None or self._kept[0] is not moment:
            self._kept = moment, Privileges(moment)

    def functions(self) -> Functions:
        """By name."""
        return {
            "gw_privilege": (self._privilege, ["VARCHAR", "VARCHAR", "VARCHAR[]"], "BOOLEAN"),
            "gw_exploded": (self._exploded, ["VARCHAR[]"], _ROW_TYPE),
            "gw_acl_item": (self._item, ["BIGINT", "BIGINT", "VARCHAR", "BOOLEAN"], "VARCHAR"),
            "gw_acl_default": (self._default, ["VARCHAR", "BIGINT"], "VARCHAR[]"),
        }

    @property
    def _privileges(self) -> Privileges:
        assert self._kept is not None
        return self._kept[1]

    def _privilege(self, name: pa.Array, numbered: pa.Array, arguments: pa.Array) -> pa.Array:
        columns = name.to_pylist(), numbered.to_pylist(), arguments.to_pylist()
        return self._each(pa.bool_(), self._privileges.answer, *columns)

    def _exploded(self, acl: pa.Array) -> pa.Array:
        def rows(items: list[str | None] | None) -> list[dict[str, Any]] | None:
            if items is None:
                return None
            found = exploded(read_items(items, self._privileges.roles.numbers))
            return [dict(zip(("f1", "f2", "f3", "f4"), row, strict=True)) for row in found]

        return self._each(pa.list_(_ROW), rows, acl.to_pylist())

    def _default(self, kind: pa.Array, owner: pa.Array) -> pa.Array:
        names = {number: name for name, number in self._privileges.roles.numbers.items()}

        def items(letter: str | None, number: int | None) -> list[str] | None:
            if letter is None or number is None:
                return None
            return [written(item, names) for item in default_items(letter, number)]

        return self._each(pa.list_(pa.string()), items, kind.to_pylist(), owner.to_pylist())

    def _item(
        self, grantee: pa.Array, grantor: pa.Array, words: pa.Array, option: pa.Array
    ) -> pa.Array:
        names = {number: name for name, number in self._privileges.roles.numbers.items()}
        letters = {word: letter for letter, word in WORDS.items()} | {"TEMP": "T"}

        def item(to: int | None, by: int | None, text: str | None, on: bool | None) -> str | None:
            if to is None or by is None or text is None or on is None:
                return None
            given = "".join(letters_of(text, letters))
            return written(Item(to, by, given, given if on else ""), names)

        columns = grantee.to_pylist(), grantor.to_pylist(), words.to_pylist(), option.to_pylist()
        return self._each(pa.string(), item, *columns)

    def _each(self, kind: pa.DataType, answer: Callable[..., Any], *columns: list[Any]) -> pa.Array:
        try:
            return pa.array([answer(*row) for row in zip(*columns, strict=True)], kind)
        except GatewayError as error:
            self.refused = error
            raise
