"""Grants as PostgreSQL writes them, `bob=ar*w/alice`, read and made (acl.c).

The numbers of roles are told from outside, by name. A role that nobody knows has the number of the
first: where everyone is an administrator, all are that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import InvalidTextRepresentation
from gateway.roles import BOOTSTRAP_OID
from gateway.sql.text.quoting import in_quotes

# Letters in PostgreSQL's order -> the words of aclexplode.
WORDS: Mapping[str, str] = {
    "a": "INSERT", "r": "SELECT", "w": "UPDATE", "d": "DELETE", "D": "TRUNCATE",
    "x": "REFERENCES", "t": "TRIGGER", "X": "EXECUTE", "U": "USAGE", "C": "CREATE",
    "T": "TEMPORARY", "c": "CONNECT", "s": "SET", "A": "ALTER SYSTEM",
}  # fmt: skip
PUBLIC_OID = 0

#   acldefault's letter -> what the owner has, and what PUBLIC has
DEFAULTS: Mapping[str, tuple[str, str]] = {
    "c": ("", ""), "r": ("arwdDxt", ""), "s": ("rwU", ""), "d": ("CTc", "Tc"), "f": ("X", "X"),
    "l": ("U", "U"), "L": ("rw", ""), "n": ("UC", ""), "p": ("sA", ""), "t": ("C", ""),
    "F": ("U", ""), "S": ("U", ""), "T": ("U", "U"),
}  # fmt: skip

_ITEM = re.compile(r'(?:group |user )?("(?:[^"]|"")*"|[^=]*)=((?:[a-zA-Z]\*?)*)(?:/(.*))?')


@dataclass(frozen=True, slots=True)
class Item:
    """What one role has of another: letters, and those that it may grant on."""

    grantee: int
    grantor: int
    letters: str
    options: str = ""


def read_items(acl: Iterable[str | None], numbers: Mapping[str, int]) -> list[Item]:
    """The items of an acl; NULLs are left out.

    >>> read_items(['bob=ar*/alice', '=r/alice'], {'alice': 10, 'bob': 11})[0]
    Item(grantee=11, grantor=10, letters='ar', options='r')

    Raises:
        InvalidTextRepresentation: 22P02, it is not written as an aclitem.
    """
    return [_read(text, numbers) for text in acl if text is not None]


def _read(text: str, numbers: Mapping[str, int]) -> Item:
    match = _ITEM.fullmatch(text)
    if match is None:
        raise InvalidTextRepresentation(f'invalid input syntax for type aclitem: "{text}"')
    grantee, letters, grantor = match.groups()
    options = "".join(re.findall(r"(.)\*", letters))
    number = _number(grantee, numbers) if grantee else PUBLIC_OID
    return Item(number, _number(grantor or "", numbers), letters.replace("*", ""), options)


def _number(written: str, numbers: Mapping[str, int]) -> int:
    plain = written[1:-1].replace('""', '"') if written.startswith('"') else written
    return numbers.get(plain, BOOTSTRAP_OID)


def default_items(kind: str, owner: int) -> list[Item]:
    """What holds of a thing of this kind before anything was granted (acldefault)."""
    own, public = DEFAULTS.get(kind, ("", ""))
    items = [Item(PUBLIC_OID, owner, public)] if public else []
    return [*items, Item(owner, owner, own)] if own else items


def exploded(items: Sequence[Item]) -> list[tuple[int, int, str, bool]]:
    """aclexplode's rows: grantor, grantee, privilege, whether it may be granted on."""
    return [
        (item.grantor, item.grantee, word, letter in item.options)
        for item in items
        for letter, word in WORDS.items()
        if letter in item.letters
    ]


def written(item: Item, names: Mapping[int, str]) -> str:
    """An item as aclitemout writes it.

    >>> written(Item(11, 10, 'ar', 'r'), {10: 'alice', 11: 'Bob B'})
    '"Bob B"=ar*/alice'
    """
    letters = "".join(f"{x}*" if x in item.options else x for x in WORDS if x in item.letters)
    grantee = _role(item.grantee, names) if item.grantee else ""
    return f"{grantee}={letters}/{_role(item.grantor, names)}"


def _role(number: int, names: Mapping[int, str]) -> str:
    name = names.get(number, str(number))
    plain = all(letter.isalnum() or letter == "_" for letter in name)
    return name if plain else in_quotes(name)
