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
    if spelt[:1] == '"':  # "char": a name, which sqlglot reads as a type in a cast alone
        name = exp.to_identifier(spelt.strip('"'), quoted=True)
        return exp.DataType(this=exp.DType.USERDEFINED, kind=name, udt=True)
    return exp.DataType.build(spelt, dialect=_DIALECT)
