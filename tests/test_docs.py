"""The pages tell the truth: what they show runs, what they list is what there is.

A ```` ```sql ```` block runs through psycopg against the shared gateway, and must succeed. When a
```` ```text ```` block follows it, with nothing but empty lines between, that is what came out:
rows as psql prints them, the command tag where there are none, a refusal as psql tells it with
``VERBOSITY verbose``, its position left out. The blocks of a page run in order on one connection,
in a schema of the page's own, so that one can make what the next one reads. A ```` ```python ````
block of docs/ runs by itself.

A table between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is made from the code, by the
function of that NAME below. `pytest --rewrite` writes outputs and tables into the pages.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import gateway
from gateway import errors
from gateway.autodiff.rules import functions as rules
from gateway.session.settings.rows import SETTINGS
from tests.conftest import Connect
from tests.test_layers import FLOORS

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*(page for page in (ROOT / "README.md",) if page.exists()), *DOCS]

_BLOCK = re.compile(r"^```sql\n(?P<sql>.*?)^```\n(?:\n*```text\n(?P<out>.*?)^```$)?", re.M | re.S)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
_TABLE = re.compile(r"^<!-- begin (\w+) -->\n(.*?)^<!-- end \1 -->$", re.M | re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.M)
_MODULE = re.compile(r"^\| `([\w/]+\.py)` \|", re.M)


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


# SQL


def printed(connection: psycopg.Connection[Any], sql: str) -> tuple[str, bool]:
    """What psql would print for the statements of one block, and whether they succeeded."""
    parts = []
    try:
        cursor = connection.execute(sql)
        while True:
            assert cursor.pgresult is not None
            rows = cursor.description is not None
            parts.append(table(cursor) if rows else str(cursor.statusmessage))
            if not cursor.nextset():
                return "\n".join(parts), True
    except psycopg.Error as error:
        told = {"DETAIL": error.diag.message_detail, "HINT": error.diag.message_hint}
        lines = [f"ERROR:  {error.sqlstate}: {error.diag.message_primary}"]
        lines += [f"{name}:  {text}" for name, text in told.items() if text]
        return "\n".join([*parts, *lines]), False


def table(cursor: psycopg.Cursor[Any]) -> str:
    """The rows as psql's aligned output: numbers to the right, NULL empty, then their count."""
    result = cursor.pgresult
    assert result is not None
    columns = range(result.nfields)
    names = [column.name for column in cursor.description or ()]
    numeric = [result.ftype(n) in (20, 21, 23, 700, 701, 1700) for n in columns]
    rows = [
        [(result.get_value(row, n) or b"").decode() for n in columns]
        for row in range(result.ntuples)
    ]
    widths = [max(len(row[n]) for row in [names, *rows]) for n in columns]
    lines = [
        " | ".join(f" {name:^{width}}"[1:] for name, width in zip(names, widths, strict=True)),
        "-+-".join("-" * width for width in widths),
    ]
    for row in rows:
        cells = zip(row, widths, numeric, strict=True)
        lines.append(" | ".join(f"{cell:{'>' if right else '<'}{w}}" for cell, w, right in cells))
    lines[1] = f"-{lines[1]}-"
    lines[0], lines[2:] = f" {lines[0]}", [f" {line}" for line in lines[2:]]
    count = f"({len(rows)} row{'' if len(rows) == 1 else 's'})"
    return "\n".join([*(line.rstrip() for line in lines), count])


def _bare(text: str) -> list[str]:
    """Lines without the blanks that psql leaves at their ends."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


@pytest.fixture
def page_schema(connect: Connect, page: Path) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose first schema is the page's own."""
    connection, name = connect(), f"docs_{page.stem.lower()}"
    connection.execute(f'CREATE SCHEMA "{name}"')
    connection.execute(f'SET search_path TO "{name}", public')
    yield connection
    connection.execute(f'DROP SCHEMA "{name}" CASCADE')


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```sql\n" in page.read_text()], ids=shown
)
def test_sql_gives_what_the_page_shows(
    page: Path, page_schema: psycopg.Connection[Any], rewriting: bool
) -> None:
    text = page.read_text()
    wrong, fresh, end = [], "", 0
    for block in _BLOCK.finditer(text):
        output, succeeded = printed(page_schema, block["sql"])
        if block["out"] is None:
            wrong += [] if succeeded else [(block["sql"], output)]
            continue
        if _bare(output) != _bare(block["out"]):
            wrong.append((block["sql"], output))
            fresh += text[end : block.start("out")] + output + "\n"
            end = block.end("out")
    if rewriting and fresh:
        page.write_text(fresh + text[end:])
    assert wrong == []


@pytest.mark.parametrize(
    "page", [page for page in DOCS if "```python\n" in page.read_text()], ids=shown
)
def test_python_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in _PYTHON.findall(page.read_text()):
        exec(compile(block, str(page), "exec"), {"__name__": "__main__"})


