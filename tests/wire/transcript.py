"""Transcripts: `tests/transcripts/*.pg`, messages to send and messages to await, a line each.

    == what this scene shows: a connection of its own, from here to the next such line
    # what this part shows
    > Query "SELECT 1 AS a"
    < DataRow ["1"]
    ! why the two servers differ here
    g< what the gateway says
    p< what PostgreSQL says

A paragraph's `>` lines are sent in one go, then its other lines are awaited. The connection is
started before the first line, unless that line is a startup packet itself; settings told at the
start and the numbers in BackendKeyData are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.wire.client import Client

GATEWAY, POSTGRES = "g", "p"
_STARTS = ("StartupMessage", "SSLRequest", "GSSENCRequest", "CancelRequest")
PATIENCE_SECONDS = 300.0  # until an answer that is expected; a machine may be busy
_QUIET_SECONDS, _MORE_SECONDS = 4.0, 0.1  # within a series of answers, and after it
NO_REASON = "(no reason given)"  # what a rewrite puts where a person must say why


@dataclass
class Part:
    """One exchange; `awaited` is a list of (mark, line), the mark being "<", "g<" or "p<"."""

    comments: list[str] = field(default_factory=list)
    sends: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    awaited: list[tuple[str, str]] = field(default_factory=list)
    scene: str = ""  # the title of the scene that begins here

    def lines(self, server: str) -> list[str]:
        return [line for mark, line in self.awaited if mark in ("<", server + "<")]


def read(path: Path) -> list[list[Part]]:
    """The scenes of a transcript, each its parts."""
    scenes: list[list[Part]] = [[]]
    for part in _parts(path):
        if part.scene and scenes[-1]:
            scenes.append([])
        scenes[-1].append(part)
    return scenes


def _parts(path: Path) -> list[Part]:
    parts = [Part()]
    for line in path.read_text().splitlines():
        mark, _, rest = line.partition(" ")
        if not mark and parts[-1].sends:
            parts.append(Part())
        if mark == "==":
            parts[-1].scene = rest
        elif mark == "#":
            parts[-1].comments.append(rest)
        elif mark == ">":
            parts[-1].sends.append(rest)
        elif mark == "!":
            parts[-1].reasons.append(rest)
        elif mark:
            assert mark in ("<", "g<", "p<"), line
            parts[-1].awaited.append((mark, rest))
    return [part for part in parts if part.sends]


def begin(port: int, parts: list[Part], seconds: float) -> Client:
    """A connection, started unless the transcript starts it."""
    client = Client(port, seconds)
    if not parts[0].sends[0].startswith(_STARTS):
        client.start()
    return client


def hear(client: Client, part: Part, heard: list[str]) -> str:
    """The next line, after the first settings; a lone byte answers a request for encryption."""
    asked = sum(line in ("SSLRequest", "GSSENCRequest") for line in part.sends)
    if sum(line.startswith("Byte") for line in heard) < asked:
        return client.byte()
    line = client.hear()
    while line.startswith("ParameterStatus") and "StartupMessage" in part.sends[-1]:
        line = client.hear()
    return line


def play(path: Path, server: str, port: int) -> None:
    """Send and await; AssertionError where the server says something else."""
    for parts in read(path):
        with begin(port, parts, PATIENCE_SECONDS) as client:
            for part in parts:
                _play_part(client, part, server, parts[0].scene)
            client.socket.settimeout(PATIENCE_SECONDS)
            last = parts[-1].lines(server)[-1:]
            if last and not last[0].startswith(("(closed)", "Byte")):
                client.send("Terminate")
                assert client.hear() == "(closed)", parts[0].scene


def _play_part(client: Client, part: Part, server: str, scene: str) -> None:
    client.send(*part.sends)
    heard: list[str] = []
    for _ in part.lines(server):
        heard.append(hear(client, part, heard))
    assert heard == part.lines(server), "\n".join([scene, *part.comments, *part.sends])
    marked = any(mark != "<" for mark, _ in part.awaited)
    assert not marked or part.reasons not in ([], [NO_REASON]), (
        f"a difference without a reason: {scene} {part.sends}"
    )


def replay(path: Path, port: int) -> list[list[str]]:
    """What the server says in each part, until it falls silent."""
    said = []
    for parts in read(path):
        with begin(port, parts, _QUIET_SECONDS) as client:
            for part in parts:
                client.send(*part.sends)
                heard: list[str] = []
                try:
                    while not heard or heard[-1] != "(closed)":
                        ready = bool(heard) and heard[-1].startswith("ReadyForQuery")
                        client.socket.settimeout(_MORE_SECONDS if ready else _QUIET_SECONDS)
                        heard.append(hear(client, part, heard))
                except TimeoutError:
                    client.stream = client.socket.makefile("rb")
                said.append(heard)
    return said


def rewrite(path: Path, gateway: list[list[str]], postgres: list[list[str]] | None) -> None:
    """Write what came out; PostgreSQL's lines are kept where there is no PostgreSQL."""
    text: list[str] = []
    for number, part in enumerate(part for scene in read(path) for part in scene):
        ours = gateway[number]
        theirs = part.lines(POSTGRES) if postgres is None else postgres[number]
        text += [f"== {part.scene}"] if part.scene else []
        text += [f"# {line}" for line in part.comments]
        text += [f"> {line}" for line in part.sends]
        text += _merged(ours, theirs, part.reasons)
        text.append("")
    path.write_text("\n".join(text).rstrip("\n") + "\n")


def _merged(ours: list[str], theirs: list[str], reasons: list[str]) -> list[str]:
    """Both servers' lines, with what differs between what they share."""
    shorter = min(len(ours), len(theirs))
    before = next((n for n in range(shorter) if ours[n] != theirs[n]), shorter)
    after = 0
    while after < shorter - before and ours[-1 - after] == theirs[-1 - after]:
        after += 1
    lines = [f"< {line}" for line in ours[:before]]
    if ours != theirs:
        lines += [f"! {reason}" for reason in reasons or [NO_REASON]]
        lines += [f"g< {line}" for line in ours[before : len(ours) - after]]
        lines += [f"p< {line}" for line in theirs[before : len(theirs) - after]]
    return lines + [f"< {line}" for line in ours[len(ours) - after :]]
