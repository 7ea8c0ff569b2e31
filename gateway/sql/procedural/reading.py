"""The text of a block of PL/pgSQL -> its steps (PostgreSQL manual, 43.2 to 43.9).

Tokens are sqlglot's. What SQL stands inside a step is kept as it was written: it ends where
PostgreSQL ends it, at the first semicolon, THEN, LOOP, ... outside of brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import (
    DatatypeMismatch,
    FeatureNotSupported,
    GatewayError,
    NullValueNotAllowed,
    StatementTooComplex,
    SyntaxFault,
    UndefinedObject,
)
from gateway.sql.procedural.conditions import codes_of
from gateway.sql.procedural.raised import read_assert, read_raise
from gateway.sql.procedural.steps import (
    Assign,
    Block,
    Case,
    Declaration,
    Diagnostics,
    Do,
    End,
    Execute,
    ForEach,
    ForNumbers,
    ForRows,
    Handler,
    If,
    Into,
    Leave,
    Loop,
    Perform,
    Return,
    Sql,
    Step,
    Steps,
)
from gateway.sql.procedural.words import Check, Words
from gateway.sql.statements.commands import Reader
from gateway.sql.text.dialect import tokenize

_TEXTS = (
    TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.RAW_STRING, TokenType.BYTE_STRING,
)  # fmt: skip


def read_do(reader: Reader, check: Check) -> Do:
    """DO [LANGUAGE name] text [LANGUAGE name].

    Args:
        reader: What follows DO.
        check: Reads a statement of SQL, and raises where it is none.

    Raises:
        SyntaxFault: 42601, with its position where the text stands between dollars.
        UndefinedObject: 42704, a language, a condition. FeatureNotSupported: 0A000.
        StatementTooComplex: 54001, blocks are nested too deeply.
    """
    body: Token | None = None
    language = ""
    if not reader.more():
        reader.fail()
    while reader.more():
        if reader.accept("LANGUAGE"):
            named = reader.take()
            language = named.text if named.token_type in _TEXTS else named.text.lower()
        elif body is None:
            body = reader.of_type(*_TEXTS)
        else:
            reader.fail()
    if body is None:
        raise SyntaxFault("no inline code specified")
    if language not in ("", "plpgsql"):
        if language in ("sql", "c", "internal"):
            raise FeatureNotSupported(
                f'language "{language}" does not support inline code execution'
            )
        raise UndefinedObject(f'language "{language}" does not exist')
    # Between dollars it stands letter by letter as in the message.
    shift = reader.text.find(body.text, body.start) if body.text else -1
    exact = body.token_type == TokenType.HEREDOC_STRING and 0 <= shift <= body.end
    try:
        return Do(read_block(body.text, check), body.text)
    except RecursionError:
        raise StatementTooComplex("stack depth limit exceeded") from None
    except GatewayError as error:
        error.position = error.position + shift if error.position and exact else 0
        raise


# What keeps two dots of FOR from being those of numbers: `1..10`.
_DOTS = re.compile(
    r"""'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/|(\.\.)""",
    re.DOTALL,
)
_RANGE = ";;"


def read_block(text: str, check: Check = lambda tokens, text: None) -> Block:
    """The block that a text is; `check` refuses what is no SQL inside.

    >>> block = read_block("DECLARE n int := 1; BEGIN n := n + 1; END")
    >>> [each.name for each in block.declarations], [type(step).__name__ for step in block.steps]
    (['n'], ['Assign'])
    """
    marked = _DOTS.sub(lambda found: _RANGE if found[2] else found[0], text)
    words = Words(tokenize(marked), marked, check)
    block = _labelled(words)
    if not isinstance(block, Block):
        words.reader.fail()
    words.reader.end()
    return block


def _labelled(words: Words) -> Step:
    label = words.label_before()
    line = words.line
    if words.ahead in ("DECLARE", "BEGIN"):
        return _block(words, line, label)
    read = _LOOPS.get(words.ahead)
    if read is None:
        words.reader.fail()
    words.reader.take()
    return read(words, line, label)


