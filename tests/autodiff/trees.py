"""Random expressions over every function that has a rule, as SQL and as a value that can be NULL.

The functions are read from the table of rules: a new row is drawn from the moment it is typed.
What the functions mean is not said here: a value is computed with the functions of whoever asks
(`jax_functions`), and is a pair, number and whether it is missing, so that NULL is followed
through CASE and COALESCE as SQL defines it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from gateway.autodiff.rules.functions import RULES
from gateway.autodiff.statements.differentiate_sql import differentiate_sql
from gateway.errors import NotDifferentiable

Value = tuple[Any, Any]  # number, whether it is missing; the number of a missing one is harmless
Columns = Mapping[str, Value]


@dataclass(frozen=True)
class Tree:
    """SQL (in parentheses where it needs them), and its value by the functions that are handed."""

    sql: str
    value: Callable[[Any, Columns], Value]
    integer: bool = False

    def __repr__(self) -> str:
        return self.sql


def column(name: str, integer: bool = False) -> Tree:
    return Tree(name, lambda meaning, columns: columns[name], integer)


def constant(text: str) -> Tree:
    return Tree(text, lambda meaning, columns: meaning.constant(text, columns), "." not in text)


def strict(template: str, name: str, *arguments: Tree) -> Tree:
    """`template` filled with the arguments, meaning the function `name` of the asker's."""
    sql = template.format(*(argument.sql for argument in arguments))

    def value(meaning: Any, columns: Columns) -> Value:
        return meaning.call(name, [argument.value(meaning, columns) for argument in arguments])

    return Tree(sql, value, name in "+-*neg" and all(a.integer for a in arguments))


def call(name: str, *arguments: Tree) -> Tree:
    """A function's call."""
    holes = ", ".join("{}" for _ in arguments)
    return strict(f"{name}({holes})", name, *arguments)


# Arguments, led to where a function is defined, smooth and not steep.


def anything(tree: Tree) -> Tree:
    return tree


def unit(tree: Tree) -> Tree:
    """Inside (-1, 1)."""
    return strict("({} * {})", "*", constant("0.875"), call("sin", tree))


def around(centre: str) -> Callable[[Tree], Tree]:
    """Within 0.875 of a number."""
    return lambda tree: strict("({} + {})", "+", constant(centre), unit(tree))


def digits(tree: Tree) -> Tree:
    """An integer that is written out: round(x, 2)."""
    return constant("2")


# A function without a line takes anything; a missing argument is like the first.
SMOOTH: dict[tuple[str, int], tuple[Callable[[Tree], Tree], ...]] = {
    ("tan", 1): (unit,),
    ("cot", 1): (around("1.5"),),
    ("asin", 1): (unit,),
    ("acos", 1): (unit,),
    ("asind", 1): (unit,),
    ("cotd", 1): (around("1.5"),),
    ("atan2d", 2): (around("1.5"), around("-1.5")),
    ("acosd", 1): (unit,),
    ("atan2", 2): (around("1.5"), around("-1.5")),
    ("sinh", 1): (unit,),
    ("cosh", 1): (unit,),
    ("acosh", 1): (around("2.5"),),
    ("atanh", 1): (unit,),
    ("exp", 1): (unit,),
    ("ln", 1): (around("1.5"),),
    ("log2", 1): (around("1.5"),),
    ("log10", 1): (around("1.5"),),
    ("log", 1): (around("1.5"),),
    ("log", 2): (around("2.5"), around("1.5")),
    ("sqrt", 1): (around("1.5"),),
    ("cbrt", 1): (around("-1.5"),),
    ("power", 2): (around("1.5"), around("0.5")),
    ("round", 2): (anything, digits),
    ("trunc", 2): (anything, digits),
    ("mod", 2): (anything, around("2.5")),
    ("div", 2): (anything, around("2.5")),
}


def _differentiable(sql: str) -> bool:
    try:
        differentiate_sql(sql, "x")
    except NotDifferentiable:
        return False
    return True


