"""SEARCH and CYCLE after a query of WITH (manual, 7.8.2): each stands with its own query.

sqlglot reads them once, after all queries, and with one column.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from gateway.sql.text.interval_types import IntervalsParser

SEARCH, CYCLE = "search", "cycle"  # the arguments of a CTE that hold them


class SearchesParser(IntervalsParser):
    """Puts a `RecursiveWithSearch` for each clause into its query of WITH."""

    def _parse_cte(self) -> Any:
        cte = super()._parse_cte()
        if isinstance(cte, exp.CTE):
            if self._match_text_seq("SEARCH"):
                cte.set(SEARCH, self._parse_search())
            if self._match_text_seq("CYCLE"):
                cte.set(CYCLE, self._parse_cycle())
        return cte

    def _parse_recursive_with_search(self) -> None:
        return None

    def _parse_search(self) -> exp.Expr:
        depth = self._match_text_seq("DEPTH")
        if not depth and not self._match_text_seq("BREADTH"):
            self.raise_error("Expected DEPTH or BREADTH")
        if not self._match_text_seq("FIRST", "BY"):
            self.raise_error("Expected FIRST BY")
        columns = self._parse_csv(self._parse_id_var)
        kind = "DEPTH" if depth else "BREADTH"
        return exp.RecursiveWithSearch(kind=kind, expressions=columns, this=self._named("SET"))

    def _parse_cycle(self) -> exp.Expr:
        columns = self._parse_csv(self._parse_id_var)
        mark = self._named("SET")
        to: exp.Expr = exp.Boolean(this=True)
        default: exp.Expr = exp.Boolean(this=False)
        if self._match_text_seq("TO"):
            to = self._parse_type() or self._missing()
            if not self._match_text_seq("DEFAULT"):
                self.raise_error("Expected DEFAULT")
            default = self._parse_type() or self._missing()
        return exp.RecursiveWithSearch(
            kind="CYCLE",
            expressions=columns,
            this=mark,
            to=to,
            default=default,
            using=self._named("USING"),
        )

    def _named(self, word: str) -> exp.Expr:
        if not self._match_text_seq(word):
            self.raise_error(f"Expected {word}")
        return self._parse_id_var() or self._missing()