def _block(words: Words, line: int, label: str) -> Block:
    declarations: list[Declaration] = []
    while words.accept("DECLARE"):
        while words.ahead not in ("BEGIN", "DECLARE"):
            declarations.append(_declaration(words, declarations))
    words.need("BEGIN")
    words.around.append((label, False))
    steps = _steps(words, "END", "EXCEPTION")
    handlers: list[Handler] = []
    if words.accept("EXCEPTION"):
        while words.accept("WHEN"):
            conditions = [*_conditions(words)]
            while words.accept("OR"):
                conditions += _conditions(words)
            words.need("THEN")
            handlers.append(Handler(tuple(conditions), _steps(words, "END", "WHEN")))
        if not handlers:
            words.reader.fail()
    words.around.pop()
    words.need("END")
    words.end_label(label)
    if words.reader.more():
        words.need(";")
    return Block(line, label, tuple(declarations), steps, tuple(handlers))


def _declaration(words: Words, before: list[Declaration]) -> Declaration:
    line, place = words.line, words.reader.place
    name = words.name()
    if any(each.name == name for each in before):
        raise SyntaxFault(f'duplicate declaration at or near "{name}"', position=place)
    constant = words.accept("CONSTANT")
    if words.ahead in ("ALIAS", "CURSOR", "NO", "SCROLL"):
        raise words.refusal(f"{words.ahead} in DECLARE")
    kind = words.until("NOT", "DEFAULT", ":=", "=", ";", "COLLATE")
    if words.ahead == "COLLATE":
        raise words.refusal("COLLATE in DECLARE")
    not_null = words.accept("NOT")
    if not_null:
        words.need("NULL")
    default = ""
    if words.ahead in ("DEFAULT", ":=", "="):
        words.reader.take()
        default = words.expression(";")
    words.need(";")
    if not_null and not default:
        raise NullValueNotAllowed(
            f'variable "{name}" must have a default value, since it\'s declared NOT NULL'
        )
    return Declaration(name, kind, line, constant, not_null, default)


def _conditions(words: Words) -> tuple[str, ...]:
    place = words.reader.place
    if words.accept("SQLSTATE"):
        return (words.sqlstate(),)
    name = words.reader.label()
    return ("",) if name == "others" else codes_of(name, place)


def _steps(words: Words, *ends: str) -> Steps:
    found: list[Step] = []
    while words.ahead not in ends:
        if not words.reader.more():
            words.reader.fail()
        step = _step(words)
        if step is not None:
            found.append(step)
    return tuple(found)


def _step(words: Words) -> Step | None:
    if words.ahead == "<" or words.ahead in ("DECLARE", "BEGIN", *_LOOPS):
        return _labelled(words)
    line, word = words.line, words.ahead
    target = words.assigned()
    if target is not None:
        value = words.expression(";")
        words.need(";")
        return Assign(line, target, value)
    if word in _REFUSED:
        raise words.refusal(word)
    read = _READERS.get(word)
    if read is None:
        text, into = words.statement()
        words.need(";")
        return Sql(line, text, into)
    words.reader.take()
    step = read(words, line)
    words.need(";")
    return step


def _if(words: Words, line: int) -> Step:
    branches = []
    more = True
    while more:
        condition = words.expression("THEN")
        words.need("THEN")
        branches.append((condition, _steps(words, "ELSIF", "ELSEIF", "ELSE", "END")))
        more = words.accept("ELSIF") or words.accept("ELSEIF")
    otherwise = _steps(words, "END") if words.accept("ELSE") else ()
    words.need("END")
    words.need("IF")
    return If(line, tuple(branches), otherwise)


def _case(words: Words, line: int) -> Step:
    operand = "" if words.ahead == "WHEN" else words.expression("WHEN")
    branches = []
    while words.accept("WHEN"):
        values = [words.expression("THEN", *([","] if operand else []))]
        while words.accept(","):
            values.append(words.expression("THEN", ","))
        words.need("THEN")
        branches.append((tuple(values), _steps(words, "WHEN", "ELSE", "END")))
    if not branches:
        words.reader.fail()
    otherwise = _steps(words, "END") if words.accept("ELSE") else None
    words.need("END")
    words.need("CASE")
    return Case(line, operand, tuple(branches), otherwise)


def _body(words: Words, label: str) -> Steps:
    words.need("LOOP")
    words.around.append((label, True))
    steps = _steps(words, "END")
    words.around.pop()
    words.need("END")
    words.need("LOOP")
    words.end_label(label)
    words.need(";")
    return steps


