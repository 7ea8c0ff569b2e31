"""What pgcli asks before it completes: `python drive_pgcli.py PORT`."""

import sys

from pgcli.pgexecute import PGExecute
from pgspecial.main import PGSpecial

asked = PGExecute("postgres", "postgres", "", "127.0.0.1", sys.argv[1], "")
print(asked.search_path(), sorted(s for s in asked.schemata() if "gradwire" not in s))
print(sorted(t for t in asked.tables() if t[0] == "public"))
print(sorted(v for v in asked.views() if v[0] != "gradwire"))
print(sorted(c for c in asked.table_columns() if c[0] == "public"))
print(sorted(c for c in asked.view_columns() if c[0] != "gradwire"))
print(sorted(map(str, asked.foreignkeys())), "postgres" in asked.databases())
print(sorted(t for t in asked.datatypes() if t[0] == "public"))
print(len([f for f in asked.functions() if f.schema_name == "pg_catalog"]))
for statement in ("SELECT a, b FROM one", "\\d one", "\\dt", "\\dv", "\\d two"):
    for _, rows, headers, status, *_ in asked.run(statement, PGSpecial()):
        print(statement, list(rows or ()), headers, status)
