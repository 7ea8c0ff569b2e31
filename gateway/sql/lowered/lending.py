"""Functions and casts that only the catalogue has, in queries over other tables.

`format_type(t, -1)`, `'emp'::regclass`, `has_table_privilege(...)`: where the catalogue has the
answer and the engine runs the query, the engine is lent a function for each such call, by the
types of its arguments. Values of the reg types are numbers in such a query; what the client is
shown is made of them at the very end (`show_objects`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.values.jsoncalls import MAKERS
from gateway.sql.meaning.analysis import analyse
from gateway.sql.names.relation import Relations
from gateway.sql.names.row_functions import refuse_sets
from gateway.sql.names.scope import Analysis, Block, is_aggregate, position_of
from gateway.sql.text.datatypes import DomainName, data_type, domain_cast
from gateway.sql.text.dialect import DIALECT
from gateway.sql.text.rows import row_of
from gateway.sql.text.trees import nodes, nodes_of, own_nodes
from gateway.sql.types.inference import GIVES, Types, info_of_column
from gateway.sql.types.overload_table import is_unknown
from gateway.types import ALIASES, BY_NAME, INT4, NUMERIC, REGISTERED, TEXT, Type, array_of

# Calls that write their arguments as texts.
_WRITING = frozenset({"concat", "concat_ws", "format", *MAKERS})
# Of a value of any type, by its text.
_QUOTING = frozenset({"quote_literal", "quote_nullable"})


@dataclass(frozen=True, slots=True)
class Lent:
    """A function that the engine has been lent, and what it gives."""

    name: str
    result: Type


class Lender(Protocol):
    """Who lends functions of the catalogue to the engine."""

    def has(self, function: str) -> bool:
        """Whether a function of that name is the catalogue's alone."""

    def number(self, kind: str, text: str) -> int:
        """The oid that a text means as a reg type."""

    def lend(self, call: str, types: Sequence[Type | None]) -> Lent:
        """The engine's function for an expression over `$1`, `$2`, ...

        Args:
            call: `format_type($1, $2)`, `$1::regclass`, ...
            types: Those of the arguments; None: not known, its place tells.

        Raises:
            GatewayError: 42883, there is no such function; 0A000, it is not supported.
        """

    def shown(self, kind: Type) -> str:
        """The engine's function that makes of numbers what clients are shown of a reg type."""


class Borrowed:
    """A lender that remembers whether it was asked: what it lends is one session's own."""

    def __init__(self, lender: Lender) -> None:
        self._lender = lender
        self.was_asked = False

    def has(self, function: str) -> bool:
        """As the lender."""
        return self._lender.has(function)

    def number(self, kind: str, text: str) -> int:
        """As the lender."""
        self.was_asked = True
        return self._lender.number(kind, text)

    def lend(self, call: str, types: Sequence[Type | None]) -> Lent:
        """As the lender."""
        self.was_asked = True
        return self._lender.lend(call, types)

    def shown(self, kind: Type) -> str:
        """As the lender."""
        self.was_asked = True
        return self._lender.shown(kind)


# The schemas of PostgreSQL's own relations.
CATALOGUES = ("pg_catalog", "information_schema")

# Types of the catalogue that are written as they are, once their values are the engine's.
_PLAIN = {"name": "text", "char": "text", "oid": "bigint", "xid": "bigint", "cid": "bigint"}


def may_borrow(tree: exp.Expr, relations: Relations, lender: Lender) -> bool:
    """Whether a query names anything of the catalogue."""
    if any(name.schema in CATALOGUES for name in relations):
        return True
    return any(
        (isinstance(node, exp.Anonymous) and lender.has(node.name))
        or (isinstance(node, exp.Cast) and catalogue_type(node.args["to"]) is not None)
        for node in nodes(tree)
    )


def borrow(tree: exp.Expr, analysis: Analysis, relations: Relations, lender: Lender) -> Analysis:
    """Put lent functions in place of the catalogue's, in a whole query; its blocks as they are now.

    Raises:
        FeatureNotSupported: 0A000, the type of an argument cannot be told.
        UndefinedTable, UndefinedFunction, UndefinedObject: no object of the name in a literal.
    """
    for place in range(len(analysis.blocks)):
        lend_calls(analysis.blocks[place], lender)
        analysis = analyse(tree, relations)  # a block around it can tell its columns' types now
    top = next((block for block in analysis.blocks if block.select is tree), None)
    if top is not None:
        show_objects(top, lender)
    return analysis


