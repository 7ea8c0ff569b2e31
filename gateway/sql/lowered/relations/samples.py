"""TABLESAMPLE: each row of a table by chance, as a subquery with that condition.

BERNOULLI and SYSTEM are drawn alike, row by row: a table has no pages here.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, InvalidParameterValue, UndefinedObject
from gateway.sql.text.trees import nodes_of

_METHODS = ("BERNOULLI", "SYSTEM")


def draw_samples(tree: exp.Expr) -> None:
    """Write every sample of a table as a subquery, in place.

    Raises:
        FeatureNotSupported: 0A000, REPEATABLE, or a share that is no number.
        UndefinedObject: 42704, a method that PostgreSQL does not have either.
        InvalidParameterValue: 22023, a share below 0 or above 100.
    """
    for sample in nodes_of(tree, exp.TableSample):
        table = sample.parent
        if isinstance(table, exp.Table):
            _draw(table, sample)


def _draw(table: exp.Table, sample: exp.TableSample) -> None:
    method = sample.args.get("method")
    name = method.name.upper() if method is not None else "BERNOULLI"
    if name not in _METHODS:
        raise UndefinedObject(f"tablesample method {name.lower()} does not exist")
    if sample.args.get("seed") is not None:
        raise FeatureNotSupported(
            "TABLESAMPLE ... REPEATABLE is not supported", hint="Leave REPEATABLE out."
        )
    share = next(
        (each for key in ("percent", "size", "num") if (each := sample.args.get(key))), None
    )
    if not isinstance(share, exp.Literal) or share.is_string:
        raise FeatureNotSupported("TABLESAMPLE of a computed share is not supported")
    if not 0 <= float(share.name) <= 100:
        raise InvalidParameterValue("sample percentage must be between 0 and 100")
    alias = table.args.get("alias") or exp.TableAlias(this=table.this.copy())
    plain = table.copy()
    for part in ("sample", "alias", "joins"):
        plain.set(part, None)
    drawn = exp.Mul(this=exp.Anonymous(this="random"), expression=exp.Literal.number("100.0"))
    chosen = exp.LT(this=drawn, expression=exp.Literal.number(float(share.name)))
    rows = exp.Select(expressions=[exp.Star()], from_=exp.From(this=plain))
    rows.set("where", exp.Where(this=chosen))
    made = exp.Subquery(this=rows, alias=alias.copy())
    if table.args.get("joins"):
        made.set("joins", table.args["joins"])
    table.replace(made)
