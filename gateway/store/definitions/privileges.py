"""Owners and grants as values, with PostgreSQL's rules for them (aclchk.c, acl.c; manual, 5.7).

A privilege is the letter that PostgreSQL writes for it in an aclitem. A role is its name; "public"
is PUBLIC, and no role's name. The empty one owns what no owner was noted for, such as datasets:
that is the administrators', who need no grants. Which roles a role is a member of, and who is an
administrator, is told from outside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.errors import DependentObjectsStillExist
from gateway.sql.text.quoting import in_quotes

PUBLIC_ROLE = "public"

# Letters in the order in which PostgreSQL writes them -> the words of GRANT.
WORDS: Mapping[str, str] = {
    "a": "INSERT", "r": "SELECT", "w": "UPDATE", "d": "DELETE", "D": "TRUNCATE",
    "x": "REFERENCES", "t": "TRIGGER", "X": "EXECUTE", "U": "USAGE", "C": "CREATE",
    "T": "TEMPORARY", "c": "CONNECT",
}  # fmt: skip
LETTERS: Mapping[str, str] = {word: letter for letter, word in WORDS.items()} | {"TEMP": "T"}

#   kind          every privilege   what PUBLIC has until something is granted or revoked
KINDS: Mapping[str, tuple[str, str]] = {
    "table":    ("arwdDxt",        ""),
    "column":   ("arwx",           ""),
    "dataset":  ("arwdDxt",        "r"),
    "sequence": ("rwU",            ""),
    "schema":   ("UC",             ""),
    "function": ("X",              "X"),
    "type":     ("U",              "U"),
    "database": ("CTc",            "Tc"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Securable:
    """Something that has an owner and grants: its kind, and what it is known by for life.

    `kind` is "relation", "function" or "type" (by number), "dataset" (a dataset's table or schema,
    by name), "schema" (by name) or "database". The rights to a "default" are those that what its
    owner makes has from the beginning: see `default_key`.
    """

    kind: str
    key: str = ""


# ALTER DEFAULT PRIVILEGES ON what -> pg_default_acl.defaclobjtype, and the kind in `KINDS`.
OBJECT_TYPES: Mapping[str, tuple[str, str]] = {
    "TABLES": ("r", "table"), "SEQUENCES": ("S", "sequence"), "SCHEMAS": ("n", "schema"),
}  # fmt: skip


def default_key(number: int, letter: str, schema: str) -> Securable:
    """What default privileges are kept under: a number of their own, on what, in which schema."""
    return Securable("default", f"{number} {letter} {schema}")


def default_about(thing: Securable) -> tuple[int, str, str]:
    """The number, the kind of things, and the schema, "" for all, of default privileges.

    >>> default_about(default_key(17000, "r", "my schema"))
    (17000, 'r', 'my schema')
    """
    number, letter, schema = thing.key.split(" ", 2)
    return int(number), letter, schema


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role has of another: letters, and those it may grant on."""

    grantee: str
    grantor: str
    letters: str
    options: str = ""


Acl = tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """A thing's owner, and its grants; None: what its kind has by default.

    `columns` has the grants of single columns of a relation, by number, where there are any.
    """

    owner: str = ""
    acl: Acl | None = None
    columns: tuple[tuple[int, Acl], ...] = ()

    @property
    def grants(self) -> Acl:
        """All grants that are noted, those of columns among them."""
        return sum((acl for _, acl in self.columns), self.acl or ())

    def of_column(self, number: int) -> Acl:
        """The grants of one column."""
        return dict(self.columns).get(number, ())

    def with_column(self, number: int, acl: Acl) -> Rights:
        """These rights with other grants of one column; of one that is gone there are none."""
        changed = {**dict(self.columns), number: acl}
        return replace(self, columns=tuple((n, a) for n, a in sorted(changed.items()) if a))


NOBODY_S = Rights()


def in_order(letters: Iterable[str]) -> str:
    """The letters once each, as PostgreSQL orders them.

    >>> in_order("wra")
    'arw'
    """
    wanted = set(letters)
    return "".join(letter for letter in WORDS if letter in wanted)


def default_acl(kind: str, owner: str, public: str | None = None) -> Acl:
    """What holds of a thing of this kind before anything was granted or revoked (acldefault)."""
    every, everyone = KINDS[kind]
    everyone = everyone if public is None else public
    own = (Grant(owner, owner, every),) if owner else ()
    return (Grant(PUBLIC_ROLE, owner, everyone), *own) if everyone else own


def merged(acl: Acl, more: Acl) -> Acl:
    """Both grants together (aclmerge); PUBLIC's are first (aclitemsort)."""
    for each in more:
        acl = _changed(acl, each.grantor, each.grantee, each.letters, each.options)
    return tuple(sorted(acl, key=lambda each: each.grantee != PUBLIC_ROLE))


