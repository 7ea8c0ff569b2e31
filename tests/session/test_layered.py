"""A gradient of many layers as clients ask for it: each is run first, and its rows are kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import cast

import psycopg
import pyarrow as pa
import pytest

from gateway.engine.interface import Plan
from gateway.errors import OutOfMemory
from gateway.rewrite import Rewritten, rewrite
from gateway.session.portals.scrolling import KeptRoom
from gateway.session.queries import layered
from gateway.session.queries.layered import with_layers
from gateway.sources.table import TableName
from gateway.sql.names.relation import Relation
from gateway.sql.text.dialect import parse
from tests.conftest import Connect

NETWORK = """
CREATE SCHEMA net; SET search_path TO net;
CREATE TABLE x AS SELECT s, i, sin(s * 7 + i) AS v
  FROM generate_series(1, 20) AS a(s), generate_series(1, 3) AS b(i);
CREATE TABLE w AS SELECT l, i, h, cos(l * 31 + i * 5 + h * 11) AS v
  FROM generate_series(1, 2) AS a(l), generate_series(1, 3) AS b(i), generate_series(1, 3) AS c(h);
CREATE VIEW first AS SELECT s, h AS i, tanh(sum(x.v * w.v)) AS v FROM x JOIN w USING (i)
  WHERE l = 1 GROUP BY s, h;
CREATE VIEW chance AS SELECT s, h, exp(v) / sum(exp(v)) OVER (PARTITION BY s) AS p FROM
  (SELECT s, h, sum(first.v * w.v) AS v FROM first JOIN w USING (i) WHERE l = 2 GROUP BY s, h) AS z;
CREATE VIEW loss AS SELECT -avg(ln(p)) + 0.01 * (SELECT sum(v ^ 2) FROM w) FROM chance
  WHERE h = s % 3 + 1
"""
STEP = 1e-5


@pytest.fixture
def network(connect: Connect) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    connection = connect()
    connection.execute(NETWORK)
    yield connection
    connection.execute("DROP SCHEMA net CASCADE")


def numbers(connection: psycopg.Connection[tuple[object, ...]], query: str) -> list[float]:
    return [cast(float, value) for (value,) in connection.execute(query.encode())]


def alike(found: list[float], known: list[float]) -> bool:
    """Whether the numbers are the same but for their last digits; NULL is like NULL."""
    nulls = [[value is None for value in values] for values in (found, known)]
    there = [[value for value in values if value is not None] for values in (found, known)]
    close = there[0] == pytest.approx(there[1], rel=1e-12, abs=1e-15, nan_ok=True)
    return bool(nulls[0] == nulls[1] and close)


def test_it_is_what_the_loss_does(network: psycopg.Connection[tuple[object, ...]]) -> None:
    """Before and after a step of training, which has a parameter and changes what is kept."""
    for _ in range(2):
        found = numbers(network, "SELECT grad(loss, v) FROM w ORDER BY l, i, h")
        places = network.execute("SELECT l, i, h FROM w ORDER BY l, i, h").fetchall()
        for place, slope in list(zip(places, found, strict=True))[::5]:
            ends = []
            for by in (STEP, -2 * STEP, STEP):
                network.execute(
                    "UPDATE w SET v = v + %s WHERE (l, i, h) = (%s, %s, %s)", (by, *place)
                )
                ends += numbers(network, "SELECT * FROM loss")
            assert slope == pytest.approx((ends[0] - ends[1]) / (2 * STEP), rel=1e-6, abs=1e-8)
        tag = network.execute("UPDATE w SET v = v - %s * grad(loss, v)", (0.5,)).statusmessage
        assert tag == "UPDATE 18"


def test_training_brings_the_loss_down(network: psycopg.Connection[tuple[object, ...]]) -> None:
    losses = numbers(network, "SELECT * FROM loss")
    for _ in range(5):
        network.execute("UPDATE w SET v = v - 0.5 * grad(loss, v)")
        losses += numbers(network, "SELECT * FROM loss")
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.8 * losses[0]


def test_a_loss_with_a_parameter_is_the_same(
    network: psycopg.Connection[tuple[object, ...]],
) -> None:
    """Prepared, with one value and then another; beside a WITH RECURSIVE that is none."""
    query = """WITH RECURSIVE mean AS (SELECT -avg(ln(p)) {} FROM chance WHERE h = s % 3 + 1)
        SELECT grad(mean, v) FROM w ORDER BY l, i, h"""
    told = network.execute(f"EXPLAIN (REWRITE) {query.format('* 2')}".encode()).fetchall()
    assert any(str(line).startswith("-- ∂layers") for (line,) in told)
    asked = query.format("* %s").replace("s % 3", "s %% 3").encode()
    for factor in (2.0, 2.0, 3.0):
        found = numbers(network, query.format(f"* {factor}::float8"))
        assert any(found)
        rows = network.execute(asked, (factor,), prepare=True)
        assert [value for (value,) in rows] == pytest.approx(found, rel=1e-12)


# Two heads of a network, and what they read: most inputs and outputs of a head have a weight, or
# few have.
HEADS = """
CREATE TABLE seen AS SELECT s, head, i, sin(s * 3 + head + i) AS v FROM generate_series(1, 12) AS
  a(s), generate_series(1, 2) AS b(head), generate_series(1, 4) AS c(i);
