"""Trees as text: the engine's SQL, and the same laid out for people."""

from __future__ import annotations

import re

from sqlglot import exp

from gateway.sql.lowered.lowering import lower
from gateway.sql.text.dialect import DIALECT, print_with
from gateway.sql.text.trees import nodes_of
from gateway.sql.text.words import RESERVED

_PLAIN = re.compile("[a-z_][a-z0-9_$]*")


def to_engine(tree: exp.Expr) -> str:
    """The engine's SQL for a query, every identifier quoted; `tree` is left as it was.

    >>> from gateway.sql.text.dialect import parse
    >>> to_engine(parse("SELECT -x ^ 2 FROM t")[0])
    'SELECT power(-"x", 2) FROM "t"'

    Raises:
        FeatureNotSupported: 0A000, what the engine lacks or would silently read otherwise.
        UndefinedObject: 42704, an unknown type.
    """
    return print_with(DIALECT.generator(identify=True, comments=False), lower(tree))


def to_text(tree: exp.Expr) -> str:
    """The SQL of `to_engine` laid out for people: several lines, quotes where they are needed.

    >>> from gateway.sql.text.dialect import parse
    >>> print(to_text(parse("SELECT X FROM t WHERE x > 1")[0]))
    SELECT
      x
    FROM t
    WHERE
      x > 1
    """
    lowered = lower(tree)
    for name in nodes_of(lowered, exp.Identifier):
        name.set("quoted", not _PLAIN.fullmatch(name.name) or name.name in RESERVED)
    return print_with(DIALECT.generator(pretty=True), lowered)
