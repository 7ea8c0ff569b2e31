"""What the tables of rules have in common: a row shows the call that it is about."""

from __future__ import annotations


class Called:
    """A row about one function, which its `call` shows: `name(argument, ...)`."""

    __slots__ = ()
    call: str

    @property
    def name(self) -> str:
        return self.call.partition("(")[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        inside = self.call.partition("(")[2].rstrip(")")
        return tuple(part.strip() for part in inside.split(",") if part.strip())
