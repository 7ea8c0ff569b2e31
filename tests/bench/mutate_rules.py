"""Breaks each rule of the table in turn, in memory, and says which breaks no witness sees.

    python -m tests.bench.mutate_rules [NAME ...]

A mutant is a partial with its sign flipped, doubled, with one number or comparison in it changed,
or, where the function is constant, with a slope of 1. The witnesses are the rule's own: the
central difference, the edges, JAX (where it is installed); `golden` tells whether a golden file
alone would have seen it. Names choose functions; without any, all are broken, and the rules of
aggregates after them.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from gateway.autodiff.rules import aggregates, simplify
from gateway.autodiff.rules import functions as rules
from gateway.autodiff.rules.aggregates import AGGREGATE_RULES, WINDOW_FUNCTIONS, AggregateRule
from gateway.autodiff.rules.functions import RULES, Partial, Rule
from gateway.autodiff.rules.graph import Graph, Node
from tests import goldens
from tests.autodiff import test_aggregates, test_golden, test_rules

Witness = Callable[[Rule], None]
Mutant = tuple[str, int, Partial]

_NUMBER = re.compile(r"\d+\.\d+")
_OTHERWISE = {"<": "<=", ">": ">=", "=": "<>", "'NaN'": "0.0", "'Infinity'": "1.0", "AND": "OR"}
_SIGN = re.compile(r"<(?!=)|>(?!=)|(?<![<>])=|'NaN'|'Infinity'|\bAND\b")


def mutants(rule: Rule) -> Iterator[Mutant]:
    """What is done to it, to the partial by which argument, and what that partial becomes."""
    for index, partial in enumerate(rule.partials):
        if partial is None:
            if rule.arguments[index] != "n":  # the number of digits is never differentiated
                yield "slope 1", index, "1.0"
        elif callable(partial):
            yield "sign", index, _scaled(partial, "-1.0")
            yield "doubled", index, _scaled(partial, "2.0")
        else:
            yield "sign", index, f"-({partial})"
            yield "doubled", index, f"2.0 * ({partial})"
            for text, changed in _changed(partial):
                yield text, index, changed


def _changed(partial: str) -> Iterator[tuple[str, str]]:
    for found in _NUMBER.finditer(partial):
        other = str(float(found[0]) + 1.0)
        yield _told(partial, found, other)
    for found in _SIGN.finditer(partial):
        yield _told(partial, found, _OTHERWISE[found[0]])


def _told(partial: str, found: re.Match[str], other: str) -> tuple[str, str]:
    changed = partial[: found.start()] + other + partial[found.end() :]
    place = " ".join(partial[max(0, found.start() - 12) : found.end() + 8].split())
    return f"{found[0]} -> {other} in ..{place}..", changed


def _scaled(partial: Partial, factor: str) -> Partial:
    def scaled(graph: Graph, arguments: tuple[Node, ...]) -> Node | str | None:
        assert callable(partial)
        made = partial(graph, arguments)
        if isinstance(made, Node):
            return simplify.multiply(graph, graph.number(factor), made)
        return made and f"{factor} * ({made})"

    return scaled


# Witnesses


def difference(rule: Rule) -> None:
    for index, argument in enumerate(rule.arguments):
        if argument != "n":
            test_rules.test_agrees_with_a_central_difference(rule, index)


def edges(rule: Rule) -> None:
    for function, point, expected in test_rules.EDGES:
        if function.startswith(f"{rule.name}("):
            test_rules.test_total_over_the_domain(function, point, expected)
    if rule.name == "power":
        for row in test_rules.COLUMN_EXPONENTS:
            test_rules.test_power_with_a_column_as_exponent(*row)
        for row in test_rules.BY_EXPONENT:
            test_rules.test_power_by_its_exponent(*row)


def golden(rule: Rule) -> None:
    for file in goldens.files("derivatives"):
        goldens.check(file, test_golden.printed, False)


def in_jax() -> dict[str, Witness]:
    """The tests of one rule against JAX; none without it."""
    try:
        import jax  # noqa: F401
    except ImportError:
        return {}
    from tests.autodiff import test_jax

    def checked_edges(rule: Rule) -> None:
        test_jax.test_edges(rule.name, len(rule.arguments))

    return {
        "jax": lambda rule: test_jax.test_rule(rule.name, len(rule.arguments)),
        "jax edges": checked_edges,
    }


def sees(witness: Callable[[Any], None], rule: Rule | AggregateRule) -> bool:
    """Whether a witness objects; any exception is an objection."""
    try:
        witness(rule)
    except Exception:  # a broken rule may fail anywhere, and that is being noticed
        return True
    return False


def main() -> None:
    witnesses: dict[str, Witness] = {"difference": difference, "edges": edges, **in_jax()}
    chosen = [rule for rule in RULES if not sys.argv[1:] or rule.name in sys.argv[1:]]
    for rule in chosen:
        unsound = [name for name, witness in witnesses.items() if sees(witness, rule)]
        if unsound:
            sys.exit(f"{rule.call}: {', '.join(unsound)} fails before anything is broken")
    killed: dict[str, int] = dict.fromkeys([*witnesses, "golden alone", "nobody"], 0)
    for rule in chosen:
        for what, index, partial in mutants(rule):
            seen = killer(rule, index, partial, witnesses)
            killed[seen] += 1
            if seen in ("golden alone", "nobody"):
                print(f"{rule.call} by {rule.arguments[index]}: {what}: {seen} sees it", flush=True)
    print(f"{sum(killed.values())} mutants, first seen by:", killed)


def killer(rule: Rule, index: int, partial: Partial, witnesses: dict[str, Witness]) -> str:
    """The first witness that objects to `rule` with one partial replaced."""
    partials = (*rule.partials[:index], partial, *rule.partials[index + 1 :])
    key = (rule.name, len(rule.arguments))
    rules.BY_CALL[key] = replace(rule, partials=partials)
    try:
        for name, witness in witnesses.items():
            if sees(witness, rule):
                return name
        return "golden alone" if sees(golden, rule) else "nobody"
    finally:
        rules.BY_CALL[key] = rule


# Aggregates


def in_groups(rule: AggregateRule) -> None:
    if rule.name in WINDOW_FUNCTIONS:
        test_aggregates.test_over_windows(rule, "")
    else:
        test_aggregates.test_in_groups(rule, "")


def values(rule: AggregateRule) -> None:
    for query, expected in test_aggregates.VALUES:
        if f"{rule.name}(" in query:
            test_aggregates.test_value(query, expected)


def aggregate_mutants(rule: AggregateRule) -> Iterator[tuple[str, str]]:
    tangent = rule.tangent
    if tangent is None:
        yield "slope 1", "1.0"
        return
    yield "sign", f"-({tangent})"
    yield "doubled", f"2.0 * ({tangent})"
    yield from _changed(tangent)
    for found in re.finditer(r" [-+] ", tangent):
        yield _told(tangent, found, " + " if found[0] == " - " else " - ")


def break_aggregates() -> None:
    """Break each rule of an aggregate, and say which breaks nobody sees."""
    seen: Counter[str] = Counter()
    for rule in AGGREGATE_RULES:
        if sys.argv[1:] and rule.name not in sys.argv[1:]:
            continue
        key = (rule.name, len(rule.arguments))
        for what, tangent in aggregate_mutants(rule):
            aggregates.BY_CALL[key] = replace(rule, tangent=tangent)
            try:
                by = next((w.__name__ for w in (in_groups, values) if sees(w, rule)), "nobody")
            finally:
                aggregates.BY_CALL[key] = rule
            seen[by] += 1
            if by == "nobody":
                print(f"{rule.call}: {what}: nobody sees it", flush=True)
    print(f"{seen.total()} mutants of aggregates, first seen by:", dict(seen))


if __name__ == "__main__":
    main()
    break_aggregates()