CREATE TABLE heads AS SELECT head, i, o, cos(head * 17 + i * 5 + o * 3) AS v FROM
  generate_series(1, 2) AS a(head), generate_series(1, 4) AS b(i), generate_series(1, 3) AS c(o);
CREATE TABLE sums (o int PRIMARY KEY, v float8); INSERT INTO sums VALUES (1, 0.5), (2, -1), (3, 2);
CREATE VIEW hidden AS SELECT s, seen.head, o, tanh(sum(2 * seen.v * heads.v)) AS v FROM seen JOIN
  heads ON seen.head = heads.head AND seen.i = heads.i WHERE heads.i <> 4 AND seen.v < 0.9
  GROUP BY 1, 2, 3;
"""
SUMMED = """WITH RECURSIVE sums_up AS (SELECT avg(t.v ^ 2) FROM
  (SELECT s, avg(h.v * sums.v) AS v FROM hidden AS h, sums WHERE h.o = sums.o GROUP BY s) AS t)
  {} SELECT grad(sums_up, v) FROM {} ORDER BY """
RECURSIVE = ", n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 2)"
CHANGES = """
SELECT 1
DELETE FROM heads WHERE o > 2 OR i > 2
DELETE FROM heads WHERE (head + i + o) % 5 > 0
DELETE FROM heads
INSERT INTO heads SELECT * FROM heads WHERE i = o
INSERT INTO heads VALUES (1, 1, 1, NULL), (1, 2, NULL, 0.5), (1, NULL, 2, 0.5), (1, 3, 2, 'NaN')
UPDATE heads SET v = 'Infinity' WHERE head = 2 AND i = 1
UPDATE heads SET v = 'NaN' WHERE i = 3
UPDATE heads SET v = -'NaN'::float8 WHERE i = 3
UPDATE sums SET v = -'NaN'::float8 WHERE o = 2
UPDATE seen SET v = NULL WHERE i = 2 OR s = 5
UPDATE seen SET s = NULL WHERE s < 4
UPDATE seen SET s = NULL, head = NULL WHERE i = 1
INSERT INTO seen SELECT s, head, i + 5, v FROM seen, generate_series(1, 9)
UPDATE sums SET v = NULL WHERE o = 2
"""


def test_what_is_added_up_first_is_the_same(
    network: psycopg.Connection[tuple[object, ...]],
) -> None:
    """As without layers, which no loss beside a recursive query has."""
    network.execute(HEADS.encode())
    for change in CHANGES.strip().splitlines():
        network.execute(f"BEGIN; {change}".encode())
        for table, order in (("heads", "head, i, o, v"), ("sums", "o")):
            query, plain = ((SUMMED + order).format(more, table) for more in ("", RECURSIVE))
            told = [
                network.execute(f"EXPLAIN (REWRITE) {q}".encode()).fetchall()
                for q in (query, plain)
            ]
            assert ["dense" in str(text) for text in told] == [table == "heads", False]
            assert alike(numbers(network, query), numbers(network, plain)), change
        network.execute("ROLLBACK")


DEEP = """WITH near AS (SELECT s, w.h, tanh(sum(x.v * w.v)) AS v FROM x JOIN w ON x.i = w.i
  WHERE l = 1 GROUP BY s, w.h), further AS (SELECT s, w.h, tanh(sum(f.v * w.v)) AS v FROM near AS f
  JOIN w ON f.h = w.i WHERE l = 2 GROUP BY s, w.h), last AS (SELECT s, sum(f.v * w.v) AS v
  FROM further AS f JOIN w ON f.h = w.i WHERE l = 1 AND w.h = 2 GROUP BY s), off AS
  (SELECT avg(v ^ 2) FROM last) SELECT grad(off, v) FROM w ORDER BY l, i, h"""


def test_both_ways_of_a_layer_give_the_same(
    network: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matrix of weights is added up before the join, else its rows are joined."""
    told = network.execute(f"EXPLAIN (REWRITE) {DEEP}".encode()).fetchall()
    assert sum("-- unless" in str(line) for (line,) in told) > 1  # of weights, and of a layer
    found = numbers(network, DEEP)

    def other(layer: Rewritten, tables: object) -> Rewritten:
        return layer if layer.otherwise is None else layer.otherwise.query

    monkeypatch.setattr(layered, "_chosen", other)
    assert any(found) and alike(found, numbers(network, DEEP))


