"""Sets a new Metabase up through its public setup API: the first user, and the gateway.

    python setup.py http://metabase:3000

METABASE_EMAIL and METABASE_PASSWORD are the user's, PGHOST, PGPORT, PGUSER and PGPASSWORD the
gateway's. A Metabase that has been set up is left as it is. Needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from typing import Any


def call(url: str, body: Mapping[str, Any] | None = None, session: str = "") -> dict[str, Any]:
    """The JSON that Metabase answers; urllib.error.HTTPError where it refuses."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-Metabase-Session": session}
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


def set_up(metabase: str, env: Mapping[str, str]) -> bool:
    """Whether there was anything to do."""
    properties = call(f"{metabase}/api/session/properties")
    if properties.get("has-user-setup") or not properties.get("setup-token"):
        return False
    user = {
        "first_name": "Gradwire",
        "last_name": "Administrator",
        "email": env["METABASE_EMAIL"],
        "password": env["METABASE_PASSWORD"],
        "site_name": "gradwire",
    }
    preferences = {"site_name": "gradwire", "allow_tracking": False}
    first = {"token": properties["setup-token"], "user": user, "prefs": preferences}
    session = call(f"{metabase}/api/setup", first)["id"]
    details = {
        "host": env["PGHOST"],
        "port": int(env["PGPORT"]),
        "dbname": "gradwire",
        "user": env["PGUSER"],
        "password": env["PGPASSWORD"],
        "ssl": False,
        "schema-filters-type": "all",
    }
    database = {"name": "gradwire", "engine": "postgres", "details": details}
    call(f"{metabase}/api/database", database, session)
    return True


if __name__ == "__main__":
    done = set_up(sys.argv[1].rstrip("/"), os.environ)
    print("Metabase is connected to the gateway" if done else "Metabase was set up before")