# Tables made from the code


def _summary(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def rule_rows() -> Iterator[str]:
    """One row per rule of gateway/autodiff/rules/functions.py."""
    yield "| function | derivative by its first argument | by its second |"
    yield "|---|---|---|"
    for rule in rules.RULES:
        cells = [_partial(partial) for partial in rule.partials]
        yield f"| `{rule.call}` | {' | '.join([*cells, ''][:2])} |"
    others = (f"`{other}` is `{name}`" for other, name in rules.SYNONYMS.items())
    yield f"| {', '.join(others)} | | |"


def _partial(partial: rules.Partial) -> str:
    if partial is None:
        return "0"
    return f"`{' '.join(partial.split())}`" if isinstance(partial, str) else _summary(partial)


def error_rows() -> Iterator[str]:
    """One row per class of gateway/errors, by its code."""
    yield "| SQLSTATE | class | when |"
    yield "|---|---|---|"
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind)]
    for kind in sorted(kinds, key=lambda each: (each.code, each.__name__)):
        if kind.__base__ is not Exception and "code" in vars(kind):
            yield f"| `{kind.code}` | `{kind.__name__}` | {_summary(kind)} |"


def setting_rows() -> Iterator[str]:
    """One row per setting of gateway/session/settings/rows.py."""
    yield "| setting | default | |"
    yield "|---|---|---|"
    for row in SETTINGS:
        default = "" if row.default == "" else f"`{row.default}`"
        marks = ["read-only"] * (row.accept is None) + ["reported"] * row.reported
        yield f"| `{row.name}` | {default} | {', '.join(marks)} |"


MADE = {"rules": rule_rows, "errors": error_rows, "settings": setting_rows}


@pytest.mark.parametrize("name", MADE)
def test_a_table_is_what_the_code_says(name: str, rewriting: bool) -> None:
    made = "".join(f"{row}\n" for row in MADE[name]())
    page, text, match = next(
        (page, text, match)
        for page in DOCS
        for text in [page.read_text()]
        for match in _TABLE.finditer(text)
        if match[1] == name
    )
    if rewriting:
        page.write_text(text[: match.start(2)] + made + text[match.end(2) :])
    assert match[2] == made, f"{shown(page)}: `pytest --rewrite` writes the table"


# Names


def test_architecture_names_every_module_and_no_other() -> None:
    package = Path(gateway.__file__).parent
    there = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.name != "__init__.py"
    }
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert set(_MODULE.findall(text)) == there


_DOTTED = re.compile(
    rf"`((?:{'|'.join(name for floor in FLOORS for name in floor)})(?:\.(?!py`)\w+)+)`"
)


_TRIPS = ("session/session", "autodiff/__init__", "sql/__init__", "sql/lowered/__init__")


@pytest.mark.parametrize("page", ["docs/architecture.md", *(f"gateway/{n}.py" for n in _TRIPS)])
def test_the_way_of_a_statement_names_what_there_is(page: str) -> None:
    names = _DOTTED.findall((ROOT / page).read_text())
    assert len(names) > 2
    assert [name for name in names if not _is_there(name)] == []


def _is_there(name: str) -> bool:
    try:
        pkgutil.resolve_name(f"gateway.{name}")
    except (ImportError, AttributeError):
        return False
    return True


def test_architecture_has_the_floors_of_the_layers_test() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    block = text.partition("```floors\n")[2].partition("```")[0]
    assert [tuple(line.split()) for line in block.splitlines()] == list(FLOORS)


def _slug(heading: str) -> str:
    """GitHub's anchor of a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(page.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        is_page = file.suffix == ".md" and file.exists()
        anchors = [_slug(h) for h in _HEADING.findall(file.read_text())] if is_page else []
        if not file.exists() or (anchor and anchor not in anchors):
            broken.append(target)
    assert broken == []


def test_pages_that_messages_name_exist() -> None:
    sources = (ROOT / "gateway").rglob("*.py")
    named = {name for path in sources for name in re.findall(r"docs/[\w/]+\.md", path.read_text())}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
