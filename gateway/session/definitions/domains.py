"""CREATE and ALTER DOMAIN, done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from gateway.catalog.definitions import read_type, with_default
from gateway.catalog.own_types import bind_types
from gateway.catalog.row_expressions import refuse_subquery
from gateway.errors import DuplicateObject, UndefinedObject
from gateway.session.definitions.naming import require_types
from gateway.session.definitions.own_types import new_type, owned_type
from gateway.session.result import Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.statements.commands import Name
from gateway.sql.statements.constraints import ConstraintSpec, Written
from gateway.sql.statements.own_types import AlterDomain, CreateDomain
from gateway.store.definitions.catalogue import OwnType
from gateway.store.definitions.constraints import chosen_name
from gateway.store.definitions.definitions import Column
from gateway.store.definitions.domains import Domain, DomainCheck


def create_domain(executor: Executor, tree: CreateDomain) -> Result:
    """CREATE DOMAIN.

    Raises:
        GatewayError: 42710, 42704, 3F000, 42501, 42804, 0A000; what its default raises.
    """
    registry = executor.registry
    name = new_type(executor, tree.name)
    bind = partial(bind_types, registry)
    base, typmod, over = read_type(tree.type, bind, tree.position, registry.store.domains())
    require_types(executor, [Column("", base, typmod, domain=over)])
    made = Domain(0, 0, name, base, typmod, over=over)
    for constraint in tree.constraints:
        if constraint.kind == "not null":
            made = replace(made, not_null=True)
        elif constraint.kind == "default":
            made = _with_default(made, constraint.expression)
        elif constraint.kind == "check":
            made = _with_check(executor, made, constraint)
    registry.store.create_domain(made)
    return Result("CREATE DOMAIN")


def alter_domain(executor: Executor, tree: AlterDomain) -> Result:
    """ALTER DOMAIN, but for its name, schema and owner.

    Raises:
        GatewayError: 42704, 42809, 42501, 42710, 23502, 23514, 42804; what its default raises.
    """
    owned = owned_type(executor, tree.name, "domain")
    if tree.if_exists and all(check.name != tree.of for check in _checks(owned)):
        executor.notices.append(f"{_no_constraint(tree.of, owned.name)}, skipping")
    else:
        change = partial(_ACTIONS[tree.action], executor, tree)
        executor.registry.store.change_domain(owned.name, change)
    return Result("ALTER DOMAIN")


def comment_on_rule(executor: Executor, parts: Name, rule: str, text: str) -> None:
    """COMMENT ON CONSTRAINT ... ON DOMAIN.

    Raises:
        GatewayError: 42704, 42809, 42501.
    """
    owned = owned_type(executor, parts, "domain")
    if all(check.name != rule for check in _checks(owned)):
        raise UndefinedObject(_missing(rule, owned))

    def change(domain: Domain) -> Domain:
        checks = (replace(c, comment=text) if c.name == rule else c for c in domain.checks)
        return replace(domain, checks=tuple(checks))

    executor.registry.store.change_domain(owned.name, change)


def _checks(own: object) -> tuple[DomainCheck, ...]:
    return own.checks if isinstance(own, Domain) else ()


def _with_default(domain: Domain, written: Written | None) -> Domain:
    assert written is not None
    column = Column(domain.name.name, domain.base, domain.typmod)
    return replace(domain, default=with_default(column, written).default)


def _with_check(executor: Executor, domain: Domain, spec: ConstraintSpec) -> Domain:
    assert spec.expression is not None
    refuse_subquery(spec.expression, "check constraint")
    used = [check.name for check in domain.checks]
    if spec.name in used:
        raise DuplicateObject(
            f'constraint "{spec.name}" for domain "{domain.name.name}" already exists'
        )
    taken = {*used, *_constraints_in(executor, domain.name.schema)}
    name = spec.name or chosen_name(domain.name.name, "", "check", taken)
    check = DomainCheck(spec.expression.text, name, spec.valid)
    return replace(domain, checks=(*domain.checks, check))


def _constraints_in(executor: Executor, schema: str) -> Collection[str]:
    """The names of constraints, which those of new ones differ from."""
    store = executor.registry.store
    tables = [store.table(name) for name in store.tables() if name.schema == schema]
    found = {each.name for table in tables if table is not None for each in table.constraints}
    domains = (domain for domain in store.domains() if domain.name.schema == schema)
    return found | {check.name for domain in domains for check in domain.checks}


def _set_default(_: Executor, tree: AlterDomain, domain: Domain) -> Domain:
    return _with_default(domain, tree.default)


def _add(executor: Executor, tree: AlterDomain, domain: Domain) -> Domain:
    assert tree.constraint is not None
    return _with_check(executor, domain, tree.constraint)


def _changed(
    change: Callable[[AlterDomain, DomainCheck], DomainCheck | None],
) -> Callable[[Executor, AlterDomain, Domain], Domain]:
    """What changes the one check that is meant; None of it: it goes."""

    def change_one(_: Executor, tree: AlterDomain, domain: Domain) -> Domain:
        names = [check.name for check in domain.checks]
        if tree.of not in names:
            said = _no_constraint(tree.of, domain.name)
            raise UndefinedObject(_missing(tree.of, domain) if tree.new else said)
        if tree.new in names:
            raise DuplicateObject(
                f'constraint "{tree.new}" for domain {domain.shown} already exists'
            )
        changed = [change(tree, c) if c.name == tree.of else c for c in domain.checks]
        return replace(domain, checks=tuple(check for check in changed if check is not None))

    return change_one


def _missing(rule: str, domain: OwnType) -> str:
    return f'constraint "{rule}" for domain {domain.shown} does not exist'


def _no_constraint(name: str, domain: TableName) -> str:
    return f'constraint "{name}" of domain "{domain.name}" does not exist'


_ACTIONS: dict[str, Callable[[Executor, AlterDomain, Domain], Domain]] = {
    "set default": _set_default,
    "drop default": lambda _, tree, domain: replace(domain, default=None),
    "set not null": lambda _, tree, domain: replace(domain, not_null=True),
    "drop not null": lambda _, tree, domain: replace(domain, not_null=False),
    "add": _add,
    "drop constraint": _changed(lambda tree, check: None),
    "rename constraint": _changed(lambda tree, check: replace(check, name=tree.new)),
    "validate constraint": _changed(lambda tree, check: replace(check, valid=True)),
}
