"""Sequences as they were written -> the numbers that the store keeps."""

from __future__ import annotations

from gateway.errors import InvalidParameterValue
from gateway.sources.table import TableName
from gateway.sql.statements.sequences import SequenceOptions, bounds_of
from gateway.store.definitions.definitions import Sequence
from gateway.types import INT2, INT4, INT8, Type


def refuse_no_integer(type: Type) -> None:
    """Refuse a type that an identity column cannot have.

    Raises:
        InvalidParameterValue: 22023.
    """
    if type not in (INT2, INT4, INT8):
        raise InvalidParameterValue("identity column type must be smallint, integer, or bigint")


def changed_sequence(old: Sequence, options: SequenceOptions) -> Sequence:
    """A sequence with other bounds; where it stands and whose it is stays.

    Raises:
        InvalidParameterValue: 22023.
    """
    known = options.type or old.type
    bounds = bounds_of(options, known, old, old.type)  # type: ignore[arg-type]  # the same names
    return Sequence(
        old.name, known, bounds.start, bounds.increment, bounds.minimum, bounds.maximum,
        bounds.cycle, bounds.cache, old.owner, old.comment,
    )  # fmt: skip


def restart_of(sequence: Sequence, options: SequenceOptions) -> int | None:
    """Where a sequence is to go on, if RESTART says so.

    Raises:
        InvalidParameterValue: 22023, outside its bounds.
    """
    if options.restart is None:
        return None
    value = options.restart if isinstance(options.restart, int) else sequence.start
    if value < sequence.minimum:
        raise InvalidParameterValue(
            f"RESTART value ({value}) cannot be less than MINVALUE ({sequence.minimum})"
        )
    if value > sequence.maximum:
        raise InvalidParameterValue(
            f"RESTART value ({value}) cannot be greater than MAXVALUE ({sequence.maximum})"
        )
    return value


def sequence_of(name: TableName, options: SequenceOptions, type: Type = INT8) -> Sequence:
    """The sequence that options ask for."""
    known = options.type or type
    bounds = bounds_of(options, known)
    return Sequence(
        name,
        known,
        bounds.start,
        bounds.increment,
        bounds.minimum,
        bounds.maximum,
        bounds.cycle,
        bounds.cache,
    )
