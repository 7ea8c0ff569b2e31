"""Names, constants, arrays and rows of a catalogue query as terms; `expressions` has the rest."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.catalog.system.storage import INT2VECTOR, OIDVECTOR
from gateway.catalog.translation import resolution
from gateway.catalog.translation.coercing import Coercion, quoted
from gateway.catalog.translation.datatypes import spelt
from gateway.catalog.translation.resolution import (
    BOOL,
    CHAR,
    INT4,
    INT8,
    NAME,
    NUMERIC,
    RECORD,
    TEXT,
    UNKNOWN,
    common_type,
    element_of,
)
from gateway.catalog.translation.terms import NULL, Scope, Source, Term
from gateway.errors import (
    AmbiguousColumn,
    DatatypeMismatch,
    FeatureNotSupported,
    UndefinedColumn,
    UndefinedTable,
)
from gateway.sql.names.scope import position_of
from gateway.sql.types.parameters import number

_BARE = frozenset({"user", "current_user", "session_user", "current_role", "current_catalog",
                   "current_schema"})  # fmt: skip
_SYSTEM_COLUMNS = {"ctid": 27, "xmin": 28, "xmax": 28, "cmin": 29, "cmax": 29}


class Values(Coercion):
    """Translates the leaves of an expression, and what is put together of them."""

    def term(self, node: exp.Expr, scope: Scope) -> Term:
        """The node as a term."""
        raise NotImplementedError

    def terms(self, nodes: Sequence[exp.Expr], scope: Scope) -> list[Term]:
        """Each of the nodes as a term."""
        return [self.term(node, scope) for node in nodes]

    def called(self, node: exp.Expr, name: str, scope: Scope, schema: str = "") -> Term:
        """A function's call."""
        raise NotImplementedError

    def unified(self, terms: Sequence[Term]) -> tuple[list[Term], int]:
        """The terms under their common type."""
        kind = common_type([term.type for term in terms])
        return [self.coerce(term, kind) for term in terms], kind

    # Names

    def column(self, node: exp.Column, scope: Scope) -> Term:
        if isinstance(node.this, exp.Star):
            return self._whole_row(node.table, scope, node)
        if not node.table and not node.this.quoted and node.name in _BARE:
            found = self._found(node, scope)
            return found or self.called(exp.Anonymous(this=node.name), node.name, scope)
        found = self._found(node, scope)
        if found is not None:
            return found
        if not node.table and self._source(node.name, scope) is not None:
            return self._whole_row(node.name, scope, node)
        return self._system_column(node, scope)

    def _found(self, node: exp.Column, scope: Scope | None) -> Term | None:
        while scope is not None:
            found = self._found_here(node, scope)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def _found_here(self, node: exp.Column, scope: Scope) -> Term | None:
        if not node.table and node.name in scope.merged:
            return scope.merged[node.name]
        found = [
            term
            for source in scope.sources
            if not node.table or _is_called(source, node)
            for term in source.find(node.name)
        ]
        if len(found) > 1:
            raise AmbiguousColumn(
                f'column reference "{node.name}" is ambiguous', position=position_of(node)
            )
        return found[0] if found else None

    def _source(self, alias: str, scope: Scope | None) -> Source | None:
        while scope is not None:
            for source in scope.sources:
                if source.alias == alias:
                    return source
            scope = scope.parent
        return None

    def _whole_row(self, alias: str, scope: Scope, node: exp.Expr) -> Term:
        source = self._source(alias, scope)
        if source is None:
            raise UndefinedTable(
                f'missing FROM-clause entry for table "{alias}"', position=position_of(node)
            )
        if source.scalar:
            return source.columns[0][1]
        items = ", ".join(f"f{n} := {term.sql}" for n, (_, term) in enumerate(source.columns, 1))
        return Term(f"struct_pack({items})", RECORD, fields=tuple(source.columns))

    def _system_column(self, node: exp.Column, scope: Scope) -> Term:
        around: Scope | None = scope
        sources: list[Source] = []
        while around is not None and not sources:
            sources = [s for s in around.sources if not node.table or _is_called(s, node)]
            around = around.parent
        if node.name == "tableoid" and sources and sources[0].columns:
            oid = sources[0].columns[0][1].origin[0]
            return Term(f"CAST({oid} AS BIGINT)", resolution.OID)
        if node.name in _SYSTEM_COLUMNS and sources:
            kind = _SYSTEM_COLUMNS[node.name]
            return Term("'(0,1)'" if kind == 27 else "CAST(1 AS BIGINT)", kind)
        if node.table and self._source(node.table, scope) is None:
            raise UndefinedTable(
                f'missing FROM-clause entry for table "{node.table}"', position=position_of(node)
            )
        shown = f"{node.table}.{node.name}" if node.table else f'"{node.name}"'
        raise UndefinedColumn(f"column {shown} does not exist", position=position_of(node))

    def dot(self, node: exp.Dot, scope: Scope) -> Term:
        inside, last = node.this, node.expression
        if isinstance(last, exp.Anonymous | exp.Func) and isinstance(inside, exp.Identifier):
            return self.called(last, last.name.lower(), scope, inside.name)
        row = self.term(inside, scope)
        for name, field in row.fields:
            if name == last.name:
                return field
        raise UndefinedColumn(
            f'column "{last.name}" not found in data type record', position=position_of(node)
        )

    # Constants

    def literal_node(self, node: exp.Expr, scope: Scope) -> Term:
        text = str(node.this)
        if node.args.get("is_string", True):
            return Term(quoted(text), UNKNOWN, literal=text, position=position_of(node))
        if text.isdigit():
            value = int(text)
            kind = INT4 if value < 2**31 else (INT8 if value < 2**63 else NUMERIC)
            return Term(text, kind)
        return Term(text, NUMERIC)

    def boolean(self, node: exp.Expr, scope: Scope) -> Term:
        return Term("TRUE" if node.this else "FALSE", BOOL)

    def null_node(self, node: exp.Expr, scope: Scope) -> Term:
        return NULL

    def parameter(self, node: exp.Expr, scope: Scope) -> Term:
        n = number(node)
        declared = self.parameters.get(n)
        if declared is None:
            return Term(f"$p{n}", UNKNOWN, parameter=n)
        return self.typed_parameter(n, declared)

    def interval(self, node: exp.Interval, scope: Scope) -> Term:
        unit = node.args.get("unit")
        text = f"{node.this.name} {unit.name}" if unit is not None else node.this.name
        return Term(f"CAST({quoted(text)} AS INTERVAL)", 1186)

    def array(self, node: exp.Array, scope: Scope) -> Term:
        items, kind = self.unified(self.terms(node.expressions, scope))
        made = resolution.array_of(kind)
        joined = ", ".join(item.sql for item in items)
        if not items:
            return Term("'{}'", UNKNOWN, literal="{}")
        return Term(f"[{joined}]", made)

    def row(self, node: exp.Expr, scope: Scope) -> Term:
        terms = [self.settled(term) for term in self.terms(node.expressions, scope)]
        items = ", ".join(f"f{n} := {term.sql}" for n, term in enumerate(terms, 1))
        fields = tuple((f"f{n}", term) for n, term in enumerate(terms, 1))
        return Term(f"struct_pack({items})", RECORD, fields=fields)

    def settled(self, term: Term) -> Term:
        """The term; text where nothing else gives it a type."""
        return self.coerce(term, TEXT) if term.type == UNKNOWN else term

    def bracket(self, node: exp.Bracket, scope: Scope) -> Term:
        array = self.term(node.this, scope)
        if array.type == UNKNOWN:
            array = self.coerce(array, 1009)
        if array.nested:
            raise FeatureNotSupported(
                "items of an array of arrays are not supported in a catalogue query",
                position=position_of(node),
            )
        element = element_of(array.type)
        first = node.expressions[0]
        if array.type == NAME and not isinstance(first, exp.Slice):  # an array of 64 "char"s
            index = self.coerce(self.term(first, scope), INT4).sql
            letter = f"substr({array.sql}, CAST({index} AS BIGINT) + 1, 1)"
            return Term(f"CASE WHEN {index} BETWEEN 0 AND 63 THEN {letter} END", CHAR)
        if not element:
            raise DatatypeMismatch(
                f"cannot subscript type {spelt(array.type)}", position=position_of(node)
            )
        if isinstance(first, exp.Slice):
            low, high = (
                self.coerce(self.term(part, scope), INT4).sql if part is not None else end
                for part, end in ((first.this, "1"), (first.expression, "9223372036854775807"))
            )
            return Term(f"list_slice({array.sql}, {low}, {high})", array.type)
        index = self.coerce(self.term(first, scope), INT4).sql
        if array.type in (INT2VECTOR, OIDVECTOR):
            return Term(f"list_extract({array.sql}, nullif({index} + 1, 0))", element)
        return Term(f"list_extract({array.sql}, greatest(CAST({index} AS BIGINT), 0))", element)


def _is_called(source: Source, node: exp.Column) -> bool:
    return source.alias == node.table and (not node.db or source.schema == node.db)
