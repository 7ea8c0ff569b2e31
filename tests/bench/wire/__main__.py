"""Every line of the wire's table against a reference server, in one alternating run.

    python -m tests.bench.wire [--reference DSN] [--runs 3] [--only WORD] [--full]

Without --reference a PostgreSQL 15 is started for the run where its binaries are. Nothing is
installed: a line whose client library is not there is skipped, with the reason. Each line is
measured on one server and then on the other, `runs` times; the figures are medians.
"""

from __future__ import annotations

import argparse
import statistics

from tests.bench.wire.lines import LINES, Line, prepare
from tests.bench.wire.servers import Server, Sizes, Unavailable, gateway, reference
from tests.wire import postgres

_QUICK = Sizes(rows=500_000, streamed_rows=5_000_000, seconds=2)
_FULL = Sizes(rows=1_000_000, streamed_rows=50_000_000, seconds=5)
_ROW = "{:36}{:>8}{:>11}{:>11}{:>8}{:>9}{:>8}  {}"


def measure(line: Line, servers: list[Server], sizes: Sizes, runs: int) -> list[float]:
    """The median of each server, in alternating runs.

    Raises:
        Unavailable: One of them cannot be measured.
    """
    figures: list[list[float]] = [[] for _ in servers]
    for _ in range(runs):
        for server, found in zip(servers, figures, strict=True):
            try:
                found.append(line.measure(server, sizes))
            except Unavailable:
                raise
            except Exception as error:  # a client library's own; the other lines are still wanted
                reason = str(error).strip().partition("\n")[0]
                raise Unavailable(f"{server.name}: {reason or type(error).__name__}") from error
    return [statistics.median(found) for found in figures]


def verdict(line: Line, figure: float) -> str:
    """Whether a ratio, or a figure of our own, reaches the goal."""
    for name, goal in (("aim", line.aim), ("reached", line.least)):
        if goal is not None and (figure <= goal if line.less_is_better else figure >= goal):
            return name
    return "" if line.least is None else "MISSED"


def report(line: Line, servers: list[Server], sizes: Sizes, runs: int) -> None:
    """Measure a line, and print it."""
    compared = servers[:1] if line.ours_alone else servers
    goals = ["" if goal is None else f"{goal:g}" for goal in (line.least, line.aim)]
    try:
        figures = measure(line, compared, sizes, runs)
    except Unavailable as reason:
        print(_ROW.format(line.name, line.unit, "-", "-", "-", *goals, f"skipped: {reason}"))
        return
    shown = [_shown(figure) for figure in figures] + ["-"] * (2 - len(figures))
    ratio = figures[0] / figures[1] if len(figures) > 1 and figures[1] else None
    judged = figures[0] if line.absolute else ratio
    word = "" if judged is None else verdict(line, judged)
    ratio_shown = "-" if ratio is None else f"{ratio:.2f}x"
    print(_ROW.format(line.name, line.unit, *shown, ratio_shown, *goals, word), flush=True)


def _shown(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.wire", description=__doc__)
    parser.add_argument("--reference", metavar="DSN", help="the server to compare with")
    parser.add_argument("--runs", type=int, default=3, help="of each line on each server")
    parser.add_argument("--only", default="", help="lines with this word in their name")
    parser.add_argument("--full", action="store_true", help="50 million rows where 5 are the rule")
    asked = parser.parse_args()
    sizes = _FULL if asked.full else _QUICK
    with gateway() as ours, reference(asked.reference) as theirs:
        servers = [ours] if theirs is None else [ours, theirs]
        if theirs is None:
            print(f"nothing to compare with: {postgres.missing()}")
        for server in servers:
            prepare(server, sizes)
        print(_ROW.format("", "", "gradwire", "reference", "ratio", "at least", "aim", ""))
        for line in LINES:
            if asked.only.lower() in line.name.lower():
                report(line, servers, sizes, asked.runs)


if __name__ == "__main__":
    main()