# Functions and operators that may have a rule without being a row of the table; drawn from when a
# derivative of them is to be had at all.
_BESIDES = [
    (name, arity)
    for name in (
        "greatest",
        "least",
        "coalesce",
        "nvl",
        "nvl2",
        "nanvl",
        "nullif",
        "mod",
        "erf",
        "erfc",
    )
    for arity in (1, 2, 3)
    if _differentiable(f"{name}({', '.join('xyz'[:arity])})")
]
CALLS = sorted({(rule.name, len(rule.arguments)) for rule in RULES} | set(_BESIDES))
REMAINDER = _differentiable("x % y")


def made_call(name: str, arity: int, arguments: list[Tree], led: bool = True) -> Tree:
    """The call of a row of `CALLS`, its arguments led to where it is smooth, or not."""
    rounds = name in ("round", "trunc")
    ways = SMOOTH.get((name, arity), (anything,)) if led or rounds else (anything,)
    led = [ways[min(n, len(ways) - 1)](arguments[n]) for n in range(arity)]
    return call(name, *led)


def conditions(names: Mapping[str, bool]) -> st.SearchStrategy[Tree]:
    """Comparisons of columns: never of computed values, which rounding could tip."""
    columns = st.sampled_from([column(name, integer) for name, integer in names.items()])
    bounds = st.sampled_from([constant(text) for text in ("-1", "0.25", "0.5", "1.0", "2")])
    signs = st.sampled_from(["<", "<=", ">", ">=", "=", "<>"])
    compared = st.builds(
        lambda a, s, b: strict(f"({{}} {s} {{}})", s, a, b), columns, signs, bounds
    )
    missing = columns.map(
        lambda a: Tree(f"({a.sql} IS NULL)", lambda m, c: m.is_null(a.value(m, c)))
    )
    plain = st.one_of(compared, missing)
    return st.one_of(
        plain,
        st.builds(lambda a: Tree(f"(NOT {a.sql})", lambda m, c: m.negation(a.value(m, c))), plain),
        st.builds(
            lambda a, b: Tree(
                f"({a.sql} AND {b.sql})", lambda m, c: m.both(a.value(m, c), b.value(m, c))
            ),
            plain,
            plain,
        ),
        st.builds(
            lambda a, b: Tree(
                f"({a.sql} OR {b.sql})", lambda m, c: m.either(a.value(m, c), b.value(m, c))
            ),
            plain,
            plain,
        ),
    )


def case(branches: list[tuple[Tree, Tree]], default: Tree | None) -> Tree:
    """A searched CASE."""
    whens = " ".join(f"WHEN {condition.sql} THEN {value.sql}" for condition, value in branches)
    ending = "" if default is None else f" ELSE {default.sql}"

    def value(meaning: Any, columns: Columns) -> Value:
        chosen = (
            meaning.constant(None, columns) if default is None else default.value(meaning, columns)
        )
        for condition, branch in reversed(branches):
            taken = condition.value(meaning, columns)
            chosen = meaning.choose(taken, branch.value(meaning, columns), chosen)
        return chosen

    return Tree(f"(CASE {whens}{ending} END)", value)


def simple_case(subject: Tree, keys: list[str], values: list[Tree], default: Tree) -> Tree:
    """CASE subject WHEN key THEN value ... ELSE default END, as the searched CASE it stands for."""
    branches = [
        (strict("({} = {})", "=", subject, constant(key)), value)
        for key, value in zip(keys, values, strict=True)
    ]
    whens = " ".join(f"WHEN {key} THEN {v.sql}" for key, v in zip(keys, values, strict=True))
    sql = f"(CASE {subject.sql} {whens} ELSE {default.sql} END)"
    return Tree(sql, case(branches, default).value)


