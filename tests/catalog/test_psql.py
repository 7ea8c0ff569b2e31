"""psql's commands print of a gateway what they print of PostgreSQL 15 with the same objects."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.wire.postgres import BIN

PSQL = shutil.which("psql") or (str(BIN / "psql") if (BIN / "psql").exists() else None)
COMMANDS = (
    r"\d", r"\d t", r"\d+ t", r"\d child", r"\d+ child", r"\d v", r'\d other."Mixed Case"',
    r"\d seq", r"\d t_pkey", r"\d child_note", r"\d g", r"\d mv", r"\dt", r"\dt+", r"\dv", r"\dm",
    r"\ds", r"\di", r"\di+", r"\df", r"\df+ twice", r"\sf twice", r"\du", r"\dg", r"\dp", r"\z t",
    r"\dT", r"\dT int*", r"\db", r"\dd", r"\dD", r"\dO", r"\dF", r"\dFd", r"\dFp", r"\dFt",
    r"\da sum", r"\dC", r"\dc", r"\do +", r"\dL", r"\dA", r"\dAc btree", r"\dAf hash", r"\l",
    r"\dy", r"\drds", r"\dRp", r"\dRs", r"\dX", r"\dP", r"\ddp", r"\dl", r"\df *quote*",
    r"\dt other.*", r"\dS pg_cl*", r"\dt nosuch", r"\d nosuch", r"\sf nosuch",
    r"\dconfig search_path",
    r"\d information_schema.columns", r"\d pg_class",
    r"\dS+ pg_cl*", r"\d big", r"\d+ big", r"\d big*", r"\d+ big*", r"\d part_of", r"\d+ part_of",
    r"\d refers", r"\d+ refers", r"\d other.*", r"\d+ other.*", r"\d other.vw", r"\d *.t",
    r"\d public.*", r"\d+ v", r"\d+ mv", r"\d+ seq", r'\d "t"', r"\d T", r'\d "T"',
    r'\d other."Mixed Case"', r"\d other.mixed*", r"\d t|v", r"\d [tv]", r"\d t?", r"\d nosuch.t",
    r"\d postgres.public.t", r"\d otherdb.public.t", r"\dtS pg_a*", r"\dt public.t*",
    r"\dt+ other.*", r"\dt nosuch*", r"\dtv", r"\dtvsimE", r"\dvS pg_s*", r"\dm+", r"\di *.*key",
    r"\diS pg_class*", r"\dE", r"\dn o*", r"\dn+ other", r"\l post*", r"\list template*", r"\df+",
    r"\dfS *regclass*", r"\df twice", r"\df twice float8", r"\df twice int", r"\dfn", r"\dfa",
    r"\dfp", r"\dft", r"\dfw", r"\dfnS lag*", r"\dfwS lag*", r"\dfaS sum", r"\df+ public.*",
    r"\sf+ twice", r"\sf twice(float8)", r"\sf twice(int)", r"\sf pg_catalog.now", r"\sv v",
    r"\sv+ v", r"\sv other.vw", r"\sv t", r"\dT+", r"\dTS int*", r"\dT+ pg_catalog.bool",
    r"\dTS+ time*", r"\dT timestamp", r"\du+", r"\duS", r"\duS+ pg_read*", r"\dgS+", r"\dp t",
    r"\dp+ t", r"\dp other.*", r"\z", r"\z child", r"\ddp+", r"\dx plpgsql", r"\det", r"\det+",
    r"\deu", r"\deu+", r"\dD+", r"\dDS information*", r"\dD information_schema.*", r"\dFd+ simple",
    r"\dFt+", r"\do", r"\do+ ||", r"\doS =", r"\doS = int4 int4", r"\do+ pg_catalog.~*", r"\da",
    r"\daS", r"\daS+ avg", r"\da+ count", r"\dcS utf8*", r"\dc+", r"\dC int4", r"\dC+ text",
    r"\dL+", r"\dLS", r"\dLS+", r"\dy+", r"\dRp+", r"\dRs+", r"\drds * postgres", r"\dd t",
    r"\ddS now", r"\dA+", r"\dA+ btree", r"\dAc", r"\dAc btree int4", r"\dAc+ hash", r"\dAf+ gin",
    r"\dAo btree integer_ops", r"\dAo+ hash text_ops", r"\dAp btree text_ops",
    r"\dAp+ btree integer_ops", r"\dOS", r"\dO+", r"\dOS+ C", r"\dP+", r"\dPt", r"\dPi", r"\dPn",
    r"\dX+", r"\dl+", r"\lo_list", r"\dconfig+ work_mem", r"\dconfig *time*zone*",
    r"\dconfig+ search_path", r"\dconfig date*", r"\dconfig nosuch", r"\encoding", r"\dfS+ now",
    r"\df+ pg_get_viewdef", r"\dT+ *.t", r"\dt *.t*", r"\d pg_catalog.pg_type",
    r"\dD", r"\dD+", r"\d painted", r"\dF+", r"\dFp+", r"\df+ ts_debug", r"\sf half",
    r"\d marked", "SELECT indkey, indoption FROM pg_index WHERE indrelid = 'marked'::regclass;",
    "SELECT * FROM information_schema.column_column_usage;",
    "SELECT * FROM information_schema.column_options;",
    "SELECT * FROM pg_options_to_table(ARRAY['a=b', 'c=d=e', 'q']);",
    r"\d+ pg_catalog.pg_roles", r"\d+ pg_views", r"\d pg_stat_activity",
    r"\d+ information_schema.tables", r"\dS", r"\dp pg_class", r"\dpS pg_class",
    r"select oid, relname, relkind, relacl from pg_class \gdesc",
    r"select * from information_schema.columns \gdesc",
    "select relname from pg_class where relkind = 'r' order by 1 limit 3 \\g (format=csv)",
    r"\d+ hues", r"\sv hues", r"\d child_pattern", r"\dx+ plpgsql", r"\df other.*",
    r"\sf other.plus", r"\sf other.area", r"\sf area", r"\sf plus",
    "CREATE SCHEMA gone; CREATE TABLE gone.a (id int PRIMARY KEY); CREATE SEQUENCE gone.q;"
    " CREATE VIEW gone.v AS SELECT * FROM gone.a; CREATE TABLE keeps (a_id int REFERENCES gone.a);"
    " CREATE TYPE gone.kind AS ENUM ('x'); CREATE VIEW reads AS SELECT * FROM gone.v;"
    ' CREATE TABLE gone."A b" (q int DEFAULT nextval(\'gone.q\'));',
    r"\set VERBOSITY default", "DROP SCHEMA gone;", "DROP SCHEMA gone CASCADE;",
    "DROP TABLE keeps;", r"\set VERBOSITY terse",
    "SET search_path = other, public;", r"\sf other.plus", r"\sf plus(int, int4)", r"\sf area",
    r"\sf other.area", r"\df area", r"\d vw", "SELECT oid::regproc FROM pg_proc"
    " WHERE proname IN ('area', 'plus') ORDER BY oid::regprocedure::text;",
)  # fmt: skip


def told(port: int, commands: tuple[str, ...], directory: Path) -> dict[str, str]:
    """What psql prints for each command, errors included."""
    assert PSQL is not None
    lines = [line for command in commands for line in (r"\echo ~~~", command)]
    words = [PSQL, "-X", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "postgres"]
    done = subprocess.run(
        [*words, "-v", "VERBOSITY=terse"], input="\n".join(lines), cwd=directory,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=True,
        env={"PGTZ": "UTC", "PAGER": "cat", "HOME": str(directory)},
    )  # fmt: skip
    parts = done.stdout.split("~~~\n")[1:]
    return dict(zip(commands, parts, strict=True))


@pytest.fixture(scope="module")
def outputs(
    objects: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], dict[str, str]]:
    if PSQL is None:
        pytest.skip("psql is not installed")
    directory = tmp_path_factory.mktemp("psql")
    ours, theirs = (told(port, COMMANDS, directory) for port in objects)
    return ours, theirs


@pytest.mark.parametrize("command", COMMANDS)
def test_psql_prints_the_same(command: str, outputs: tuple[dict[str, str], dict[str, str]]) -> None:
    ours, theirs = (each[command] for each in outputs)
    assert ours == theirs
