"""EXPLAIN: the options it obeys, those that change nothing, and those it refuses."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect

WORK = "SELECT count(*) FROM ncep.winds"


def plan(connect: Connect, options: str, statement: str = WORK) -> list[str]:
    return [line for (line,) in connect().execute(f"EXPLAIN {options} {statement}").fetchall()]


@pytest.mark.parametrize(
    "option",
    ["COSTS OFF", "COSTS", "TIMING OFF", "SUMMARY OFF", "BUFFERS false", "WAL 0", "SETTINGS OFF",
     "BUFFERS", "SETTINGS true", "FORMAT text", "ANALYZE OFF, COSTS ON"],
)  # fmt: skip
def test_an_option_without_effect_is_taken(option: str, connect: Connect) -> None:
    assert plan(connect, f"({option})") == plan(connect, "")


REFUSED = {
    "FORMAT yaml": ("0A000", "FORMAT YAML"),
    "WAL on": ("22023", "WAL requires ANALYZE"),
    "SUMMARY": ("0A000", "SUMMARY ON"),
    "TIMING": ("22023", "TIMING requires ANALYZE"),
    "COSTS maybe": ("42601", "costs requires a Boolean value"),
    "CHEAP": ("42601", 'unrecognized EXPLAIN option "cheap"'),
}


@pytest.mark.parametrize("option", REFUSED)
def test_an_option_that_would_not_be_obeyed_is_refused(option: str, connect: Connect) -> None:
    code, message = REFUSED[option]
    with pytest.raises(psycopg.Error, match=message) as refused:
        plan(connect, f"({option})")
    assert refused.value.sqlstate == code


@pytest.mark.parametrize(
    "statement", ["INSERT INTO explained VALUES (2)", "CREATE TABLE explained_too AS SELECT 1 AS a"]
)
def test_analyze_of_a_write_is_refused(statement: str, connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE explained (a integer)")
    try:
        with pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
            connection.execute(f"EXPLAIN ANALYZE {statement}")
        assert "without ANALYZE" in (refused.value.diag.message_hint or "")
        assert connection.execute(f"EXPLAIN {statement}").fetchall()
    finally:
        connection.execute("DROP TABLE explained")


def test_a_plan_is_a_document_where_json_is_asked_for(connect: Connect) -> None:
    found = connect().execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {WORK} WHERE uwnd > 100")
    assert [(column.name, column.type_code) for column in found.description or ()] == [
        ("QUERY PLAN", 114)
    ]
    ((document,),) = found.fetchall()
    assert document[0]["Reads"] == ["ncep.winds: 1 of 1 chunks read"]
    node, kinds = document[0]["Plan"], []
    assert node["Actual Rows"] == 1
    while node is not None:
        kinds.append(node["Node Type"])
        (node,) = node.get("Plans", [None])
    assert (kinds[0], kinds[-1]) == ("ProjectionExec", "DatasetExec")


def test_what_is_rewritten_and_a_catalogue_query_are_documents_too(connect: Connect) -> None:
    rewritten = connect().execute("EXPLAIN (FORMAT JSON, REWRITE) SELECT 1 AS a").fetchone()
    catalogue = connect().execute("EXPLAIN (FORMAT JSON) SELECT * FROM pg_class").fetchone()
    assert rewritten == ([{"Rewrite": "SELECT\n  1 AS a"}],)
    assert catalogue is not None and "Catalogue" in catalogue[0][0]["Plan"]["Node Type"]


def test_analyze_of_a_query_runs_it(connect: Connect) -> None:
    assert any("output_rows" in line for line in plan(connect, "(ANALYZE, TIMING)"))


@pytest.mark.parametrize("option", ["ANALYZE, TIMING OFF", "TIMING OFF, ANALYZE, FORMAT json"])
def test_times_are_left_out(option: str, connect: Connect) -> None:
    told = str(plan(connect, f"({option})"))
    assert "output_rows" in told and "elapsed" not in told and "_time" not in told


def test_each_step_of_a_merge_is_told(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE merged (a integer)")
    merge = (
        "MERGE INTO merged USING (VALUES (1)) v(x) ON a = x WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES (x)"
    )
    try:
        for options in ("", "VERBOSE", "(REWRITE)"):
            told = [line for (line,) in connection.execute(f"EXPLAIN {options} {merge}").fetchall()]
            steps = [line for line in told if line.startswith("Merge on")]
            assert steps == ["Merge on public.merged: DELETE", "Merge on public.merged: INSERT"]
            assert len(told) > len(steps)
        assert connection.execute("SELECT count(*) FROM merged").fetchone() == (0,)
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="EXPLAIN ANALYZE of MERGE"):
            connection.execute(f"EXPLAIN ANALYZE {merge}")
    finally:
        connection.execute("DROP TABLE merged")
