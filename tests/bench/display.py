"""A screen for windows that are measured: the one there is, or Xvfb."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SIZE = "1280x800x24"


@contextmanager
def screen() -> Iterator[dict[str, str]]:
    """The environment in which a window shows; Xvfb ends with the block.

    Linux without a display only: elsewhere windows show as they are.
    """
    environment = dict(os.environ)
    environment.pop("QT_QPA_PLATFORM", None)
    has_screen = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if not sys.platform.startswith("linux") or has_screen:
        yield environment
        return
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", _SIZE, "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield {**environment, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
    finally:
        server.terminate()
        server.wait()
