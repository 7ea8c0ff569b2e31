"""Casts to a domain: to the type beneath, and the value held to what the domain says.

`CAST(x AS d)` becomes `CASE WHEN domain_held(<rule>, ...) AND ... THEN CAST(x AS base) END`, in
whose rules that cast stands for VALUE. The engine's domain_held is true or raises.
"""

from __future__ import annotations

import json

from sqlglot import exp

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.scope import position_of
from gateway.sql.text.datatypes import DOMAIN, DomainName, data_type, with_depth
from gateway.sql.text.dialect import parse_value
from gateway.sql.text.trees import copied, nodes_of
from gateway.store.definitions.columntypes import spelt
from gateway.store.definitions.domains import Domain
from gateway.types import Type

# Of the engine: whether a rule holds of a value, and what is told when it does not.
HELD = "domain_held"


def bind_domain(kind: exp.DataType, domain: Domain) -> None:
    """Let a node that names a domain mean the type beneath, in place; a cast to it is held to it.

    Raises:
        FeatureNotSupported: 0A000. SyntaxFault: 42601, a length of its own.
    """
    if any(isinstance(each, exp.DataTypeParam) for each in kind.expressions):
        raise SyntaxFault(f'type modifier is not allowed for type "{domain.name.name}"')
    cast = kind.parent
    if isinstance(cast, exp.DataType):
        raise FeatureNotSupported(
            f"arrays of domains are not supported: {domain.sql}[]",
            hint="Make the domain of an array type, or the array of the type beneath.",
        )
    if not isinstance(cast, exp.Cast):
        raise FeatureNotSupported(
            f"domain {domain.sql} is not supported here", hint="Write the type beneath it."
        )
    beneath = _beneath(domain.base, domain.typmod)
    beneath.set(DOMAIN, DomainName(domain.name.name, domain.oid))
    kind.replace(beneath)
    if domain.is_bound and cast.parent is not None:
        cast.replace(_held(cast, domain))


def _beneath(base: Type, typmod: int) -> exp.DataType:
    if (base.element or base).is_enum or typmod < 0:
        return data_type(with_depth(base) if base.element is not None else base)
    return data_type(spelt(base, typmod))


def _held(cast: exp.Cast, domain: Domain) -> exp.Case:
    """The value of a cast to the type beneath, where every rule holds."""
    drawn = volatile_call(cast)
    if drawn is not None:
        raise FeatureNotSupported(
            f"what gives another value at each call cannot be cast to domain {domain.sql}",
            hint="Compute it in a table first, and cast its column.",
            position=position_of(drawn),
        )
    value = copied(cast)
    rules = [_rule(rule.expression, rule.name, value, domain) for rule in domain.rules]
    if domain.refuses_null:
        known = exp.Not(this=exp.Is(this=copied(value), expression=exp.Null()))
        rules.insert(0, _call(known, "", domain))
    condition: exp.Expr = rules[0]
    for rule in rules[1:]:
        condition = exp.And(this=condition, expression=rule)
    case = exp.Case(ifs=[exp.If(this=condition, true=value)])
    case.meta[DOMAIN] = value.args["to"].args[DOMAIN]
    return case


def _rule(written: str, name: str, value: exp.Cast, domain: Domain) -> exp.Expr:
    tree: exp.Expr = exp.Paren(this=parse_value(written))
    for node in tree.walk():
        node.meta.pop("start", None)
    for column in nodes_of(tree, exp.Column):
        column.replace(copied(value))
    return _call(exp.Coalesce(this=tree, expressions=[exp.true()]), name, domain)


def _call(rule: exp.Expr, name: str, domain: Domain) -> exp.Anonymous:
    told = json.dumps([domain.shown, domain.name.schema, domain.name.name, name])
    return exp.Anonymous(this=HELD, expressions=[rule, exp.Literal.string(told)])