def lend_calls(block: Block, lender: Lender) -> None:
    """Put lent functions in place of the catalogue's, in this SELECT.

    Raises:
        FeatureNotSupported: 0A000, the type of an argument cannot be told.
        UndefinedTable, UndefinedFunction, UndefinedObject: no object of the name in a literal.
    """
    known = Types(block)
    for node in reversed(own_nodes(block.select)):
        if isinstance(node, exp.Anonymous) and (oid := _type_asked(node, known)) is not None:
            node.replace(_told(oid, node.expressions[0]))
        elif isinstance(node, exp.Anonymous) and lender.has(node.name):
            _lend_call(node, known, lender)
        elif isinstance(node, exp.Cast):
            _lend_cast(node, known, lender)
        written = isinstance(node, exp.Anonymous) and node.name.lower() in _WRITING
        if written or isinstance(node, exp.DPipe):
            _show_operands(node, known, lender)


def _show_operands(node: exp.Expr, known: Types, lender: Lender) -> None:
    """Let what becomes a part of a text be the name of a reg value, not its number."""
    operands = node.expressions or [node.this, node.expression]
    for operand in operands:
        kind = known.of(operand)
        if kind is not None and kind.name in REGISTERED:
            operand.replace(_called(lender.lend("$1::text", [kind]), [operand]))


def _type_asked(call: exp.Anonymous, known: Types) -> int | None:
    """The number of the type that pg_typeof tells; None: not known, or it is another call."""
    if call.name != "pg_typeof" or len(call.expressions) != 1:
        return None
    argument = call.expressions[0].unnest()
    if argument.is_string or isinstance(argument, exp.Null):
        return BY_NAME["unknown"].oid
    refuse_sets(argument, "pg_typeof")
    if row_of(argument) is not None:
        return BY_NAME["record"].oid
    if (domain := _domain_of(argument, known.block)) is not None:
        return domain.oid
    kind = _declared(argument, known)
    return None if kind is None else kind.oid


def _domain_of(argument: exp.Expr, block: Block | None) -> DomainName | None:
    """The domain that an expression is of; None: of none."""
    if isinstance(argument, exp.Column) and block is not None:
        return info_of_column(argument, block).domain
    found = domain_cast(argument)
    return found[1] if found is not None else None


def _told(oid: int, argument: exp.Expr) -> exp.Expr:
    """The number of a type; of an aggregate, in a form that still makes one row of a group."""
    number = exp.Cast(this=exp.Literal.number(oid), to=data_type("bigint"))
    told: exp.Expr = number
    if any(is_aggregate(call) for call in nodes_of(argument, exp.Anonymous)):
        # The engine would fold a CASE with equal branches, and the aggregation with it.
        count = exp.Anonymous(this="count", expressions=[exp.Star()])
        counted = exp.GTE(this=count, expression=exp.Literal.number(0))
        told = exp.Case(ifs=[exp.If(this=counted, true=number)])
    told.meta[GIVES] = BY_NAME["regtype"]
    return told


def _lend_call(node: exp.Anonymous, known: Types, lender: Lender) -> None:
    if node.name in _QUOTING:
        _give_texts(node, known)
    types = [_declared(argument, known) for argument in node.expressions]
    for argument, kind in zip(node.expressions, types, strict=True):
        if kind is None and not is_unknown(argument):
            raise FeatureNotSupported(
                f"cannot tell the type of {argument.sql(dialect=DIALECT)},"
                f" which {node.name} depends on",
                hint="Cast it to the type it has.",
                position=position_of(node),
            )
    given = [argument for argument in node.expressions if not _is_constant(argument)]
    lent = lender.lend(_written(node), [_declared(argument, known) for argument in given])
    given = [_with_ten_digits(each) if known.of(each) is NUMERIC else each for each in given]
    parent = node.parent
    qualified = isinstance(parent, exp.Dot) and parent.expression is node
    (parent if qualified and parent is not None else node).replace(_called(lent, given))


def _with_ten_digits(number: exp.Expr) -> exp.Expr:
    """A numeric of whichever digits with those of a lent function's argument."""
    return exp.Cast(this=number.copy(), to=data_type("decimal(38, 10)"))


def _give_texts(call: exp.Anonymous, known: Types) -> None:
    """Cast a number, moment, ... that is quoted to the text that is quoted of it."""
    for argument in call.expressions:
        if known.of(argument) not in (None, TEXT) and not argument.is_string:
            argument.replace(exp.Cast(this=argument.copy(), to=data_type("text")))


def _written(node: exp.Anonymous) -> str:
    """The call with its literals, and `$1`, `$2`, ... for its other arguments."""
    numbers = count(1)
    parts = [
        each.sql(dialect=DIALECT) if _is_constant(each) else f"${next(numbers)}"
        for each in node.expressions
    ]
    return f"{node.name}({', '.join(parts)})"


def _is_constant(argument: exp.Expr) -> bool:
    """Whether its type is that of its place, or boolean."""
    return argument.is_string or isinstance(argument, exp.Null | exp.Boolean)


