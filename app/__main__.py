"""The one way in: the window, the command line, or the engine host."""

from __future__ import annotations

import os
import sys

ENGINE_HOST = "--engine-host"
INTERRUPTED = 130
"""The status that shells give to a process ended by Ctrl+C."""


def main(argv: list[str] | None = None) -> int:
    """Run what the arguments ask for; the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    _ensure_streams()
    if arguments[:1] == [ENGINE_HOST]:
        from app.engine.host import main as engine_host

        return engine_host()
    try:
        from app.cli.arguments import parse

        command = parse(arguments)
        from app.bootstrap import run

        return run(command)
    except KeyboardInterrupt:
        # Ctrl+C before there was anything to stop, or a second time.
        return INTERRUPTED


def _ensure_streams() -> None:
    """A windowed build starts without standard streams; libraries write to them all the same."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for good


if __name__ == "__main__":
    raise SystemExit(main())
