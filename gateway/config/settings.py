"""The settings: one row each, with its default, its bounds and its meaning.

What a setting does is its reader's business: `app` hands each to the part that needs it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

BUNDLED = "bundled:"  # a dataset that comes with the package, by name: bundled:ncep

_RESERVED = ("public", "information_schema", "gradwire")
_VERIFIER = r"^SCRAM-SHA-256\$\d+:[^$]+\$[^:]+:.+$"


def _free_name(name: str) -> str:
    if name in _RESERVED or name.startswith("pg_"):
        raise PydanticCustomError("reserved", 'the name "{name}" is reserved', {"name": name})
    return name


def _role_name(name: str) -> str:
    if name in ("public", "none") or name.startswith("pg_"):
        raise PydanticCustomError("reserved", 'role name "{name}" is reserved', {"name": name})
    return name


RoleName = Annotated[str, Field(min_length=1, max_length=63), AfterValidator(_role_name)]
Name = Annotated[str, Field(min_length=1, max_length=63), AfterValidator(_free_name)]
Dimensions = Annotated[list[str], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dataset(_Strict):
    """One dataset: where it is, and what it is called in SQL."""

    name: Name = Field(description="Its name in SQL: a table of schema public, or a schema.")
    uri: str = Field(
        min_length=1,
        description="Path or URL of a Zarr store or netCDF file; a relative path starts at the "
        "configuration file. bundled:ncep is the dataset in the package.",
    )
    engine: str | None = Field(
        None, description="xarray engine that reads it, e.g. zarr or netcdf4; guessed when absent."
    )
    chunks: dict[str, Annotated[int, Field(ge=1)]] | None = Field(
        None,
        description="Chunk length by dimension, read through dask; the stored chunks when absent.",
    )
    tables: dict[Name, Dimensions] = Field(
        {},
        description="Table name to the dimensions of its variables; others are named by "
        "their dimensions.",
    )
    storage: dict[str, Any] = Field(
        {}, repr=False,
        description="Options of the URL's file system, such as credentials; never shown.",
    )  # fmt: skip
    refresh_seconds: float | None = Field(
        None, ge=1, le=31_536_000,
        description="How often it is opened anew, as REFRESH does; never when absent.",
    )  # fmt: skip

    @property
    def names(self) -> dict[tuple[str, ...], str]:
        """Dimensions to the name of their table."""
        return {tuple(dimensions): name for name, dimensions in self.tables.items()}


class Role(_Strict):
    """What one role is and may use; who has a line in `users` may log in as one."""

    superuser: bool = Field(False, description="May do everything, as PostgreSQL's superusers.")
    read_only: bool = Field(False, description="Its transactions change nothing (25006).")
    member_of: list[str] = Field([], description="Roles whose rights it has, and may SET ROLE to.")
    statement_timeout_seconds: float | None = Field(
        None, gt=0, le=2_147_483, description="The longest its statements may run (57014)."
    )
    memory_bytes: int | None = Field(
        None, ge=2**20, le=2**50, description="Memory of one of its sessions' queries (53200)."
    )
    connection_limit: int | None = Field(
        None, ge=0, le=10_000, description="Its connections at a time (53300)."
    )


class Metrics(_Strict):
    """Where /metrics and /healthz are."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(9187, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")