def _declared(argument: exp.Expr, known: Types) -> Type | None:
    """The type of an argument; digits are an integer, as in PostgreSQL."""
    if is_unknown(argument):
        return None
    if _is_small(argument):
        return INT4
    return known.of(argument)


def _called(lent: Lent, arguments: Sequence[exp.Expr]) -> exp.Expr:
    given = [_typed(each) for each in arguments] or [exp.Literal.number(0)]
    call = exp.Anonymous(this=lent.name, expressions=given)
    call.meta[GIVES] = lent.result
    return call


def _typed(argument: exp.Expr) -> exp.Expr:
    """A copy; digits become the integer that they were declared as."""
    if _is_small(argument):
        return exp.Cast(this=argument.copy(), to=data_type("int"))
    return argument.copy()


def _is_small(argument: exp.Expr) -> bool:
    return isinstance(argument, exp.Literal) and argument.is_int and int(argument.this) < 2**31


def _lend_cast(node: exp.Cast, known: Types, lender: Lender) -> None:
    wanted = catalogue_type(node.args["to"])
    value = node.this.unnest()
    given = known.of(value)
    if wanted is None:
        if node.args["to"].this in _TEXTS and given is not None and given.name in REGISTERED:
            lent = lender.lend("$1::text", [given])
            node.set("this", _called(lent, [value]))
        return
    if wanted.name in REGISTERED:
        node.replace(_as_registered(value, given, wanted, lender))
    elif wanted.name in _PLAIN and wanted.name != "char":  # which is cut to one character
        kind = data_type(_PLAIN[wanted.name])
        plain: exp.Expr = exp.Cast(this=value.copy(), to=kind)
        if wanted.name == "oid" and given is not None and given.arrow == TEXT.arrow:
            plain = exp.Anonymous(this="oid_of_text", expressions=[value.copy()])
        elif wanted.arrow == pa.uint32():
            unsigned = exp.Literal.string("UInt32")
            plain = exp.Anonymous(this="arrow_cast", expressions=[plain, unsigned])
        plain.meta[GIVES] = wanted
        node.replace(plain)
    elif wanted.element is not None and wanted.element.name in _PLAIN:
        kind = data_type(f"{_PLAIN[wanted.element.name]}[]")
        node.set("to", kind)
        node.meta[GIVES] = wanted


_TEXTS = (exp.DType.TEXT, exp.DType.VARCHAR)


def _as_registered(value: exp.Expr, given: Type | None, wanted: Type, lender: Lender) -> exp.Expr:
    made: exp.Expr
    if value.is_string:
        number = exp.Literal.number(lender.number(wanted.name, value.name))
        made = exp.Cast(this=number, to=data_type("bigint"))
    elif isinstance(value, exp.Parameter) or (given is not None and given.arrow == TEXT.arrow):
        return _called(lender.lend(f"$1::{wanted.name}", [TEXT]), [value])
    else:
        made = exp.Cast(this=value.copy(), to=data_type("bigint"))
    made.meta[GIVES] = wanted
    return made


def catalogue_type(kind: exp.Expr) -> Type | None:
    """The catalogue's own type that a cast names: a reg type, oid, name, "char", ...; else None."""
    if isinstance(kind, exp.DataType) and kind.this == exp.DType.ARRAY and kind.expressions:
        element = catalogue_type(kind.expressions[0])
        return None if element is None else array_of(element)
    found = BY_NAME.get(type_word(kind))
    if found is None or (found.name not in REGISTERED and found.name not in _PLAIN):
        return None
    is_char = isinstance(kind, exp.DataType) and kind.this == exp.DType.CHAR
    return None if is_char else found


def type_word(node: exp.Expr) -> str:
    """The last word of a type as it is written, folded; of an array, its elements'."""
    if not isinstance(node, exp.DataType):
        return str(node.this).lower()
    if node.this == exp.DType.ARRAY and node.expressions:
        return type_word(node.expressions[0])
    if node.this == exp.DType.USERDEFINED:
        kind = node.args.get("kind")
        last = kind.expression if isinstance(kind, exp.Dot) else kind
        return last.name.lower() if isinstance(last, exp.Expr) else str(last).lower()
    word = node.this.value if isinstance(node.this, exp.DType) else str(node.this)
    return ALIASES.get(word.lower(), word.lower())


def show_objects(block: Block, lender: Lender) -> None:
    """Let the columns of a query that are reg values be shown by name."""
    known = Types(block)
    for item in block.select.expressions:
        value = item.unalias()
        kind = known.of(value)
        if kind is not None and kind.name in REGISTERED:
            call = exp.Anonymous(this=lender.shown(kind), expressions=[value.copy()])
            call.meta[GIVES] = kind
            value.replace(call)
