"""Accumulators for the groups of some blocks of a grid, and the taking in of a block.

A block is taken in pieces that stay in the processor's cache: every expression is computed on a
piece once, and reduced into the places of the piece's groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.sources.aggregates.reducing import Codes, Found, Piece, Runs, Sums, pieces, pieces_of
from gateway.sources.arithmetic import elementwise
from gateway.sources.arithmetic.elementwise import Column, Expression
from gateway.sources.arithmetic.nullable import (
    Mask,
    Nullable,
    Unsound,
    evaluate,
    is_strict,
    of_column,
)
from gateway.sources.reading.blocks import Block

Values = npt.NDArray[Any]

# Values computed at a time: a few arrays of them fit in the processor's cache.
PIECE_VALUES = 1 << 17

# Pieces between two moments at which a query may be stopped: some milliseconds. Each such moment
# is an empty batch to the engine, which costs as much as a tenth of a piece. Columns as they are
# stored are summed up so many pieces at once: nothing is computed that would have to be kept.
PIECES_A_STEP = 8


@dataclass(frozen=True, slots=True)
class Operand:
    """An argument of aggregates, and what is asked of it.

    Args:
        argument: Over the grid's columns.
        condition: FILTER: rows where it is not true do not count; None: all do.
        kinds: Of count, sum, avg, min, max, moments.
    """

    argument: Expression
    condition: Expression | None
    kinds: frozenset[str]


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked of the rows.

    Args:
        operands: The arguments of aggregates.
        dtypes: Their types.
        condition: Rows where it is not true do not count; None: all do.
        types: The type in SQL of each column of the grid that is read.
    """

    operands: Sequence[Operand]
    dtypes: Sequence[np.dtype[Any]]
    condition: Expression | None
    types: Mapping[str, np.dtype[Any]]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The grid's columns that are read."""
        return columns_read(self.operands, self.condition)

    @cached_property
    def is_strict(self) -> bool:
        """Whether NaN in a column comes out as NaN: then NULLs need not be looked for before."""
        return self.condition is None and all(
            operand.condition is None
            and operand.kinds & {"sum", "avg", "min", "max"}
            and "moments" not in operand.kinds
            and is_strict(operand.argument)
            and dtype.kind == "f"
            for operand, dtype in zip(self.operands, self.dtypes, strict=True)
        )

    @cached_property
    def is_plain(self) -> bool:
        """Whether columns are summed up as they are stored, as long as nothing is missing."""
        return self.is_strict and all(isinstance(each.argument, Column) for each in self.operands)


def columns_read(operands: Sequence[Operand], condition: Expression | None) -> tuple[str, ...]:
    """The columns in the arguments and conditions of aggregates, each once."""
    found = [condition, *(part for each in operands for part in (each.argument, each.condition))]
    given = [each for each in found if each is not None]
    return tuple(dict.fromkeys(name for each in given for name in elementwise.names(each)))