def held(acl: Acl, roles: Collection[str]) -> str:
    """The letters that these roles have together, PUBLIC's among them."""
    found = (g.letters for g in acl if g.grantee == PUBLIC_ROLE or g.grantee in roles)
    return in_order("".join(found))


def grantable(acl: Acl, roles: Collection[str]) -> str:
    """The letters that these roles may grant on; an owner may grant all, which is not told here."""
    return in_order("".join(g.options for g in acl if g.grantee in roles))


def granted(acl: Acl, grantor: str, grantee: str, letters: str, *, option: bool = False) -> Acl:
    """The grants after GRANT letters TO grantee [WITH GRANT OPTION] by `grantor`."""
    return _changed(acl, grantor, grantee, letters, letters if option else "")


def _changed(acl: Acl, grantor: str, grantee: str, letters: str, options: str) -> Acl:
    for place, each in enumerate(acl):
        if (each.grantee, each.grantor) == (grantee, grantor):
            more = replace(
                each,
                letters=in_order(each.letters + letters),
                options=in_order(each.options + options),
            )
            return (*acl[:place], more, *acl[place + 1 :])
    return (*acl, Grant(grantee, grantor, in_order(letters), in_order(options)))


def revoked(
    acl: Acl,
    owner: str,
    grantor: str,
    grantee: str,
    letters: str,
    *,
    option_only: bool = False,
    cascade: bool = False,
) -> Acl:
    """The grants after REVOKE [GRANT OPTION FOR] letters FROM grantee by `grantor`.

    Raises:
        DependentObjectsStillExist: 2BP01, the grantee granted them on, and not `cascade`.
    """
    lost, left = "", []
    for each in acl:
        if (each.grantee, each.grantor) != (grantee, grantor):
            left.append(each)
            continue
        lost = "".join(letter for letter in each.options if letter in letters)
        kept = _without(each.letters, "" if option_only else letters)
        if kept:
            left.append(replace(each, letters=kept, options=_without(each.options, letters)))
    changed = tuple(left)
    # As long as somebody else's grant lets the grantee grant on, what it granted stands.
    lost = _without(lost, grantable(changed, {grantee}))
    if not lost or grantee in (owner, PUBLIC_ROLE):
        return changed
    for each in changed:
        dependent = "".join(letter for letter in each.letters if letter in lost)
        if each.grantor != grantee or not dependent:
            continue
        if not cascade:
            raise DependentObjectsStillExist(
                "dependent privileges exist", hint="Use CASCADE to revoke them too."
            )
        changed = revoked(changed, owner, grantee, each.grantee, dependent, cascade=True)
    return changed


def without_grantee(rights: Rights, role: str) -> Rights:
    """The rights to a thing without what a role was granted of it, and what it granted on."""

    def without(acl: Acl) -> Acl:
        for each in acl:
            if each.grantee == role:
                acl = revoked(acl, rights.owner, each.grantor, role, each.letters, cascade=True)
        return acl

    columns = tuple((number, left) for number, acl in rights.columns if (left := without(acl)))
    return replace(rights, acl=without(rights.acl or ()), columns=columns)


def _without(letters: str, gone: str) -> str:
    return "".join(letter for letter in letters if letter not in gone)


def given_away(rights: Rights, old: str, new: str) -> Rights:
    """The grants once what was `old`'s is `new`'s: what the one had and gave, the other does."""
    acl = None if rights.acl is None else _given_away(rights.acl, old, new)
    columns = tuple((number, _given_away(each, old, new)) for number, each in rights.columns)
    return replace(rights, acl=acl, columns=columns)


def _given_away(acl: Acl, old: str, new: str) -> Acl:
    changed: Acl = ()
    for each in acl:
        grantee = new if each.grantee == old else each.grantee
        grantor = new if each.grantor == old else each.grantor
        changed = _changed(changed, grantor, grantee, each.letters, each.options)
    return changed


def acl_item(grant: Grant) -> str:
    """A grant as aclitemout writes it.

    >>> acl_item(Grant("bob", "alice", "arw", "r")), acl_item(Grant("public", "alice", "r"))
    ('bob=ar*w/alice', '=r/alice')
    """
    letters = "".join(f"{x}*" if x in grant.options else x for x in grant.letters)
    return f"{_role(grant.grantee)}={letters}/{_role(grant.grantor)}"


def _role(name: str) -> str:
    if name == PUBLIC_ROLE:
        return ""
    plain = all(letter.isalnum() or letter == "_" for letter in name)
    return name if plain else in_quotes(name)
