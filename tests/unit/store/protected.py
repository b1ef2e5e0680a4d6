"""Folders that cannot be written and disks that are full, for root as well."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Nothing in the folder can be written or made meanwhile."""
    if os.geteuid() == 0:
        # Permission bits do not stop root; a read-only mount does.
        _mount("--bind", str(folder), str(folder))
        try:
            _mount("-o", "remount,ro,bind", str(folder))
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True, timeout=30)
        return
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in reversed(paths):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in paths:
            path.chmod(modes[path])


@contextmanager
def small_disk(folder: Path, size: int) -> Generator[None]:
    """The folder is a disk of its own of so many bytes; only root can have that."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs a mount")
    _mount("-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=30)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, timeout=30, check=False)
    if done.returncode != 0:
        pytest.skip(f"mount is not allowed here: {done.stderr.decode().strip()}")


def fill_disk(ballast: Path) -> None:
    """Leave no byte on the disk where `ballast` lies."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return
