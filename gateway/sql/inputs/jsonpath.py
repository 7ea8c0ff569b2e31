"""Reads a jsonpath: PostgreSQL manual, 9.16.2. What comes back is a tree of `Node`.

Members, elements, filters, predicates, arithmetic and the methods that need no date are read; what
is left out (datetime() and the option x of like_regex) is refused by name.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from gateway.errors import FeatureNotSupported, SyntaxFault

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<variable>\$(?:[^\W\d]\w*|"(?:[^"\\]|\\.)*"))
      | (?P<word>[^\W\d]\w*)
      | (?P<sign>&&|\|\||==|!=|<>|<=|>=|\*\*|[-+*/%.$@?()\[\]{},:!<>]))""",
    re.VERBOSE,
)
METHODS = ("type", "size", "double", "ceiling", "floor", "abs", "keyvalue")
_COMPARING = {"==": "==", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
PREDICATES = frozenset({"compare", "and", "or", "not", "exists", "like", "starts", "unknown"})


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a jsonpath: its kind, and what belongs to it."""

    kind: str
    parts: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A whole path, and whether what it names must be there."""

    root: Node
    strict: bool


@lru_cache(1000)
def read_jsonpath(text: str) -> JsonPath:
    """The path.

    Raises:
        SyntaxFault: 42601. FeatureNotSupported: 0A000, a part that is not supported.
    """
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                self._refuse(text[place:].strip()[:1])
            self.tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            place = found.end()
        self.place = 0

    def whole(self) -> JsonPath:
        mode = self._word("strict", "lax")
        root = self._disjunction()
        if self.place < len(self.tokens) or not self.tokens:
            self._refuse()
        return JsonPath(root, mode == "strict")

    def _refuse(self, near: str | None = None) -> NoReturn:
        if near is None:
            near = self.tokens[self.place][1] if self.place < len(self.tokens) else ""
        where = f'at or near "{near}"' if near else "at end"
        raise SyntaxFault(f"syntax error {where} of jsonpath input")

    def _text(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def _kind(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def _sign(self, *signs: str) -> str:
        """The sign that stands here, passed over; "" when it is none of these."""
        if self._kind() == "sign" and self._text() in signs:
            self.place += 1
            return self.tokens[self.place - 1][1]
        return ""

    def _word(self, *words: str) -> str:
        if self._kind() == "word" and self._text() in words:
            self.place += 1
            return self.tokens[self.place - 1][1]
        return ""

    def _must(self, sign: str) -> None:
        if not self._sign(sign):
            self._refuse()

    # Predicates

    def _disjunction(self) -> Node:
        this = self._conjunction()
        while self._sign("||"):
            this = Node("or", (this, self._conjunction()))
        return this

    def _conjunction(self) -> Node:
        this = self._predicate()
        while self._sign("&&"):
            this = Node("and", (this, self._predicate()))
        return this

    def _predicate(self) -> Node:
        if self._sign("!"):
            return Node("not", (self._predicate(),))
        if self._word("exists"):
            self._must("(")
            inner = self._disjunction()
            self._must(")")
            return Node("exists", (inner,))
        this = self._sum()
        if sign := self._sign(*_COMPARING):
            return Node("compare", (_COMPARING[sign], this, self._sum()))
        if self._word("like_regex"):
            pattern = self._string()
            return Node("like", (this, pattern, self._string() if self._word("flag") else ""))
        if self._word("starts"):
            if not self._word("with"):
                self._refuse()
            return Node("starts", (this, self._primary()))
        if self._word("is"):
            if not self._word("unknown"):
                self._refuse()
            return Node("unknown", (this,))
        return this

    def _string(self) -> str:
        if self._kind() != "string":
            self._refuse()
        self.place += 1
        return _unquoted(self.tokens[self.place - 1][1])

    # Arithmetic

    def _sum(self) -> Node:
        this = self._product()
        while sign := self._sign("+", "-"):
            this = Node("arithmetic", (sign, this, self._product()))
        return this

    def _product(self) -> Node:
        this = self._unary()
        while sign := self._sign("*", "/", "%"):
            this = Node("arithmetic", (sign, this, self._unary()))
        return this

    def _unary(self) -> Node:
        if sign := self._sign("+", "-"):
            return Node("sign", (sign, self._unary()))
        return self._path()

    # Accessors

    def _path(self) -> Node:
        start = self._primary()
        steps: list[Node] = []
        while (step := self._step()) is not None:
            steps.append(step)
        return Node("path", (start, tuple(steps))) if steps else start

    def _primary(self) -> Node:
        kind, text = self._kind(), self._text()
        if self._sign("("):
            inner = self._disjunction()
            self._must(")")
            return inner
        self.place += 1
        if kind == "number":
            return Node("literal", (Decimal(text) if re.search("[.eE]", text) else int(text),))
        if kind == "string":
            return Node("literal", (_unquoted(text),))
        if kind == "variable":
            name = text[1:]
            return Node("variable", (_unquoted(name) if name.startswith('"') else name,))
        if text in ("true", "false", "null"):
            return Node("literal", ({"true": True, "false": False, "null": None}[text],))
        if text in ("$", "@", "last"):
            return Node({"$": "root", "@": "current"}.get(text, "last"))
        self.place -= 1
        self._refuse()

    def _step(self) -> Node | None:
        if self._sign("["):
            return self._subscripts()
        if self._sign("?"):
            self._must("(")
            condition = self._disjunction()
            self._must(")")
            return Node("filter", (condition,))
        if not self._sign("."):
            return None
        if self._sign("*"):
            return Node("members")
        if self._sign("**"):
            return self._levels()
        if self._kind() == "string":
            return Node("member", (self._string(),))
        if self._kind() != "word":
            self._refuse()
        name = self._text()
        self.place += 1
        return self._method(name) if self._sign("(") else Node("member", (name,))

    def _method(self, name: str) -> Node:
        if name not in METHODS:
            if name == "datetime":
                raise FeatureNotSupported("datetime() in a jsonpath is not supported")
            self._refuse(name)
        self._must(")")
        return Node("method", (name,))

    def _subscripts(self) -> Node:
        if self._sign("*"):
            self._must("]")
            return Node("elements")
        found = []
        while True:
            first = self._sum()
            found.append((first, self._sum() if self._word("to") else first))
            if not self._sign(","):
                break
        self._must("]")
        return Node("subscripts", tuple(found))

    def _levels(self) -> Node:
        if not self._sign("{"):
            return Node("levels", (0, None))
        first = self._level()
        last = self._level() if self._word("to") else first
        self._must("}")
        return Node("levels", (first, last))

    def _level(self) -> int | None:
        if self._word("last"):
            return None
        if self._kind() != "number" or not self._text().isdigit():
            self._refuse()
        self.place += 1
        return int(self.tokens[self.place - 1][1])


def _unquoted(text: str) -> str:
    plain = re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u00\1", text)
    plain = re.sub(r"\\u\{([0-9A-Fa-f]{1,6})\}", lambda each: chr(int(each[1], 16)), plain)
    plain = re.sub(r'\\([^"\\/bfnrtu])', r"\1", plain)
    return str(json.loads(plain, strict=False))