class Settings(_Strict):
    """Every setting of a server: name, default, bounds, meaning."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(5433, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    users: dict[RoleName, Annotated[str, Field(pattern=_VERIFIER)]] = Field(
        {}, description="User name to SCRAM verifier, as `gradwire passwd NAME` prints it."
    )
    superusers: list[str] | None = Field(
        None, description="Users who may do everything; everyone when there are no roles, either."
    )
    roles: dict[RoleName, Role] = Field(
        {}, description="Role name to what it is and may use; a role may be a user, or a group."
    )
    trust_everyone: bool = Field(
        False, description="Without users, let clients from every address in, as anyone."
    )
    tls_certificate: Path | None = Field(
        None, description="The server's certificate and its chain, in PEM; TLS is off without."
    )
    tls_key: Path | None = Field(
        None, description="Its private key, in PEM; when absent, it stands in the same file."
    )
    require_tls: bool = Field(False, description="Refuse clients that do not encrypt (28000).")
    failed_login_seconds: float = Field(
        0.5, ge=0, le=60, description="How long the answer to a failed login is kept back."
    )
    data_dir: Path | None = Field(
        None, description="Directory of the user tables; a temporary one when absent."
    )
    datasets: list[Dataset] = Field([], description="Datasets to serve as tables.")
    dataset_roots: list[Annotated[str, Field(min_length=1)]] = Field(
        [], description="Directories and beginnings of URLs that ATTACH may name."
    )
    # A store of thousands of arrays without consolidated metadata takes tens of seconds to list.
    open_seconds: float = Field(
        60.0, gt=0, le=3600, description="How long opening one dataset may take (58030)."
    )
    # As long as fsspec itself waits for an answer over http.
    read_seconds: float = Field(
        300.0, gt=0, le=86_400, description="How long a read of a dataset behind a URL may take."
    )
    chunk_cache_bytes: int = Field(
        256 * 2**20, ge=0, le=2**40, description="What decoded chunks of datasets may take."
    )
    # PostgreSQL's own default; a connection costs a thread and an engine context.
    max_connections: int = Field(
        100, ge=1, le=10_000, description="Clients at a time; one more is refused (53300)."
    )
    superuser_reserved_connections: int = Field(
        3, ge=0, le=10_000, description="How many of them are kept for superusers."
    )
    # PostgreSQL's own bound is 1 GiB; a message is held in memory whole, once per client.
    message_bytes: int = Field(
        256 * 2**20, ge=2**16, le=2**30, description="Longest message, in bytes."
    )
    # A statement's tree takes some 50 times its text: this keeps one client below about 1 GiB, and
    # is 16 of the longest statements, or some fifteen thousand of the usual ones.
    prepared_bytes: int = Field(
        16 * 2**20,
        ge=2**16,
        le=2**40,
        description="Texts of the prepared statements of one client, together (53200).",
    )
    portal_bytes: int = Field(
        32 * 2**20,
        ge=2**16,
        le=2**40,
        description="Parameters of the open portals of one client, together (53200).",
    )
    # Nothing interrupts the planner, and a long statement can keep it for minutes. What these
    # four let pass is planned within about 5 s on two cores (python -m tests.bench.planning).
    statement_bytes: int = Field(
        2**20, ge=2**10, le=2**28, description="Longest text of a statement, in bytes."
    )
    statement_nodes: int = Field(
        50_000, ge=100, le=10_000_000, description="Names, values and operators of a statement."
    )
    planning_steps: int = Field(
        6_000_000, ge=1000, le=10**9, description="Levels of a statement's expressions, weighed."
    )
    # 3,500 end the stack of the engine, and the process with it.
    union_branches: int = Field(500, ge=2, le=2000, description="UNION branches of a statement.")
    authentication_seconds: float = Field(
        60.0, ge=1, le=600, description="Time a client has to log in, in seconds."
    )
    shutdown_seconds: float = Field(
        5.0, ge=0, le=600, description="Time running statements have when the server stops."
    )
    # Arrow's batches on their way, the interpreter and the caches want the rest.
    memory_bytes: int | None = Field(
        None,
        ge=2**24,
        le=2**50,
        description="What all queries may hold together; half the machine's memory when absent.",
    )
    threads: int | None = Field(
        None, ge=1, le=1024, description="Threads for one query; one per core when absent."
    )
    metrics: Metrics | None = Field(
        None, description="Where to serve /metrics and /healthz over HTTP: {host, port}."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="What is written to standard error."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="How: lines of text, or a JSON object a line."
    )
    log_min_duration_statement: int = Field(
        -1, ge=-1, le=2**31 - 1,
        description="A line for each statement that takes as long, in milliseconds; "
        "0: for each, -1: for none.",
    )  # fmt: skip
    log_statement_text: bool = Field(
        False, description="Let log lines show what clients sent, their values included."
    )

    @property
    def pool_bytes(self) -> int:
        """What all queries may hold together: `memory_bytes`, or half the machine's memory."""
        if self.memory_bytes is not None:
            return self.memory_bytes
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2

    @model_validator(mode="after")
    def _names_once(self) -> Settings:
        names = [dataset.name for dataset in self.datasets]
        for name in names:
            if names.count(name) > 1:
                text = 'two datasets are named "{name}"'
                raise PydanticCustomError("duplicate", text, {"name": name})
        return self

    @model_validator(mode="after")
    def _groups_there(self) -> Settings:
        known = {*self.roles, *self.users, *(self.superusers or ())}
        for role in self.roles.values():
            for name in role.member_of:
                if name not in known:
                    text = 'member_of names "{name}", which is no role'
                    raise PydanticCustomError("no_role", text, {"name": name})
        return self
