"""Statements about the catalogue that tools are known to send, and the tables they ask about.

`tests/golden/tools/<tool>.sql` holds them, with a line of dashes between two; they are written
from what the tools' documentation and logs show, not recorded. `others.sql` has those of smaller
clients: PostgREST, Hasura, dbt, QGIS, Liquibase, Flyway, pgcli, Beekeeper and their like. Those of
`orms.sql`, `servers.sql`, `admin.sql`, `bi.sql` and `gis.sql` were written after the tools' own
sources; `schema_readers.sql` holds forms that schema readers (postgres-meta, PostgREST,
postgres_exporter) need of a catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.catalog.clients import Sent

GOLDEN = Path(__file__).parents[1] / "golden" / "tools"
MADE = (
    "CREATE TABLE public.customers (id serial PRIMARY KEY, name varchar(100) NOT NULL,"
    " email text UNIQUE, born date, balance numeric(10,2) DEFAULT 0, tags text[])",
    "CREATE TABLE public.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " customer_id integer NOT NULL REFERENCES public.customers (id) ON DELETE CASCADE,"
    " total numeric(12,2) CHECK (total >= 0), placed timestamptz DEFAULT now(), note jsonb)",
    "CREATE INDEX orders_by_customer ON public.orders (customer_id, placed DESC NULLS LAST)",
    "CREATE VIEW public.spending AS SELECT customer_id, sum(total) AS spent"
    " FROM public.orders GROUP BY customer_id",
    "COMMENT ON TABLE public.customers IS 'who buys'",
    "COMMENT ON COLUMN public.customers.name IS 'as they sign'",
)
UNMADE = ("DROP VIEW public.spending", "DROP TABLE public.orders", "DROP TABLE public.customers")


def tool_statements() -> Iterator[Sent]:
    """Every statement, in the order in which its tool sends them."""
    for path in sorted(GOLDEN.glob("*.sql")):
        for number, sql in enumerate(path.read_text().split("\n----\n"), 1):
            yield Sent(path.stem, f"{number:03d}", sql.strip())
