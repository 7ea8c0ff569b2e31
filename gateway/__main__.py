"""`python -m gateway`: the command `gradwire`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line, loaded with no look for garbage: loading makes none, and each look
    would walk all that is there already, a fifth of the time of a start."""
    gc.disable()
    from gateway import cli

    gc.freeze()
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
