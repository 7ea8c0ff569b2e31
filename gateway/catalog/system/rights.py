"""What the catalogue's database calls for rights: functions over columns of arguments.

They are called as those of `calling` are: each call names the place of its query.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gateway.catalog.system.acl import WORDS, Item, default_items, exploded, read_items, written
from gateway.catalog.system.calling import AtMoments, Functions, Refusals
from gateway.catalog.system.privilege_kinds import letters_of
from gateway.catalog.system.privileges import Privileges

_ROW = pa.struct([("f1", pa.int64()), ("f2", pa.int64()), ("f3", pa.string()), ("f4", pa.bool_())])
_ROW_TYPE = "STRUCT(f1 BIGINT, f2 BIGINT, f3 VARCHAR, f4 BOOLEAN)[]"
_TEXT, _OID = "VARCHAR", "BIGINT"
_LETTERS = {word: letter for letter, word in WORDS.items()} | {"TEMP": "T"}


class RightsFunctions(AtMoments[Privileges]):
    """The functions, for the queries that `begin` named.

    Args:
        refusals: Where what they raise is kept.
    """

    def __init__(self, refusals: Refusals) -> None:
        super().__init__(Privileges)
        self._each = refusals.each

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
            return self.asked[at].answer(*asked)

        return self._each(pa.bool_(), answer, moment, name, numbered, arguments)

    def _exploded(self, moment: pa.Array, acl: pa.Array) -> pa.Array:
        def rows(at: str, items: list[str | None] | None) -> list[dict[str, Any]] | None:
            if items is None:
                return None
            found = exploded(read_items(items, self.asked[at].roles.numbers))
            return [dict(zip(("f1", "f2", "f3", "f4"), row, strict=True)) for row in found]

        return self._each(pa.list_(_ROW), rows, moment, acl)

    def _default(self, moment: pa.Array, kind: pa.Array, owner: pa.Array) -> pa.Array:
        def items(at: str, letter: str | None, number: int | None) -> list[str] | None:
            if letter is None or number is None:
                return None
            names = self.asked[at].roles.names
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
            return written(Item(to, by, letters, letters * option), self.asked[at].roles.names)

        return self._each(pa.string(), item, moment, grantee, grantor, words, option)
