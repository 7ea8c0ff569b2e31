"""What the catalogue's database calls for rights: functions over columns of arguments.

They are called as those of `calling` are: each call names the place of its query.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gateway.catalog.system.acl import WORDS, Item, default_items, exploded, read_items, written
from gateway.catalog.system.calling import Functions, Refusals
from gateway.catalog.system.names import Moment
from gateway.catalog.system.privilege_kinds import letters_of
from gateway.catalog.system.privileges import Privileges

_ROW = pa.struct([("f1", pa.int64()), ("f2", pa.int64()), ("f3", pa.string()), ("f4", pa.bool_())])
_ROW_TYPE = "STRUCT(f1 BIGINT, f2 BIGINT, f3 VARCHAR, f4 BOOLEAN)[]"
_TEXT, _OID = "VARCHAR", "BIGINT"
_LETTERS = {word: letter for letter, word in WORDS.items()} | {"TEMP": "T"}


class RightsFunctions:
    """The functions, for the queries that `begin` named. Any thread may call them.

    Args:
        refusals: Where what they raise is kept.
    """

    def __init__(self, refusals: Refusals) -> None:
        self._kept: dict[str, Privileges] = {}
        self._asked: dict[str, Privileges] = {}  # by the place that a running query names
        self._each = refusals.each

    def begin(self, moment: Moment, place: str) -> None:
        """A query runs over what there is at a moment; its calls name the place."""
        if moment.schema not in self._kept:
            self._kept[moment.schema] = Privileges(moment)
        self._asked[place] = self._kept[moment.schema]

    def end(self, place: str) -> None:
        """It has ended."""
        self._asked.pop(place, None)

    def forget(self, moment: Moment) -> None:
        """No query will."""
        self._kept.pop(moment.schema, None)

    def functions(self) -> Functions:
        """By name."""
        return {
            "gw_privilege": (
                self._privilege,
                ["VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR[]"],
                "BOOLEAN",
            ),
            "gw_exploded": (self._exploded, ["VARCHAR", "VARCHAR[]"], _ROW_TYPE),
            "gw_acl_item": (
                self._item,
                ["VARCHAR", "BIGINT", "BIGINT", "VARCHAR", "BOOLEAN"],
                "VARCHAR",
            ),
            "gw_acl_default": (self._default, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR[]"),
        }

    def _privilege(
        self, moment: pa.Array, name: pa.Array, numbered: pa.Array, arguments: pa.Array
    ) -> pa.Array:
        def answer(at: str, *asked: Any) -> bool | None:
            return self._asked[at].answer(*asked)

        return self._each(pa.bool_(), answer, moment, name, numbered, arguments)

    def _exploded(self, moment: pa.Array, acl: pa.Array) -> pa.Array:
        def rows(at: str, items: list[str | None] | None) -> list[dict[str, Any]] | None:
            if items is None:
                return None
            found = exploded(read_items(items, self._asked[at].roles.numbers))
            return [dict(zip(("f1", "f2", "f3", "f4"), row, strict=True)) for row in found]

        return self._each(pa.list_(_ROW), rows, moment, acl)

    def _default(self, moment: pa.Array, kind: pa.Array, owner: pa.Array) -> pa.Array:
        def items(at: str, letter: str | None, number: int | None) -> list[str] | None:
            if letter is None or number is None:
                return None
            names = self._asked[at].roles.names
            return [written(item, names) for item in default_items(letter, number)]

        return self._each(pa.list_(pa.string()), items, moment, kind, owner)

    def _item(
        self,
        moment: pa.Array,
        grantee: pa.Array,
        grantor: pa.Array,
        words: pa.Array,
        option: pa.Array,
    ) -> pa.Array:
        def item(
            at: str, to: int | None, by: int | None, words: str | None, option: bool | None
        ) -> str | None:
            if to is None or by is None or words is None or option is None:
                return None
            letters = "".join(letters_of(words, _LETTERS))
            return written(Item(to, by, letters, letters * option), self._asked[at].roles.names)

        return self._each(pa.string(), item, moment, grantee, grantor, words, option)
