"""Reading pyarrow's expressions back, and refusing to guess at what is not known."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gateway.engine.provider import sql_predicate
from gateway.errors import FeatureNotSupported
from gateway.sources.filters import predicates

x, s, t = pc.field("x"), pc.field("s"), pc.field("t")
NEW_YEAR = pa.scalar(datetime(2000, 1, 1), pa.timestamp("us"))

# Every form that the engine hands down. If pyarrow changes how it stores expressions, these are
# not understood any more: filters still work, but nothing is pruned, and this test says so.
UNDERSTOOD = [
    x == 3,
    x != 3.5,
    (x >= -1) & (x <= 2),
    (x < 1) | ~(x > 5),
    x.is_null() & s.is_valid(),
    x.isin([1, 2, None]) & ~s.isin(["a", "it's", "'\nend: 'x'"]),
    (t > NEW_YEAR) & pc.field("flag"),
    x == float("nan"),
    (x > 1) & pc.scalar(pa.scalar(None, pa.bool_())),
    pc.is_nan(x),
    pc.if_else(x.is_valid(), x.isin([1.0]), pa.scalar(None, pa.bool_())),
    (pc.field("it's") == s) & (pc.field("größe" * 100) == "y" * 5000),
]

NOT_UNDERSTOOD = [
    x + 1 > 3,
    x.cast(pa.int32()) > 3,
    x.is_null(nan_is_null=True),
    pc.field(("a", "b")) > 1,
    pc.field("two\nlines") > 1,
    pc.field("x\nend: 'greater'") > 1,
]


@pytest.mark.parametrize("expression", UNDERSTOOD, ids=str)
def test_read_and_written_back(expression: pc.Expression) -> None:
    tree = predicates.read(expression)
    assert tree is not None
    assert str(predicates.to_expression(tree)) == str(expression)


@pytest.mark.parametrize("expression", NOT_UNDERSTOOD, ids=str)
def test_not_understood(expression: pc.Expression) -> None:
    assert predicates.read(expression) is None


def test_evaluated_as_pyarrow_does() -> None:
    random = np.random.default_rng(1)
    batch = pa.record_batch(
        {
            "x": pa.array(random.integers(-2, 7, 200), mask=random.random(200) < 0.2),
            "s": pa.array(random.choice(["a", "b", None], 200).tolist(), pa.string()),
        }
    )
    columns = {"x": batch["x"], "s": batch["s"]}
    for expression in UNDERSTOOD[:2] + UNDERSTOOD[2:6]:
        tree = predicates.read(expression)
        assert tree is not None
        mask = predicates.evaluate(tree, columns, batch.num_rows)
        assert batch.filter(mask).equals(batch.filter(expression))


def test_conjuncts_and_names() -> None:
    tree = predicates.read((x > 1) & ((s == "a") | (t > NEW_YEAR)) & x.is_valid())
    assert tree is not None
    parts = [sorted(predicates.names(part)) for part in predicates.conjuncts(tree)]
    assert parts == [["x"], ["s", "t"], ["x"]]


NAN = float("nan")
FLOATS = [1.0, 3.0, float("inf"), NAN, None]

#    filter as it is handed down      rows that it keeps in PostgreSQL
IN_SQL = [
    (x > 2.0,                         [3.0, float("inf"), NAN]),
    (x >= 3.0,                        [3.0, float("inf"), NAN]),
    (x < 2.0,                         [1.0]),
    (x != 3.0,                        [1.0, float("inf"), NAN]),
    (x == NAN,                        [NAN]),
    (x != NAN,                        [1.0, 3.0, float("inf")]),
    (x < NAN,                         [1.0, 3.0, float("inf")]),
    (x <= NAN,                        [1.0, 3.0, float("inf"), NAN]),
    (x > NAN,                         []),
    (x >= NAN,                        [NAN]),
    (~(x > NAN),                      [1.0, 3.0, float("inf"), NAN]),
    (x.isin([1.0, NAN]),              [1.0, NAN]),
    (~x.isin([1.0, 3.0]),             [float("inf"), NAN]),
    (x.isin([1.0, None]),             [1.0]),
    (~x.isin([1.0, None]),            []),
    (x.is_null(),                     [None]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "kept"), IN_SQL, ids=lambda v: str(v)[:40])
def test_means_what_sql_says(expression: pc.Expression, kept: list[float | None]) -> None:
    batch = pa.record_batch({"x": pa.array(FLOATS, pa.float64())})
    rewritten = sql_predicate(expression, batch.schema)
    assert str(batch.filter(rewritten)["x"].to_pylist()) == str(kept)
    tree = predicates.read(rewritten)
    assert tree is not None
    mask = predicates.evaluate(tree, {"x": batch["x"]}, len(batch))
    assert str(batch.filter(mask)["x"].to_pylist()) == str(kept)


PAIRS = [(a, b) for a in (*FLOATS, 2.0) for b in (*FLOATS, 2.0)]


def ranked(value: float) -> tuple[bool, float]:
    """PostgreSQL's order of floats: NaN equals itself and comes last."""
    return (True, 0.0) if value != value else (False, value)


@pytest.mark.parametrize("sign", ["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"])
@pytest.mark.parametrize("negated", [False, True])
def test_two_columns_compare_in_postgresql_s_order(sign: str, negated: bool) -> None:
    a, b = (pa.array(side, pa.float64()) for side in zip(*PAIRS, strict=True))
    batch = pa.record_batch({"a": a, "b": b, "n": pa.array(range(len(PAIRS)))})
    expression = getattr(pc.field("a"), sign)(pc.field("b"))
    rewritten = sql_predicate(~expression if negated else expression, batch.schema)
    wanted = [
        n
        for n, (x, y) in enumerate(PAIRS)
        if None not in (x, y) and getattr(ranked(x), sign)(ranked(y)) is not negated
    ]
    assert batch.filter(rewritten)["n"].to_pylist() == wanted


@pytest.mark.parametrize(
    "expression", [pc.field("a\nb").isin([1.0]), pc.field("a\nb") > NAN], ids=str
)
def test_a_filter_that_may_mean_something_else_is_refused(expression: pc.Expression) -> None:
    schema = pa.schema([("a\nb", pa.float64())])
    with pytest.raises(FeatureNotSupported, match="cannot be applied"):
        sql_predicate(expression, schema)
    plain = pc.field("a\nb").is_valid()
    assert sql_predicate(plain, schema).equals(plain)