_UNARY: list[Callable[[Tree], Tree]] = [
    lambda a: strict("(-{})", "neg", a),
    lambda a: strict("{}::double precision", "double", a),
    lambda a: strict("({} ^ 2)", "^", a, constant("2")),
    lambda a: strict("({} ^ 3)", "^", a, constant("3")),
    lambda a: strict("({} ^ 1)", "^", a, constant("1")),
    lambda a: strict("({} ^ 0)", "^", a, constant("0")),
    lambda a: strict("({} ^ -1)", "^", around("1.5")(a), constant("-1")),
    lambda a: strict("({} ^ 0.5)", "^", around("1.5")(a), constant("0.5")),
]
_BINARY: list[Callable[[Tree, Tree], Tree]] = [
    lambda a, b: strict("({} + {})", "+", a, b),
    lambda a, b: strict("({} - {})", "-", a, b),
    lambda a, b: strict("({} * {})", "*", a, b),
    lambda a, b: strict("({} / {})", "/", a, around("1.5")(b)),
    lambda a, b: strict("({} ^ {})", "^", around("1.5")(a), b),
]
if REMAINDER:
    _BINARY.append(lambda a, b: strict("({} % {})", "%", a, around("2.5")(b)))


# The same where their arguments are led nowhere.
_BARE_UNARY = [
    lambda a: strict("(-{})", "neg", a),
    *(
        (lambda a, e=exponent: strict(f"({{}} ^ {e})", "^", a, constant(e)))
        for exponent in ("0", "1", "2", "3", "-1", "0.5", "1.5")
    ),
]
_BARE_BINARY = [
    (lambda a, b, o=sign: strict(f"({{}} {o} {{}})", o, a, double(b) if o == "/" else b))
    for sign in ("+", "-", "*", "*", "/", "^", "%")
]


def double(tree: Tree) -> Tree:
    """Not an integer."""
    return strict("{}::double precision", "double", tree) if tree.integer else tree


def expressions(
    names: Mapping[str, bool], max_leaves: int = 5, led: bool = True
) -> st.SearchStrategy[Tree]:
    """Expressions over columns, each with whether it is an integer.

    Args:
        names: The columns.
        max_leaves: The most columns and constants in one.
        led: Whether arguments are led to where a function is smooth.
    """
    leaves = st.one_of(
        st.sampled_from([column(name, integer) for name, integer in names.items()]),
        st.sampled_from([constant(text) for text in ("0.5", "1.0", "2.0", "3.25", "3")]),
    )
    condition = conditions(names)
    integers = [column(name, True) for name, integer in names.items() if integer]

    def larger(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        called = st.builds(
            lambda row, *arguments: made_call(*row, list(arguments), led),
            st.sampled_from(CALLS), inner, inner, inner,
        )  # fmt: skip
        made = [
            st.builds(
                lambda make, a: make(a), st.sampled_from(_UNARY if led else _BARE_UNARY), inner
            ),
            st.builds(
                lambda make, a, b: make(a, b),
                st.sampled_from(_BINARY if led else _BARE_BINARY),
                inner,
                inner,
            ),
            called,
            called,  # twice as often
            st.builds(
                case,
                st.lists(st.tuples(condition, inner), min_size=1, max_size=2),
                st.one_of(st.none(), inner),
            ),
        ]
        if integers:
            made.append(
                st.builds(
                    lambda subject, a, b, c: simple_case(subject, ["1", "3"], [a, b], c),
                    st.sampled_from(integers), inner, inner, inner,
                )
            )  # fmt: skip
        return st.one_of(*made)

    return st.recursive(leaves, larger, max_leaves=max_leaves)


def woven(parts: Sequence[Tree]) -> Tree:
    """One expression of five, in which every operator meets computed values on both sides."""
    a, b, c, d, e = parts
    shared = strict("({} - {})", "-", strict("({} * {})", "*", a, b), c)
    quotient = strict("({} / {})", "/", shared, around("1.5")(strict("({} + {})", "+", d, e)))
    squared = strict("({} * {})", "*", shared, shared)
    return strict("({} - {})", "-", quotient, strict("(-{})", "neg", squared))
