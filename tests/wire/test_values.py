"""Fields of every type, text and binary, byte for byte as PostgreSQL 15 sends them.

`values.json` holds what PostgreSQL answers to `edge_values`; where PostgreSQL is installed the
record itself is checked, and `pytest --rewrite` writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from gateway.errors import GatewayError
from gateway.session.result import Field
from gateway.sql.inputs.notation import PLAIN
from gateway.types import BY_OID, FLOAT4, FLOAT8, REGISTERED, Type, by_name
from gateway.wire.decoding import decode_parameter
from gateway.wire.encoding import values
from tests.wire.edge_values import EDGES, REFUSED

RECORD = Path(__file__).with_name("values.json")


@pytest.fixture(scope="module")
def connection(postgres_port: int) -> Iterator[psycopg.Connection[Any]]:
    dsn = f"host=127.0.0.1 port={postgres_port} user=postgres dbname=postgres"
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def postgres_fields(connection: psycopg.Connection[Any], kind: Type, text: str) -> tuple[str, str]:
    """Text, and hexadecimal binary, of what PostgreSQL makes of an input."""
    answers = []
    for binary in (False, True):
        row = connection.pgconn.exec_params(
            f"SELECT $1::{kind.sql}".encode(), [text.encode()], result_format=int(binary)
        )
        assert row.ntuples == 1, (text, row.get_error_message())
        answers.append(row.get_value(0, 0))
    return answers[0].decode(), answers[1].hex()


def record(connection: psycopg.Connection[Any]) -> dict[str, list[list[str]]]:
    return {
        name: [[text, *postgres_fields(connection, by_name(name), text)] for text in inputs]
        for name, inputs in EDGES.items()
    }


def test_the_record_is_what_postgresql_answers(
    connection: psycopg.Connection[Any], rewriting: bool
) -> None:
    found = record(connection)
    if rewriting:
        RECORD.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert json.loads(RECORD.read_text()) == found


def recorded() -> list[tuple[str, str, str, str]]:
    if not RECORD.exists():
        return []
    rows = json.loads(RECORD.read_text())
    return [(name, *row) for name, inputs in rows.items() for row in inputs]


def field_bytes(message: bytes) -> bytes:
    """The one field of one DataRow."""
    assert message[:1] == b"D" and message[5:7] == b"\0\1"
    assert int.from_bytes(message[1:5], "big") == len(message) - 1
    assert int.from_bytes(message[7:11], "big") == len(message) - 11
    return message[11:]


def encoded(scalar: pa.Scalar, kind: Type, form: int, rows: int) -> bytes:
    """The field's bytes, found in the last of `rows` equal rows."""
    column = pa.array([scalar.as_py()] * rows, scalar.type) if rows == 1 else None
    if column is None:
        column = pa.concat_arrays(
            [pa.array([None], scalar.type), *([one_row(scalar)] * (rows - 1))]
        )
    batch = pa.record_batch({"x": column})
    data = bytes(values.encode_rows(batch, [Field("x", kind)], [form]))
    if rows == 1:
        return field_bytes(data)
    assert data.startswith(b"D\0\0\0\x0a\0\1\xff\xff\xff\xff")
    message = data[11:][: (len(data) - 11) // (rows - 1)]
    assert data[11:] == message * (rows - 1)
    return field_bytes(message)


def one_row(scalar: pa.Scalar) -> pa.Array:
    return pa.repeat(scalar, 1)


@pytest.mark.parametrize(("name", "given", "text", "binary"), recorded())
@pytest.mark.parametrize("rows", [2, values.FEW_ROWS + 1])
def test_a_value_goes_out_as_postgresql_sends_it(
    name: str, given: str, text: str, binary: str, rows: int
) -> None:
    kind = by_name(name)
    for data, form in ((given.encode(), 0), (text.encode(), 0), (bytes.fromhex(binary), 1)):
        scalar = decode_parameter(data, kind, form)
        assert encoded(scalar, kind, 0, rows).decode() == text
        assert encoded(scalar, kind, 1, rows).hex() == binary


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in REFUSED.items() for t in texts])
def test_what_postgresql_refuses_is_refused_in_its_words(
    name: str, text: str, connection: psycopg.Connection[Any]
) -> None:
    kind = by_name(name)
    query = f"SELECT $1::{kind.sql}".encode()
    answer = connection.pgconn.exec_params(query, [text.encode()])
    with pytest.raises(GatewayError) as refusal:
        decode_parameter(text.encode(), kind, 0)
    code = answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    message = answer.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY)
    assert code is not None and message is not None
    assert (refusal.value.code, str(refusal.value)) == (code.decode(), message.decode())
    if kind.element is not None and refusal.value.detail:
        detail = answer.error_field(psycopg.pq.DiagnosticField.MESSAGE_DETAIL)
        assert detail is not None and refusal.value.detail == detail.decode()


@pytest.mark.parametrize("kind", [FLOAT8, FLOAT4], ids=["float8", "float4"])
def test_random_floats_have_postgresqls_digits(
    kind: Type, connection: psycopg.Connection[Any]
) -> None:
    bits = np.random.default_rng(7).integers(0, 2 ** (8 * kind.size), 4000, dtype=f"u{kind.size}")
    spread = 10.0 ** np.random.default_rng(8).uniform(-12, 15, 4000)
    numbers = np.concatenate([bits.view(f"f{kind.size}"), spread.astype(f"f{kind.size}")])
    # Above this PostgreSQL refuses digits that lie halfway to the next float; ours read back too.
    numbers = numbers[np.abs(numbers) < (2.0**53 if kind is FLOAT8 else 2.0**24)]
    column = pa.array(numbers, kind.arrow)
    theirs = connection.pgconn.exec_params(
        f"SELECT unnest($1::{kind.sql}[])".encode(),
        [array_literal(numbers)],
    )
    ours = values.as_array(values.encode_column(column, kind, 0)).to_pylist()
    few = values.few_converter(kind, 0, PLAIN)
    assert few is not None and ours == few(column)
    assert ours == [theirs.get_value(row, 0) for row in range(theirs.ntuples)]


def array_literal(numbers: Any) -> bytes:
    return ("{" + ",".join(repr(float(n)) for n in numbers) + "}").encode()


def test_every_type_has_an_edge_row() -> None:
    # Kinds of text that only the catalogue has; names, whose numbers differ from server to server.
    unlisted = {"unknown", "void", "tid", "pg_lsn", "aclitem", "pg_node_tree"}
    unlisted |= {"anyarray", "record", "xid8"} | REGISTERED
    missing = {row.name for row in BY_OID.values() if row.element is None} - set(EDGES) - unlisted
    assert not missing
