"""The words of a block's text, and the pieces that several steps have in common."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.procedural.steps import Into, Target
from gateway.sql.statements.commands import Reader, nesting, words_of

Check = Callable[[Sequence[Token], str], object]


class Words:
    """The tokens of a block, read from the left.

    Args:
        tokens: All of them.
        text: Theirs.
        check: Reads a statement of SQL, and raises where it is none.
    """

    def __init__(self, tokens: Sequence[Token], text: str, check: Check) -> None:
        self.reader, self._text, self._check = Reader(tokens, text), text, check
        self._line_ends = [found.start() for found in re.finditer("\n", text)]
        self.around: list[tuple[str, bool]] = []  # labels of blocks and loops; whether it is a loop

    @property
    def ahead(self) -> str:
        """The next token in capitals; in quotes a name is no word."""
        return self._word(self.reader.index)

    def _word(self, index: int) -> str:
        tokens = self.reader.tokens
        if index >= len(tokens) or tokens[index].token_type == TokenType.IDENTIFIER:
            return ""
        if tokens[index].token_type == TokenType.SEMICOLON:
            return ";;" if self._is_range(index) else ";"
        return tokens[index].text.upper()

    def _is_range(self, index: int) -> bool:
        tokens = self.reader.tokens[index : index + 2]
        both = [each.token_type for each in tokens] == [TokenType.SEMICOLON] * 2
        return both and tokens[1].start == tokens[0].start + 1

    @property
    def line(self) -> int:
        """The line that the next token stands on, from 1."""
        return bisect_left(self._line_ends, max(self.reader.place - 1, 0)) + 1

    def accept(self, word: str) -> bool:
        """Whether the next token is this; if so it is passed."""
        if self.ahead != word:
            return False
        self.reader.index += 2 if word == ";;" else 1
        return True

    def need(self, *words: str) -> None:
        """One of these, passed; what is there instead is refused."""
        if not any(map(self.accept, words)):
            self.reader.fail()

    def refusal(self, what: str) -> FeatureNotSupported:
        """What is told of a part of PL/pgSQL that is not here."""
        return FeatureNotSupported(f"{what} is not supported in DO", position=self.reader.place)

    def until(self, *ends: str) -> str:
        """The text up to one of these words outside of brackets, which is not passed.

        Raises:
            SyntaxFault: 42601, nothing stands there, or none of them follows.
        """
        start, depth = self.reader.index, 0
        tokens = self.reader.tokens
        while self.reader.more():
            if depth == 0 and self._ends(ends):
                break
            if self.ahead == ";":
                self.reader.fail()
            depth += nesting(tokens[self.reader.index])
            self.reader.index += 1
        if not self.reader.more():
            self.reader.fail()
        if self.reader.index == start:
            raise SyntaxFault(
                f'syntax error at or near "{tokens[start].text}"', position=self.reader.place
            )
        return self._text[tokens[start].start : tokens[self.reader.index - 1].end + 1]

    def expression(self, *ends: str) -> str:
        """An expression, or what may follow SELECT, up to one of these words.

        Raises:
            SyntaxFault: 42601, it is none.
        """
        start = self.reader.index
        found = self.until(*ends)
        self.check_expression(self.reader.tokens[start : self.reader.index])
        return found

    def check_expression(self, tokens: Sequence[Token]) -> None:
        """Refuse what is no expression."""
        first, last = tokens[0].start, tokens[-1].end
        select = Token(TokenType.SELECT, "SELECT", start=first, end=last)
        self._check([select, *tokens], self._text)

    def query(self, *ends: str) -> str:
        """A query, up to one of these words."""
        start = self.reader.index
        found = self.until(*ends)
        self._check(self.reader.tokens[start : self.reader.index], self._text)
        return found

    def _ends(self, ends: Sequence[str]) -> bool:
        return self.ahead in ends or any(
            word in ends for word in words_of(self.reader.tokens[self.reader.index])[:1]
        )

    def expressions(self, *ends: str) -> tuple[str, ...]:
        """Expressions between commas, up to one of these words."""
        found = [self.expression(",", *ends)]
        while self.accept(","):
            found.append(self.expression(",", *ends))
        return tuple(found)

    def label_before(self) -> str:
        """<<label>>, if one stands there."""
        if self.ahead != "<":
            return ""
        for sign in "<<":
            self.need(sign)
        name = self.name()
        for sign in ">>":
            self.need(sign)
        return name

    def end_label(self, label: str) -> None:
        """The label after END, which must be the one before the block."""
        if self.ahead == ";" or not self.reader.more():
            return
        place, name = self.reader.place, self.name()
        if not label:
            raise SyntaxFault(f'end label "{name}" specified for unlabeled block', position=place)
        if name != label:
            raise SyntaxFault(
                f'end label "{name}" differs from block\'s label "{label}"', position=place
            )

    def left(self, again: bool) -> str:
        """The label after EXIT, or CONTINUE (`again`); "" where none stands: the nearest loop.

        Raises:
            SyntaxFault: 42601, no such block or loop is around.
        """
        verb, place = ("CONTINUE" if again else "EXIT"), self.reader.place
        if self.ahead in ("WHEN", ";"):
            if not any(is_loop for _, is_loop in self.around):
                unless = "" if again else ", unless it has a label"
                raise SyntaxFault(f"{verb} cannot be used outside a loop{unless}", position=place)
            return ""
        label = self.name()
        found = [is_loop for name, is_loop in self.around if name == label]
        if not found:
            raise SyntaxFault(
                f'there is no label "{label}" attached to any block or loop enclosing this'
                " statement",
                position=place,
            )
        if again and not found[-1]:
            raise SyntaxFault(f'block label "{label}" cannot be used in CONTINUE', position=place)
        return label

    def name(self) -> str:
        """A name; PL/pgSQL's own words are none."""
        if self.ahead in _RESERVED:
            self.reader.fail()
        return self.reader.label()

    def target(self) -> Target:
        """A variable, or a field of a record."""
        name = self.name()
        return Target(name, self.reader.label() if self.accept(".") else "")

    def targets(self) -> tuple[Target, ...]:
        """Several of them between commas."""
        found = [self.target()]
        while self.accept(","):
            found.append(self.target())
        return tuple(found)

    def assigned(self) -> Target | None:
        """The target of `target :=`, passed with the sign; None: it is no assignment."""
        index = self.reader.index
        first = self.reader.tokens[index] if self.reader.more() else None
        if first is None or not (
            first.token_type == TokenType.IDENTIFIER
            or first.text[:1].isalpha()
            or first.text[0] == "_"
        ):
            return None
        after = index + (3 if self._word(index + 1) == "." else 1)
        if self._word(after) == "[":
            raise FeatureNotSupported(
                "assignment to an element of an array is not supported in DO",
                hint="Assign a whole array.",
                position=self.reader.place,
            )
        if self._word(after) not in (":=", "="):
            return None
        found = self.target()
        self.reader.take()
        return found

    def sqlstate(self) -> str:
        """'XXXXX', five signs of it."""
        place, code = self.reader.place, self.reader.string()
        if not _SQLSTATE.fullmatch(code):
            raise SyntaxFault("invalid SQLSTATE code", position=place)
        return code

    def statement(self) -> tuple[str, Into | None]:
        """A statement of SQL up to its semicolon, without its INTO, and that.

        INTO belongs to the block, but for that of INSERT and MERGE.
        """
        start, depth = self.reader.index, 0
        tokens = self.reader.tokens
        into: Into | None = None
        cut = (0, 0)
        while self.ahead != ";":
            if not self.reader.more():
                self.reader.fail()
            before = self._word(self.reader.index - 1) if self.reader.index > start else ""
            if depth == 0 and self.ahead == "INTO" and before not in ("INSERT", "MERGE"):
                if into is not None:
                    raise SyntaxFault("INTO specified more than once", position=self.reader.place)
                first = tokens[self.reader.index].start
                self.reader.take()
                strict = self.accept("STRICT")
                into = Into(self.targets(), strict)
                cut = first, tokens[self.reader.index - 1].end + 1
                continue
            depth += nesting(tokens[self.reader.index])
            self.reader.index += 1
        if self.reader.index == start:
            self.reader.fail()
        begin, end = tokens[start].start, tokens[self.reader.index - 1].end + 1
        inside = tokens[start : self.reader.index]
        self._check([each for each in inside if not cut[0] <= each.start < cut[1]], self._text)
        if into is None:
            return self._text[begin:end], None
        return f"{self._text[begin : cut[0]]}{self._text[cut[1] : end]}".rstrip(), into


# Reserved in PL/pgSQL (pl_reserved_kwlist.h).
_RESERVED = frozenset(
    {
        "ALL", "BEGIN", "BY", "CASE", "DECLARE", "ELSE", "END", "EXECUTE", "FOR", "FOREACH", "FROM",
        "IF", "IN", "INTO", "LOOP", "NOT", "NULL", "OR", "STRICT", "THEN", "TO", "USING", "WHEN",
        "WHILE",
    }
)  # fmt: skip
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


def _is_name(token: Token) -> bool:
    begins = token.text[:1]
    return token.token_type == TokenType.IDENTIFIER or begins.isalpha() or begins == "_"
