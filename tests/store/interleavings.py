"""Random schedules of three transactions, against a small model of what each level promises.

One thread: a lock that another transaction holds is refused at once (55P03, by lock_timeout), so a
schedule has one outcome. `python -m tests.store.interleavings 2000` runs as many of each level.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from gateway.engine.embedded import Embedded
from gateway.session.gateway import Gateway
from gateway.store.tables import Store
from gateway.store.transactions.isolation import Isolation
from tests.store.answers import answer

TABLES = ("a", "b")
SETUP = "".join(
    f"create table {t} (k int primary key, v int, w int); insert into {t} values (1, 10), (2, 20);"
    for t in TABLES
)
SERIAL_ORDER = "the committed transactions are serial in no order"

# What is done -> its SQL; `t` is the table, `u` the other one, `k` a key, `n` a new key.
STATEMENTS = {
    "read": "select k, v from {t} order by k",
    "bump": "update {t} set v = v + 1 where k = {k}",
    "sum": "update {t} set v = (select sum(v) from {u}) where k = {k}",
    "raise": "update {t} set v = v + 1 where v > (select min(v) from {u})",
    "note": "update {t} set w = v where k = {k}",  # a column that nobody reads
    "add": "insert into {t} values ({n}, {k})",
    "drop": "delete from {t} where k = {k}",
    "mark": "savepoint s",
    "back": "rollback to s",
    "commit": "commit",
    "rollback": "rollback",
}
TAGS = {
    "bump": "UPDATE",
    "note": "UPDATE",
    "sum": "UPDATE",
    "raise": "UPDATE",
    "add": "INSERT 0",
    "drop": "DELETE",
}

Rows = dict[int, int]
Turn = tuple[int, str, str, int, int]  # whose, what, t, k, n


@dataclass(slots=True)
class Committed:
    """Rows, and a stamp for each row and each table that grows when it changes."""

    rows: dict[str, Rows] = field(default_factory=lambda: {t: {1: 10, 2: 20} for t in TABLES})
    stamps: dict[tuple[str, int], int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))


def effects(kind: str, views: dict[str, Rows], turn: Turn) -> dict[int, int | None]:
    """What a statement does to the rows of its table: key -> new value, None: gone."""
    _, _, t, k, n = turn
    mine, other = views[t], views["b" if t == "a" else "a"]
    if kind == "add":
        return {n: k}
    if kind == "raise":
        least = min(other.values(), default=None)
        return {key: v + 1 for key, v in mine.items() if least is not None and v > least}
    if k not in mine:
        return {}
    if kind == "sum":
        return {k: sum(other.values())}
    return {k: {"drop": None, "note": mine[k], "bump": mine[k] + 1}[kind]}


def overlaid(rows: Rows, done: dict[int, int | None]) -> Rows:
    return {k: v for k, v in {**rows, **done}.items() if v is not None}


@dataclass(slots=True)
class Running:
    """One transaction of the model."""

    level: Isolation
    base: Committed | None = None
    own: list[tuple[str, dict[int, int | None]]] = field(default_factory=list)
    locks: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    marks: list[tuple[int, set[str]]] = field(default_factory=list)
    failed: bool = False
    lost: bool = False


class Model:
    """Says what each turn of a schedule must answer."""

    def __init__(self, level: Isolation, sessions: int) -> None:
        self.now, self.level = Committed(), level
        self.running = [Running(level) for _ in range(sessions)]

    def answer(self, turn: Turn) -> object:
        who, kind = turn[:2]
        mine = self.running[who]
        if kind in ("commit", "rollback"):
            return self._end(who, kind)
        if kind == "back":
            return self._back(mine)
        if mine.failed:
            return "25P02"
        if kind == "mark":
            mine.marks.append((len(mine.own), set(mine.locks)))
            return "SAVEPOINT"
        if kind == "read":
            self._see(mine)
            mine.reads.add(turn[2])
            return sorted(self.view(mine)[turn[2]].items())
        return self._write(mine, turn)

    def view(self, mine: Running) -> dict[str, Rows]:
        seen = mine.base or self.now
        rows = {t: dict(seen.rows[t]) for t in TABLES}
        for t, done in mine.own:
            rows[t] = overlaid(rows[t], done)
        return rows

    def _see(self, mine: Running) -> None:
        if mine.level.pins and mine.base is None:
            mine.base = deepcopy(self.now)

    def _write(self, mine: Running, turn: Turn) -> object:
        _, kind, t, _, _ = turn
        if any(t in other.locks for other in self.running if other is not mine):
            return self._fail(mine, "55P03")
        mine.locks.add(t)
        self._see(mine)
        if kind != "add":
            mine.reads |= set(TABLES) if kind in ("sum", "raise") else {t}
        done = effects(kind, self.view(mine), turn)
        if mine.base is not None:
            stamps = [s.stamps.get((t, k), 0) for s in (mine.base, self.now) for k in done]
            if stamps[: len(done)] != stamps[len(done) :]:
                return self._fail(mine, "40001")
        if done:
            mine.own.append((t, done))
        return f"{TAGS[kind]} {len(done)}"

    def _fail(self, mine: Running, code: str) -> str:
        mine.failed = True
        if mine.marks:
            self._restore(mine)
        else:
            mine.own, mine.locks, mine.base = [], set(), None
        return code

    def _stale(self, mine: Running) -> bool:
        assert mine.base is not None
        return any(self.now.versions[t] != mine.base.versions[t] for t in mine.reads)

    def _restore(self, mine: Running) -> None:
        count, locks = mine.marks[-1]
        if len(mine.own) > count and mine.base is not None:
            if self._stale(mine):
                mine.lost, mine.marks, mine.own, mine.locks = True, [], [], set()
                return
            mine.base = deepcopy(self.now)
        del mine.own[count:]
        mine.locks = set(locks)

    def _back(self, mine: Running) -> str:
        if not mine.lost:
            self._restore(mine)
        mine.failed = mine.lost
        return "40001" if mine.lost else "ROLLBACK"

    def _end(self, who: int, kind: str) -> str:
        mine, self.running[who] = self.running[who], Running(self.level)
        if kind == "rollback" or mine.failed:
            return "ROLLBACK"
        if mine.level is Isolation.SERIALIZABLE and mine.own and self._stale(mine):
            return "40001"
        for t, done in mine.own:
            self.now.rows[t] = overlaid(self.now.rows[t], done)
            self.now.versions[t] += 1
            for k in done:
                self.now.stamps[t, k] = self.now.stamps.get((t, k), 0) + 1
        return "COMMIT"


def schedule(chance: random.Random, sessions: int, length: int, model: Model) -> Iterator[Turn]:
    """Turns as they come: each session goes on with what it may say now."""
    for number in range(length):
        who = chance.randrange(sessions)
        mine = model.running[who]
        if mine.lost:
            kind = "rollback"
        elif mine.failed:
            kind = chance.choice(["rollback", "commit", "back"] if mine.marks else ["rollback"])
        else:
            kinds = [
                "read",
                "read",
                "bump",
                "bump",
                "sum",
                "raise",
                "note",
                "note",
                "add",
                "drop",
                "mark",
            ]
            kinds += ["commit", "commit", *(["back"] if mine.marks else [])]
            kind = chance.choice(kinds)
        yield who, kind, chance.choice(TABLES), chance.choice([1, 1, 2]), 100 + number


def sql(turn: Turn) -> str:
    _, kind, t, k, n = turn
    return STATEMENTS[kind].format(t=t, u="b" if t == "a" else "a", k=k, n=n)


def serial(done: list[list[tuple[Turn, object]]], final: dict[str, Rows]) -> bool:
    """Whether transactions, one after the other in some order, answer and leave the same."""
    return any(_replays(order, final) for order in itertools.permutations(done))


def _replays(order: tuple[list[tuple[Turn, object]], ...], final: dict[str, Rows]) -> bool:
    alone = Model(Isolation.READ_COMMITTED, 1)
    for transaction in order:
        for turn, got in transaction:
            # What was refused for another's lock, or after it, has no answer of its own.
            if got in ("55P03", "25P02"):
                continue
            if alone.answer((0, *turn[1:])) != got:
                return False
        if alone._end(0, "commit") != "COMMIT":
            return False
    return alone.now.rows == final


def run(gateway: Gateway, level: Isolation, seed: int, *, check_serial: bool = False) -> list[str]:
    """One schedule; the faults found, with the turns up to them."""
    chance = random.Random(seed)
    sessions = [gateway.new_session() for _ in range(3)]
    said: list[str] = []
    done: list[list[tuple[Turn, object]]] = []
    open_: list[list[tuple[Turn, object]]] = [[], [], []]
    try:
        for session in sessions:
            session.start("me", "db", {"lock_timeout": "1"})
        answer(sessions[0], "drop table if exists a, b; " + SETUP)
        model = Model(level, len(sessions))
        for turn in schedule(chance, len(sessions), 12 if check_serial else 60, model):
            who, session = turn[0], sessions[turn[0]]
            if session.status == "I":
                answer(session, f"begin isolation level {level.value}")
            got, wanted = answer(session, sql(turn)), model.answer(turn)
            said.append(f"{who}: {sql(turn)} -> {got}")
            if got != wanted:
                return [*said, f"wanted {wanted}"]
            open_[who].append((turn, got))
            if turn[1] in ("commit", "rollback"):
                if got == "COMMIT":
                    done.append(open_[who][:-1])
                open_[who] = []
        if check_serial and not serial(done, model.now.rows):
            return [*said, SERIAL_ORDER]
    finally:
        for session in sessions:
            session.close()
    return []


def main(count: int) -> int:
    """Run `count` schedules of each level and one of each that is checked for serial order."""
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory))
        gateway = Gateway(Embedded(), store, {})
        for seed in range(count):
            faults = [run(gateway, level, seed) for level in Isolation]
            faults.append(run(gateway, Isolation.SERIALIZABLE, seed, check_serial=True))
            for fault in filter(None, faults):
                failed += 1
                print(f"seed {seed}:", *fault, sep="\n  ")
        store.close()
    print(f"{count} schedules of each level, {failed} faults")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
