"""FROM in a catalogue query: relations, joins, functions that give rows, stars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from gateway.catalog.system.static import static
from gateway.catalog.translation.functions import TEMPLATES
from gateway.catalog.translation.operators import apply
from gateway.catalog.translation.resolution import (
    INT8,
    RECORD,
    common_type,
    element_of,
    function_meant,
)
from gateway.catalog.translation.row_functions import RELATIONS
from gateway.catalog.translation.templates import fill
from gateway.catalog.translation.terms import Query, Scope, Source, Term
from gateway.errors import FeatureNotSupported, UndefinedColumn, UndefinedTable
from gateway.sql.names.scope import position_of
from gateway.sql.text.trees import is_comma

if TYPE_CHECKING:
    from gateway.catalog.translation.expressions import Expressions


# Functions that give rows and are terms all the same (`calls`).
_ROWS_AS_TERMS = ("_pg_expandarray", "aclexplode", "pg_options_to_table")


class Relations:
    """The FROM clause; `query` comes from the class over it."""

    expressions: Expressions
    numbers: Iterator[int]

    def query(self, node: exp.Expr, outer: Scope | None, keep: bool = False) -> Query:
        """The query in SQL, and its columns."""
        raise NotImplementedError

    def from_clause(
        self, tables: Sequence[exp.Expr], joins: Sequence[exp.Expr], scope: Scope
    ) -> str:
        """The FROM clause; fills `scope` with its relations."""
        groups: list[str] = []  # what commas are between; JOIN binds tighter
        first = len(scope.sources)
        for table in tables:
            groups.append(self._relation(table, scope))
        for join in joins:
            if isinstance(join, exp.Lateral) or is_comma(join):
                first = len(scope.sources)
                inner = join if isinstance(join, exp.Lateral) else join.this
                groups.append(self._relation(inner, scope))
            else:
                groups[-1] = self._join(groups[-1], join, scope, first)
        return ", ".join(groups)

    def _join(self, left: str, join: exp.Expr, scope: Scope, first: int) -> str:
        """`left JOIN ...`; the sources of the left side begin at `first`."""
        assert isinstance(join, exp.Join)
        before = scope.sources[first:]
        right = self._relation(join.this, scope)
        added = scope.sources[first + len(before) :]
        using = [identifier.name for identifier in join.args.get("using") or ()]
        if join.method == "NATURAL":
            have = {name for source in added for name, _ in source.columns}
            using = [n for s in before for n, _ in s.columns if n in have]
        if join.kind == "CROSS":
            return f"({left} CROSS JOIN {right})"
        test, on = "TRUE", join.args.get("on")
        if using:
            test = self._using(using, before, added, scope, join.side)
        elif on is not None:
            test = self.expressions.condition(on, scope)
        return f"({left} {join.side + ' ' if join.side else ''}JOIN {right} ON {test})"

    def _using(
        self,
        names: Sequence[str],
        before: list[Source],
        added: list[Source],
        scope: Scope,
        side: str,
    ) -> str:
        tests = []
        for name in names:
            left = scope.merged.get(name) or _only(before, name)
            right = _only(added, name)
            tests.append(apply(self.expressions, "=", [left, right], exp.Null()).sql)
            kind = common_type([left.type, right.type])
            wider = not side and left.type != kind
            merged = right if side == "RIGHT" or wider else left
            if side == "FULL":
                merged = Term(f"COALESCE({left.sql}, {right.sql})", kind)
            scope.merged[name] = merged
        return " AND ".join(tests)

    def _relation(self, node: exp.Expr, scope: Scope) -> str:
        """One relation, with the joins that stand in its parentheses."""
        first = len(scope.sources)
        if _is_join_in_parentheses(node):
            sql = self._relation(node.this, scope)
        else:
            sql = self._source(node, scope)
        for join in node.args.get("joins") or ():
            sql = self._join(sql, join, scope, first)
        return sql

    def _source(self, node: exp.Expr, scope: Scope) -> str:
        if isinstance(node, exp.Lateral):
            inner = node.this.copy()
            inner.set("alias", node.args.get("alias"))
            if isinstance(inner, exp.Subquery):
                return self._derived(inner, scope, lateral=True)
            return self._source(inner, scope)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            return self._table(node, scope)
        if isinstance(node, exp.Subquery | exp.Values):
            return self._derived(node, scope)
        if isinstance(node, exp.Unnest):
            return self._function(node, "unnest", node.expressions, scope)
        call = node.this if isinstance(node, exp.Table) else node
        if isinstance(call, exp.Dot):
            call = call.expression
        if isinstance(call, exp.Anonymous | exp.Func):
            return self._function(node, call.name.lower(), call.expressions, scope, call)
        raise FeatureNotSupported(f"{node.key} is not supported in FROM of a catalogue query")

    def _table(self, node: exp.Table, scope: Scope) -> str:
        if node.args.get("sample") is not None:
            raise FeatureNotSupported("TABLESAMPLE is not supported in a catalogue query")
        alias = node.args.get("alias")
        shown = alias.this.name if alias is not None and alias.this is not None else node.name
        common = None if node.db else scope.ctes.get(node.name)
        called = f"r{next(self.numbers)}"
        if common is not None:
            columns = [(n, replace(t, sql=f"{called}.{t.sql}")) for n, t in common.columns]
            scope.sources.append(_named(Source(shown, columns), alias))
            return f"{common.alias} AS {called}"
        found = self.expressions.names.relation(node.db, node.name)
        if found is None:
            written = f"{node.db}.{node.name}" if node.db else node.name
            raise UndefinedTable(f'relation "{written}" does not exist', position=position_of(node))
        columns = [
            (name, Term(f'{called}."{name}"', kind, typmod=typmod, origin=(found.oid, n)))
            for n, (name, kind, typmod) in enumerate(found.columns, 1)
        ]
        schema = node.db or "pg_catalog" if shown == node.name else ""
        full = found.sql.rpartition('."')[2].rstrip('"')
        if found.sql.endswith('pg_class"'):
            columns = [(n, _counted(t, called) if n == "reltuples" else t) for n, t in columns]
        scope.sources.append(_named(Source(shown, columns, schema, full), alias))
        return f"{found.sql} AS {called}"

    def _derived(self, node: exp.Expr, scope: Scope, lateral: bool = False) -> str:
        inside = node.this if isinstance(node, exp.Subquery) else node
        # The relations before it are seen by a LATERAL one alone.
        outer = scope if lateral else Scope(scope.parent, ctes=scope.ctes)
        query = self.query(inside, outer)
        called = f"r{next(self.numbers)}"
        columns = [
            (o.name, Term(f"{called}.c{n}", o.type, fields=_fields(called, n, o.fields)))
            for n, o in enumerate(query.outputs, 1)
        ]
        scope.sources.append(_named(Source(node.alias, columns), node.args.get("alias")))
        return f"{'LATERAL ' if lateral else ''}({query.sql}) AS {called}"

    def _function(
        self, node: exp.Expr, name: str, arguments: Sequence[exp.Expr], scope: Scope,
        call: exp.Expr | None = None,
    ) -> str:  # fmt: skip
        alias = node.args.get("alias")
        called = f"r{next(self.numbers)}"
        shown = alias.this.name if alias is not None and alias.this is not None else name
        rows = self._rows_of(name, arguments, scope)
        ordinal = node.args.get("offset") or node.args.get("ordinality")
        if name == "unnest" and len(arguments) > 1:
            return self._unnested(shown, alias, arguments, ordinal, scope)
        if rows is not None:
            columns, sql = rows
            pairs = [(n, Term(f"{called}.c{i}", k)) for i, (n, k) in enumerate(columns, 1)]
            scope.sources.append(_named(Source(shown, pairs), alias))
            return f"({sql}) AS {called}"
        term = self.expressions.term(call if call is not None else _unnest(arguments), scope)
        only = (
            alias.columns[0].name if alias is not None and alias.columns else _named_by(name, shown)
        )
        pairs = [(only, Term(f"{called}.c1", term.type, fields=_fields(called, 1, term.fields)))]
        if term.type == RECORD and term.fields:
            pairs = list(_fields(called, 1, term.fields))
        items = f"{term.sql} AS c1"
        if ordinal:
            named = ordinal.name if isinstance(ordinal, exp.Identifier) else "ordinality"
            if alias is not None and len(alias.columns) > 1:
                named = alias.columns[1].name
            pairs.append((named, Term(f"{called}.c2", INT8)))
            array = term.sql.removeprefix("unnest(").removesuffix(")")
            items += f", unnest(generate_series(1, len({array}))) AS c2"
        scalar = not (ordinal or term.fields)
        scope.sources.append(_named(Source(shown, pairs, scalar=scalar), alias))
        return f"LATERAL (SELECT {items}) AS {called}"

    def _unnested(
        self, shown: str, alias: exp.TableAlias | None, arguments: Sequence[exp.Expr],
        ordinal: object, scope: Scope,
    ) -> str:  # fmt: skip
        """unnest of several arrays side by side; the shorter ones end with NULL."""
        called = f"r{next(self.numbers)}"
        terms = self.expressions.terms(arguments, scope)
        pairs = [
            (shown, Term(f"{called}.c{n}", element_of(term.type)))
            for n, term in enumerate(terms, 1)
        ]
        items = [f"unnest({term.sql}) AS c{n}" for n, term in enumerate(terms, 1)]
        if ordinal:
            place = len(items) + 1
            named = ordinal.name if isinstance(ordinal, exp.Identifier) else "ordinality"
            longest = ", ".join(f"len({term.sql})" for term in terms)
            items.append(f"unnest(generate_series(1, greatest({longest}))) AS c{place}")
            pairs.append((named, Term(f"{called}.c{place}", INT8)))
        scope.sources.append(_named(Source(shown, pairs), alias))
        return f"LATERAL (SELECT {', '.join(items)}) AS {called}"

    def _rows_of(
        self, name: str, arguments: Sequence[exp.Expr], scope: Scope
    ) -> tuple[list[tuple[str, int]], str] | None:
        """Columns and query of a function that gives rows; None when it gives single values."""
        terms = self.expressions.terms(arguments, scope)
        found = function_meant(name, tuple(term.type for term in terms))
        if found is None or len(found.routine.outputs) < 2 or name in _ROWS_AS_TERMS:
            return None
        columns = list(found.routine.outputs)
        names = ", ".join(f"c{n}" for n in range(1, len(columns) + 1))
        template = RELATIONS.get(name)
        if template is None:  # one of a server's insides, which this one has not: no rows
            kinds = [static().storage(kind).duckdb for _, kind in columns]
            empty = ", ".join(f"CAST(NULL AS {kind}) AS c{n}" for n, kind in enumerate(kinds, 1))
            return columns, f"SELECT {empty} WHERE FALSE"
        inner = fill(self.expressions, template, [term.sql for term in terms])
        return columns, f"SELECT * FROM ({inner}) AS f({names})"

    def expand_star(self, scope: Scope, node: exp.Expr | None = None) -> list[tuple[str, Term]]:
        """The columns that `*` or `t.*` stands for."""
        if node is None:
            merged = list(scope.merged.items())
            return merged + [
                (name, term)
                for source in scope.sources
                for name, term in source.columns
                if name not in scope.merged
            ]
        assert isinstance(node, exp.Column)
        for source in scope.sources:
            if source.alias == node.table:
                return list(source.columns)
        if scope.parent is not None:
            return self.expand_star(scope.parent, node)
        raise UndefinedTable(
            f'missing FROM-clause entry for table "{node.table}"', position=position_of(node)
        )


def _named_by(name: str, shown: str) -> str:
    """What the one column of a function's rows is called: as its OUT parameter, if it has one."""
    outputs = {routine.outputs for routine in static().functions.get(name, ())}
    return next((each[0][0] for each in outputs if len(each) == 1), shown)


