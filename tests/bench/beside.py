"""What is asked of the command line where a gateway is compared with a reference."""

from __future__ import annotations

import argparse


def parser(text: str | None) -> argparse.ArgumentParser:
    """One for two servers and a range of numbers, of which each is other statements."""
    made = argparse.ArgumentParser(description=text)
    made.add_argument("gateway")
    made.add_argument("reference")
    made.add_argument("first", type=int)
    made.add_argument("numbers", type=int)
    return made
