"""Settings: defaults, files, the environment, and every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Dataset, Metrics, Mistakes, Role, Settings, load
from gateway.errors import ConfigurationFault

ROOT = Path(__file__).parents[2]
VERIFIER = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0$a2V5:a2V5"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    return path


def test_nothing_given_is_the_defaults() -> None:
    settings = load(None, {"HOME": "/", "PATH": "x"})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.datasets) == ("127.0.0.1", 5433, [])
    assert settings.users == {}


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "# nothing\n"), {}) == Settings()


def test_the_example_runs_as_it_is() -> None:
    settings = load(ROOT / "config" / "gateway.yaml", {})
    assert [dataset.uri for dataset in settings.datasets] == ["bundled:ncep"]
    assert settings.model_copy(update={"datasets": []}) == Settings()


def test_the_example_shows_every_setting() -> None:
    text = (ROOT / "config" / "gateway.yaml").read_text()
    for name in [*Settings.model_fields, *Dataset.model_fields]:
        assert f"{name}:" in text, f"config/gateway.yaml does not show {name}"


def test_the_documentation_lists_every_setting_with_its_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    for name, field in Settings.model_fields.items():
        row = next((row for row in text.splitlines() if row.startswith(f"| `{name}` |")), None)
        assert row is not None, f"docs/configuration.md does not list {name}"
        default = field.get_default(call_default_factory=True)
        shown = "none" if default in (None, {}, []) else str(default)
        assert f"| {shown} |" in row, row
        for bound in field.metadata:
            for limit in ("ge", "le"):
                assert str(getattr(bound, limit, "")) in row, row
    for name in Dataset.model_fields:
        assert f"| `{name}` |" in text, f"docs/configuration.md does not list {name} of a dataset"


ENVIRONMENT = [
    ("GRADWIRE_HOST", "::1", "host", "::1"),
    ("GRADWIRE_PORT", "0", "port", 0),
    ("GRADWIRE_USERS", f"{{bob: '{VERIFIER}'}}", "users", {"bob": VERIFIER}),
    ("GRADWIRE_SUPERUSERS", "[bob]", "superusers", ["bob"]),
    ("GRADWIRE_ROLES", "{bob: {read_only: true}}", "roles", {"bob": Role(read_only=True)}),
    ("GRADWIRE_MEMORY_BYTES", "20000000", "memory_bytes", 20000000),
    ("GRADWIRE_TRUST_EVERYONE", "true", "trust_everyone", True),
    ("GRADWIRE_TLS_CERTIFICATE", "/c.pem", "tls_certificate", Path("/c.pem")),
    ("GRADWIRE_TLS_KEY", "/k.pem", "tls_key", Path("/k.pem")),
    ("GRADWIRE_REQUIRE_TLS", "true", "require_tls", True),
    ("GRADWIRE_FAILED_LOGIN_SECONDS", "2", "failed_login_seconds", 2.0),
    ("GRADWIRE_SUPERUSER_RESERVED_CONNECTIONS", "1", "superuser_reserved_connections", 1),
    ("GRADWIRE_DATA_DIR", "/var/lib/gradwire", "data_dir", Path("/var/lib/gradwire")),
    ("GRADWIRE_OPEN_SECONDS", "2.5", "open_seconds", 2.5),
    ("GRADWIRE_READ_SECONDS", "10", "read_seconds", 10.0),
    ("GRADWIRE_CHUNK_CACHE_BYTES", "1000", "chunk_cache_bytes", 1000),
    ("GRADWIRE_DATASET_ROOTS", "[s3://b]", "dataset_roots", ["s3://b"]),
    (
        "GRADWIRE_DATASETS",
        '[{"name": "a", "uri": "/x.zarr"}]',
        "datasets",
        [Dataset(name="a", uri="/x.zarr")],
    ),
    ("GRADWIRE_MAX_CONNECTIONS", "7", "max_connections", 7),
    ("GRADWIRE_MESSAGE_BYTES", "70000", "message_bytes", 70000),
    ("GRADWIRE_PREPARED_BYTES", "70000", "prepared_bytes", 70000),
    ("GRADWIRE_PORTAL_BYTES", "70000", "portal_bytes", 70000),
    ("GRADWIRE_STATEMENT_BYTES", "2048", "statement_bytes", 2048),
    ("GRADWIRE_STATEMENT_NODES", "200", "statement_nodes", 200),
    ("GRADWIRE_PLANNING_STEPS", "3000", "planning_steps", 3000),
    ("GRADWIRE_UNION_BRANCHES", "2", "union_branches", 2),
    ("GRADWIRE_AUTHENTICATION_SECONDS", "1.5", "authentication_seconds", 1.5),
    ("GRADWIRE_SHUTDOWN_SECONDS", "0", "shutdown_seconds", 0.0),
    ("GRADWIRE_THREADS", "3", "threads", 3),
    ("GRADWIRE_LOG_LEVEL", "info", "log_level", "info"),
    ("GRADWIRE_METRICS", "{port: 9188}", "metrics", Metrics(port=9188)),
    ("GRADWIRE_LOG_FORMAT", "json", "log_format", "json"),
    ("GRADWIRE_LOG_MIN_DURATION_STATEMENT", "250", "log_min_duration_statement", 250),
    ("GRADWIRE_LOG_STATEMENT_TEXT", "true", "log_statement_text", True),
]


@pytest.mark.parametrize(("variable", "text", "name", "value"), ENVIRONMENT)
def test_a_variable_overrides_the_file(tmp_path, variable, text, name, value) -> None:
    path = written(tmp_path, "port: 6000\nmax_connections: 8\ntls_certificate: /b.pem\n")
    base = Settings(port=6000, max_connections=8, tls_certificate=Path("/b.pem"))
    expected = base.model_copy(update={name: value})
    assert load(path, {variable: text}) == expected


def test_every_setting_has_a_variable_here() -> None:
    assert {name for _, _, name, _ in ENVIRONMENT} == set(Settings.model_fields)


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    text = """
data_dir: data
datasets:
  - {name: a, uri: a.zarr}
  - {name: b, uri: /abs/b.nc}
  - {name: c, uri: "https://example.org/c.zarr"}
  - {name: d, uri: "bundled:ncep"}