def _counted(reltuples: Term, called: str) -> Term:
    """pg_class.reltuples: of a table its rows now, where it has some; there are no statistics."""
    rows = TEMPLATES["pg_stat_get_live_tuples"].format(f'{called}."oid"')
    own = f"""{called}."relkind" IN ('r', 'm')"""
    counted = f"CASE WHEN {own} THEN NULLIF({rows}, 0) END"
    return replace(reltuples, sql=f"CAST(COALESCE({counted}, {reltuples.sql}) AS FLOAT)")


def _is_join_in_parentheses(node: exp.Expr) -> bool:
    """Whether it is FROM (a JOIN b ...), which is no query."""
    return (
        isinstance(node, exp.Subquery)
        and not node.alias
        and isinstance(node.this, exp.Table | exp.Subquery)
    )


def _unnest(arguments: Sequence[exp.Expr]) -> exp.Expr:
    return exp.Anonymous(this="unnest", expressions=list(arguments))


def _fields(
    called: str, n: int, fields: tuple[tuple[str, Term], ...]
) -> tuple[tuple[str, Term], ...]:
    """The fields of a row that stands in column n of a relation."""
    return tuple(
        (name, Term(f"({called}.c{n}).f{i}", term.type, fields=term.fields))
        for i, (name, term) in enumerate(fields, 1)
    )


def _only(sources: Sequence[Source], name: str) -> Term:
    for source in sources:
        for term in source.find(name):
            return term
    raise UndefinedColumn(f'column "{name}" specified in USING clause does not exist')


def _named(source: Source, alias: exp.TableAlias | None) -> Source:
    """The source under the column names of its alias."""
    given = [identifier.name for identifier in alias.columns] if alias is not None else []
    if given:
        columns = [
            (given[n] if n < len(given) else name, term)
            for n, (name, term) in enumerate(source.columns)
        ]
        return replace(source, columns=columns)
    return source