def test_it_is_told(network: psycopg.Connection[tuple[object, ...]]) -> None:
    asked = "SELECT grad(loss, v) FROM w"
    told = [line for (line,) in network.execute(f"EXPLAIN (REWRITE) {asked}".encode())]
    layers = [line for line in told if str(line).startswith("-- ")]
    assert layers == [f"-- ∂layers.{n}" for n in range(1, len(layers) + 1)] and len(layers) > 3
    assert network.execute(f"EXPLAIN {asked}".encode()).fetchall()
    assert network.execute(f"EXPLAIN ANALYZE {asked}".encode()).fetchall()


def test_what_a_layer_sums_up_is_not_summed_again(
    network: psycopg.Connection[tuple[object, ...]],
) -> None:
    """x is read for the first layer and on the way back, and stands in the loss itself."""
    told = network.execute("EXPLAIN (REWRITE) SELECT grad(loss, v) FROM w").fetchall()
    loss = network.execute("EXPLAIN (REWRITE) SELECT * FROM loss").fetchall()
    read, once = (" ".join(str(line) for (line,) in text).count("net.x ") for text in (told, loss))
    assert (read, once) == (3, 1)


def test_a_view_is_made_without_running_it(
    network: psycopg.Connection[tuple[object, ...]],
) -> None:
    """Its layers, whose steps would fail here, belong to those who read it."""
    network.execute(
        "CREATE VIEW steps AS WITH RECURSIVE fit AS (SELECT 0 AS step, 1.0::float8 AS a UNION ALL "
        "SELECT step + 1, (SELECT sum(v * fit.a) FROM w) FROM fit WHERE 1 / (step - step) > 0) "
        "SELECT * FROM fit"
    )
    with pytest.raises(psycopg.errors.DivisionByZero):
        network.execute("SELECT * FROM steps")


class _Rows:
    """A plan of a few rows."""

    schema = pa.schema([("a", pa.int64())])

    def stream(self) -> Iterator[pa.RecordBatch]:
        for _ in range(3):
            yield pa.record_batch({"a": [1, 2]}, schema=self.schema)


def test_rows_are_kept_within_their_room() -> None:
    one = rewrite(parse("SELECT 1 AS a")[0], lambda schema, name: Relation(TableName(schema, name)))
    name = TableName("∂layers", "1")
    query = Rewritten(one.tree, frozenset(), None, {}, layers=((name, one),))

    def plan(*_: object, **__: object) -> Plan:
        return cast(Plan, _Rows())

    room = KeptRoom(50)
    found = with_layers(query, {}, plan, room)
    assert found[name].schema == _Rows.schema and not room.take(3)
    del found
    gc.collect()
    with pytest.raises(OutOfMemory, match="layers of a gradient, or"):
        with_layers(query, {}, plan, KeptRoom(40, room))
    assert room.take(50)  # all is given back
    assert with_layers(query, {}, plan, None)[name].schema == _Rows.schema  # described alone