class Region:
    """The groups of some blocks.

    Args:
        asked: What is asked of each.
        groups: For each grouped dimension the group of each of its positions.
        blocks: What will be taken in.

    `codes` are the groups along each dimension that the blocks touch, `rows` the rows in each that
    count, `sums` what is known of each operand.
    """

    def __init__(self, asked: Asked, groups: Mapping[str, Codes], blocks: Sequence[Block]) -> None:
        self._asked, self._groups = asked, groups
        self.codes = {
            dim: np.unique(np.concatenate([codes[b.positions[dim]] for b in blocks]))
            for dim, codes in groups.items()
        }
        self.shape = tuple(map(len, self.codes.values()))
        self.size = math.prod(self.shape)
        self._hopeful = asked.is_strict

    @cached_property
    def _all(self) -> Values:
        """Rows in each group, whether they count or not."""
        return np.zeros(self.shape, np.int64)

    @cached_property
    def _dropped(self) -> Values:
        """Those that do not."""
        return np.zeros(self.shape, np.int64)

    @cached_property
    def sums(self) -> list[Sums]:
        return [
            Sums(self.shape, dtype, operand.kinds)
            for operand, dtype in zip(self._asked.operands, self._asked.dtypes, strict=True)
        ]

    @property
    def rows(self) -> Values:
        return self._all - self._dropped

    def counts(self, number: int) -> Values:
        """Values of an operand in each group."""
        return self._all - self.sums[number].kept["nulls"]

    def take(self, block: Block, columns: Mapping[str, Values]) -> Iterator[None]:
        """Take in a block's rows, some pieces at a step, so that whoever counts them can stop.

        Raises:
            Unsound: the engine must be asked.
        """
        codes = {
            dim: np.searchsorted(own, self._groups[dim][block.positions[dim]])
            for dim, own in self.codes.items()
        }
        runs: dict[tuple[str, int, int], Runs] = {}

        def piece(box: tuple[slice, ...]) -> Piece:
            found: list[Runs | None] = []
            for dim, part in zip(block.positions, box, strict=True):
                key = (dim, part.start, part.stop)
                if dim in codes and key not in runs:
                    runs[key] = Runs(codes[dim][part])
                found.append(runs.get(key))
            return Piece(tuple(part.stop - part.start for part in box), tuple(found))

        whole = piece(tuple(slice(0, size) for size in block.shape))
        self._all[whole.target] += whole.rows
        if self._asked.operands or self._asked.condition is not None:
            for step in pieces(block.shape, PIECE_VALUES * PIECES_A_STEP):
                if not (self._asked.is_plain and self._took_hopefully(columns, step, piece(step))):
                    for box in pieces_of(step, PIECE_VALUES):
                        self._take_piece(columns, box, piece(box))
                yield

    def _took_hopefully(
        self, columns: Mapping[str, Values], box: tuple[slice, ...], piece: Piece
    ) -> bool:
        """Take in a piece as if nothing in it were missing; whether that is so."""
        if not self._hopeful:
            return False
        found = self._measured(_Work(self._asked, columns, box, piece, hopeful=True), None)
        if found is None:
            self._hopeful = False
            return False
        self._add(piece, found)
        return True

    def _take_piece(
        self, columns: Mapping[str, Values], box: tuple[slice, ...], piece: Piece
    ) -> None:
        if self._took_hopefully(columns, box, piece):
            return
        work = _Work(self._asked, columns, box, piece)
        kept = work.kept(self._asked.condition)
        if kept is not None:
            self._dropped[piece.target] += piece.total(~kept, np.int64)
        found = self._measured(work, kept)
        if found is None:
            raise Unsound("NaN among the values")
        self._add(piece, found)

    def _measured(self, work: _Work, kept: Mask | None) -> list[Found] | None:
        """What is asked of each operand; None where NaN is among the values."""
        found = []
        for operand, sums in zip(self._asked.operands, self.sums, strict=True):
            measured = sums.measure(work.piece, *work.of(operand, kept))
            if measured is None:
                return None
            found.append(measured)
        return found

    def _add(self, piece: Piece, found: Sequence[Found]) -> None:
        for sums, measured in zip(self.sums, found, strict=True):
            sums.add(piece, measured)


@dataclass
class _Work:
    """One piece: the values of expressions over it, each computed once."""

    asked: Asked
    columns: Mapping[str, Values]
    box: tuple[slice, ...]
    piece: Piece
    hopeful: bool = False  # no value is NULL, as long as NaN does not come out
    _known: dict[Expression, Nullable] = field(default_factory=dict)
    _read: dict[str, Nullable] = field(default_factory=dict)

    def value(self, expression: Expression) -> Nullable:
        found = self._known.get(expression)
        if found is None:
            found = self._known[expression] = evaluate(expression, self._column)
        return found

    def kept(self, condition: Expression | None) -> Mask | None:
        """Where a condition is true; None: everywhere."""
        if condition is None:
            return None
        held = np.broadcast_to(self.value(condition).is_true, self.piece.shape)
        return None if held.all() else held

    def of(self, operand: Operand, kept: Mask | None) -> tuple[Values, Mask | None]:
        """An operand's values, and where they do not count."""
        own = self.kept(operand.condition)
        value = self.value(operand.argument)
        masks = [~mask for mask in (kept, own) if mask is not None]
        masks += [] if value.nulls is None else [value.nulls]
        if not masks:
            return value.values, None
        found = masks[0]
        for mask in masks[1:]:
            found = found | mask
        return value.values, found

    def _column(self, name: str) -> Nullable:
        found = self._read.get(name)
        if found is None:
            values = self.columns[name]
            part = values[
                tuple(s if size > 1 else slice(None)
                      for s, size in zip(self.box, values.shape, strict=True))
            ]  # fmt: skip
            dtype = self.asked.types[name]
            if self.hopeful:
                found = Nullable(part.astype(dtype, copy=False), clean=False)
            else:
                found = of_column(part, dtype)
            self._read[name] = found
        return found