"""
    settings = load(written(tmp_path, text), {})
    assert settings.data_dir == tmp_path / "data"
    assert [dataset.uri for dataset in settings.datasets] == [
        str(tmp_path / "a.zarr"),
        "/abs/b.nc",
        "https://example.org/c.zarr",
        "bundled:ncep",
    ]


def test_names_of_dimension_sets(tmp_path: Path) -> None:
    text = "datasets: [{name: a, uri: a.zarr, tables: {surface: [time, lat]}}]"
    (dataset,) = load(written(tmp_path, text), {}).datasets
    assert dataset.names == {("time", "lat"): "surface"}


MISTAKES = {
    "prot: 1": ['line 1, prot: no such setting; did you mean "port"?'],
    "port: 70000": ["line 1, port: input should be less than or equal to 65535"],
    "port: 1\nhost: ''\nport: 2": [
        "line 3, port: given in line 1 too",
        "line 2, host: string should have at least 1 character",
    ],
    "host: 0.0.0.0": [
        "line 1, host: without users, 0.0.0.0 would let everyone in: "
        "add users, or listen on 127.0.0.1; trust_everyone: true says that this is meant"
    ],
    "port: 1\nrequire_tls: true\ntls_key: k.pem": [
        "line 3, tls_key: is nothing without tls_certificate",
        "line 2, require_tls: is nothing without tls_certificate",
    ],
    "users:\n  bob: secret": [
        "line 2, users.bob: not a SCRAM verifier; `gradwire passwd` prints one"
    ],
    "datasets:\n- name: a\n": ["line 2, datasets.0.uri: field required"],
    "datasets:\n- name: a\n  uri: x\n- name: a\n  uri: y": ['line 1: two datasets are named "a"'],
    "datasets:\n- name: pg_x\n  uri: x\n  chunk: {}": [
        'line 2, datasets.0.name: the name "pg_x" is reserved',
        'line 4, datasets.0.chunk: no such setting; did you mean "chunks"?',
    ],
    "datasets:\n- name: a\n  uri: x\n  chunks: {time: 0}": [
        "line 4, datasets.0.chunks.time: input should be greater than or equal to 1"
    ],
    "datasets:\n- name: a\n  uri: x\n  tables: {s: []}": [
        "line 4, datasets.0.tables.s: list should have at least 1 item after validation, not 0"
    ],
    "- a": ["line 1: must hold settings, each as `name: value`"],
    "port: [": ["line 1: not YAML: expected the node content, but found '<stream end>'"],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_every_mistake_is_named_with_line_and_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationFault) as refused:
        load(written(tmp_path, text), {})
    assert str(refused.value).splitlines() == MISTAKES[text]
    assert refused.value.code == "F0000"


def test_mistakes_of_file_and_environment_come_together(tmp_path: Path) -> None:
    env = {"GRADWIRE_THREADS": "no", "GRADWIRE_PROT": "1", "GRADWIRE_USERS": "{"}
    with pytest.raises(Mistakes) as refused:
        load(written(tmp_path, "port: x\nname: y"), env)
    assert {mistake.where for mistake in refused.value.mistakes} == {
        "line 1",
        "line 2",
        "GRADWIRE_THREADS",
        "GRADWIRE_PROT",
        "GRADWIRE_USERS",
    }


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r"missing.yaml: No such file"):
        load(tmp_path / "missing.yaml", {})


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Mistakes, match="is not UTF-8 text"):
        load(tmp_path / "gateway.yaml", {})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_users(host: str) -> None:
    assert load(None, {"GRADWIRE_HOST": f"'{host}'"}).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_elsewhere_needs_users(host: str) -> None:
    with pytest.raises(Mistakes, match="without users"):
        load(None, {"GRADWIRE_HOST": f"'{host}'"})
    assert load(None, {"GRADWIRE_HOST": f"'{host}'", "GRADWIRE_USERS": f"{{a: '{VERIFIER}'}}"})


def test_options_win_over_the_environment_and_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "port: 1\n")
    assert load(path, {"GRADWIRE_PORT": "2"}, {"port": 3, "host": None}).port == 3
    with pytest.raises(Mistakes) as refused:
        load(path, {}, {"data_dir": None, "port": 70000})
    assert str(refused.value) == "--port, port: input should be less than or equal to 65535"