def _loop(words: Words, line: int, label: str) -> Step:
    words.reader.index -= 1
    return Loop(line, label, _body(words, label))


def _while(words: Words, line: int, label: str) -> Step:
    condition = words.expression("LOOP")
    return Loop(line, label, _body(words, label), condition)


def _for(words: Words, line: int, label: str) -> Step:
    targets = words.targets()
    words.need("IN")
    if words.accept("EXECUTE"):
        text = words.expression("USING", "LOOP")
        using = words.expressions("LOOP") if words.accept("USING") else ()
        return ForRows(line, label, targets, text, _body(words, label), True, using)
    reverse = words.accept("REVERSE")
    start = words.reader.index
    first = words.until(_RANGE, "LOOP")
    if words.ahead != _RANGE:
        words.reader.index = start
        query = words.query("LOOP")
        return ForRows(line, label, targets, query, _body(words, label))
    words.check_expression(words.reader.tokens[start : words.reader.index])
    words.need(_RANGE)
    last, by = words.expression("BY", "LOOP"), ""
    if words.accept("BY"):
        by = words.expression("LOOP")
    if len(targets) != 1 or targets[0].field:
        raise SyntaxFault("integer FOR loop must have only one target variable")
    return ForNumbers(line, label, targets[0].name, first, last, by, reverse, _body(words, label))


def _foreach(words: Words, line: int, label: str) -> Step:
    (target,) = words.targets()[:1]
    if words.ahead == "SLICE":
        raise words.refusal("SLICE of FOREACH")
    words.need("IN")
    words.need("ARRAY")
    array = words.expression("LOOP")
    return ForEach(line, label, target, array, _body(words, label))


def _leave(again: bool) -> Callable[[Words, int], Step]:
    def read(words: Words, line: int) -> Step:
        label = words.left(again)
        condition = words.expression(";") if words.accept("WHEN") else ""
        return Leave(line, again, label, condition)

    return read


def _return(words: Words, line: int) -> Step:
    if words.ahead != ";":
        raise DatatypeMismatch(
            "RETURN cannot have a parameter in function returning void",
            position=words.reader.place,
        )
    return Return(line)


def _perform(words: Words, line: int) -> Step:
    return Perform(line, words.expression(";"))


def _execute(words: Words, line: int) -> Step:
    text = words.expression("INTO", "USING", ";")
    into: Into | None = None
    using: tuple[str, ...] = ()
    while words.ahead != ";":
        if words.accept("INTO"):
            strict = words.accept("STRICT")
            into = Into(words.targets(), strict)
        elif words.accept("USING"):
            using = words.expressions("INTO", ";")
        else:
            words.reader.fail()
    return Execute(line, text, into, using)


def _diagnostics(words: Words, line: int) -> Step:
    stacked = words.accept("STACKED")
    if not stacked:
        words.accept("CURRENT")
    words.need("DIAGNOSTICS")
    items = []
    while True:
        target = words.target()
        words.need(":=", "=")
        items.append((target, words.reader.label()))
        if not words.accept(","):
            return Diagnostics(line, tuple(items), stacked)


def _end(verb: str) -> Callable[[Words, int], Step]:
    def read(words: Words, line: int) -> Step:
        if words.ahead == "AND":
            raise words.refusal(f"{verb} AND CHAIN")
        return End(line, verb)

    return read


_LOOPS: dict[str, Callable[[Words, int, str], Step]] = {
    "LOOP": _loop,
    "WHILE": _while,
    "FOR": _for,
    "FOREACH": _foreach,
}
_READERS: dict[str, Callable[[Words, int], Step | None]] = {
    "IF": _if,
    "CASE": _case,
    "EXIT": _leave(again=False),
    "CONTINUE": _leave(again=True),
    "RETURN": _return,
    "PERFORM": _perform,
    "EXECUTE": _execute,
    "GET": _diagnostics,
    "RAISE": read_raise,
    "ASSERT": read_assert,
    "COMMIT": _end("COMMIT"),
    "ROLLBACK": _end("ROLLBACK"),
    "NULL": lambda words, line: None,
}
_REFUSED = ("OPEN", "FETCH", "MOVE", "CLOSE", "CALL")
