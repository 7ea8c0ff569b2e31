"""Types as nodes of a tree, by their spelling.

sqlglot sets up a tokenizer and a parser for each type that it reads, which costs more than most
passes over a statement do; a spelling is read once here.
"""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp

from gateway.sql.text.trees import copied

_DIALECT = "postgres"
_MOST_KEPT = 1000  # spellings: all types, and the numerics with their digits


def data_type(spelt: str) -> exp.DataType:
    """A new node for a type as PostgreSQL spells it.

    >>> data_type("numeric(4, 2)[]").sql("postgres")
    'DECIMAL(4, 2)[]'
    """
    return copied(_read(spelt))


@lru_cache(_MOST_KEPT)
def _read(spelt: str) -> exp.DataType:
    return exp.DataType.build(spelt, dialect=_DIALECT)
