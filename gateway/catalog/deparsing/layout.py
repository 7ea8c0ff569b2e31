"""Queries as text, line by line as PostgreSQL lays them out (ruleutils.c: get_query_def)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.catalog.deparsing.nodes import Common, Item, Join, Kind, Query, Source, Target
from gateway.catalog.deparsing.printing import Printer
from gateway.sql.text.quoting import identifier

_STEP, _JOIN, _COLUMN = 8, 4, 4  # PRETTYINDENT_STD, _JOIN, _VAR


def query_text(query: Query, pretty: bool, names: Sequence[str] = ()) -> str:
    """A query.

    Args:
        query: Analysed.
        pretty: With as few parentheses as may be.
        names: What its columns are called, where that is not the query's own saying.
    """
    return _Layout(pretty).query(query, 0, frozenset(), tuple(names) or None, True)


class _Layout:
    def __init__(self, pretty: bool) -> None:
        self._pretty = pretty

    def query(
        self, query: Query, indent: int, taken: frozenset[str], names: tuple[str, ...] | None,
        visible: bool,
    ) -> str:  # fmt: skip
        """A query from an indentation on.

        Args:
            taken: Names of relations of the queries around it.
            names: What its columns are called.
            visible: Whether anybody sees what they are called.
        """
        return _One(self, query, self._pretty, indent, taken).text(names, visible)


class _One:
    """Writes one query; `parts` grows."""

    def __init__(
        self, layout: _Layout, query: Query, pretty: bool, indent: int, taken: frozenset[str]
    ) -> None:
        self._layout, self._query_of, self._pretty = layout, query, pretty
        self._taken = taken | _named(query.sources, taken)
        self._printer = Printer(pretty, query=self._inner)
        self._printer.indent = indent
        self._text = ""

    def _inner(self, query: Query, indent: int) -> str:
        return self._layout.query(query, indent, self._taken, None, False)

    def text(self, names: tuple[str, ...] | None, visible: bool) -> str:
        query, printer = self._query_of, self._printer
        self._with(query.commons, query.recursive)
        if query.operator:
            self._set_operation(query, names, visible)
        else:
            self._select(query, names, visible)
        if query.order:
            self._clause(" ORDER BY ", 1)
            self._text += printer.sorted(query.order)
        if query.offset is not None:
            self._clause(" OFFSET ", 0)
            self._text += printer.text(query.offset, False)
        if query.limit is not None:
            self._clause(" LIMIT ", 0)
            self._text += "ALL" if query.limit.text is None else printer.text(query.limit, False)
        return self._text

    def _clause(self, words: str, plus: int) -> None:
        """A clause's words on a line of their own, a step to the left."""
        printer = self._printer
        printer.indent -= _STEP
        self._text = f"{self._text.rstrip(' ')}{printer.newline(plus)}{words}"
        printer.indent += _STEP

    def _line(self, words: str = "", plus: int = 0) -> None:
        self._text = f"{self._text.rstrip(' ')}{self._printer.newline(plus)}{words}"

    def _with(self, commons: Sequence[Common], recursive: bool) -> None:
        if not commons:
            return
        printer = self._printer
        printer.indent += _STEP
        self._text += " "
        word = "WITH RECURSIVE " if recursive else "WITH "
        for each in commons:
            self._text += f"{word}{identifier(each.name)}{_listed(each.columns)} AS "
            if each.materialized is not None:
                self._text += "MATERIALIZED " if each.materialized else "NOT MATERIALIZED "
            self._text += "("
            self._line()
            self._text += self._layout.query(each.query, printer.indent, self._taken, None, True)
            self._line(")")
            word = ", "
        printer.indent -= _STEP
        self._line()

    # Set operations

    def _set_operation(self, query: Query, names: tuple[str, ...] | None, visible: bool) -> None:
        left, right = query.branches
        other = bool(left.operator) and left.operator != query.operator
        self._branch(left, other and not _has_tail(left), names, visible, ") ")
        if not (other and not _has_tail(left)):
            self._line()
        self._text += query.operator
        closed = bool(right.operator) and not _has_tail(right)
        if not closed:
            self._line()
        self._branch(right, closed, names, False, ")")

    def _branch(
        self, query: Query, closed: bool, names: tuple[str, ...] | None, visible: bool, end: str
    ) -> None:
        printer = self._printer
        if closed:
            self._text += "("
            printer.indent += _STEP
            self._line()
        if _has_tail(query):
            inner = self._layout.query(query, printer.indent, self._taken, names, visible)
            self._text += f"({inner})"
        elif query.operator:
            self._set_operation(query, names, visible)
        else:
            self._text += self._layout.query(query, printer.indent, self._taken, names, visible)
        if closed:
            printer.indent -= _STEP
            self._line(end)

    # SELECT

    def _select(self, query: Query, names: tuple[str, ...] | None, visible: bool) -> None:
        printer = self._printer
        printer.indent += _STEP
        if query.rows:
            rows = (",".join(printer.text(each) for each in row) for row in query.rows)
            self._text += f" VALUES {', '.join(f'({row})' for row in rows)}"
            return
        self._text += " SELECT"
        if query.distinct is not None:
            self._text += " DISTINCT"
            if query.distinct:
                items = ", ".join(printer.grouped(each) for each in query.distinct)
                self._text += f" ON ({items})"
        self._targets(query.targets, names, visible)
        for n, item in enumerate(query.items):
            self._from(item, first=not n)
        if query.where is not None:
            self._clause(" WHERE ", 1)
            self._text += printer.text(query.where, False)
        if query.groups:
            self._clause(" GROUP BY ", 1)
            self._text += ", ".join(printer.grouped(each) for each in query.groups)
        if query.having is not None:
            self._clause(" HAVING ", 0)
            self._text += printer.text(query.having, False)
        for n, window in enumerate(query.windows):
            if n:
                self._text += ", "
            else:
                self._clause(" WINDOW ", 1)
            self._text += f"{identifier(window.name)} AS {printer.over(window)}"

    def _targets(
        self, targets: Sequence[Target], names: tuple[str, ...] | None, visible: bool
    ) -> None:
        """The columns, each on a line of its own (get_target_list)."""
        for n, target in enumerate(targets):
            self._text += ", " if n else " "
            name = names[n] if names is not None else target.name
            text = self._printer.text(target.node)
            known = None if visible else "?column?"
            known = target.node.text if target.node.kind is Kind.COLUMN else known
            if known != name:
                text += f" AS {identifier(name)}"
            if text.startswith("\n"):
                self._text = self._text.rstrip(" ")
            elif n:
                self._printer.indent -= _STEP
                self._line(plus=_COLUMN)
                self._printer.indent += _STEP
            self._text += text

    # FROM

    def _from(self, item: Item, first: bool) -> None:
        if first:
            self._clause(" FROM ", 2)
            self._text += self._item(item)
            return
        self._text += ", "
        before, self._text = self._text, ""
        inside = self._item(item)
        self._text = before
        if inside.startswith("\n"):
            self._text = self._text.rstrip(" ")
        else:
            self._printer.indent -= _STEP
            self._line(plus=_COLUMN)
            self._printer.indent += _STEP
        self._text += inside

    def _item(self, item: Item) -> str:
        if isinstance(item, Join):
            return self._join(item)
        text = "LATERAL " if item.lateral else ""
        if item.query is not None:
            inner = self._layout.query(item.query, self._printer.indent, self._taken, None, True)
            text += f"({inner})"
        elif item.call is not None:
            text += self._printer.text(item.call)
        else:
            text += item.shown
        if item.alias or item.call is not None or item.printed != item.base:
            text += f" {identifier(item.printed)}"
        return text + _listed(item.renamed)

    def _join(self, join: Join) -> str:
        printer = self._printer
        left = self._item(join.left)
        printer.indent -= _STEP
        text = f"{left}{printer.newline(_JOIN)} {join.word} "
        printer.indent += _STEP
        right = self._item(join.right)
        closed = self._pretty and isinstance(join.right, Join)
        text += f"({right})" if closed else right
        if join.using:
            text += f" USING {_listed(join.using)}"
        elif join.condition is not None:
            shown = printer.text(join.condition, False)
            text += f" ON {shown}" if self._pretty else f" ON ({shown})"
        elif join.word != "CROSS JOIN":
            text += " ON TRUE"
        return text if self._pretty else f"({text})"


def _has_tail(query: Query) -> bool:
    """Whether a branch of a set operation needs parentheses of its own."""
    return bool(query.commons or query.order or query.limit or query.offset)


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(map(identifier, names))})" if names else ""


def _named(sources: Sequence[Source], taken: frozenset[str]) -> frozenset[str]:
    """Give each relation a name that no other one has (set_rtable_names)."""
    known = set(taken)
    for source in sources:
        wanted = source.alias or source.base
        name, n = wanted, 0
        while name in known:
            n += 1
            name = f"{wanted}_{n}"
        source.printed = name
        known.add(name)
    return frozenset(known)
