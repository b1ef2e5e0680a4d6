"""A virtual environment, and installing into it what was pinned and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from dev_tools.console import Step, watch

_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")


class Venv:
    """A virtual environment in `folder`; what is done in it is told in `log`."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / ("python.exe" if os.name == "nt" else "python")

    def create(self, python: Path, running: Step) -> None:
        """Make the environment with this interpreter."""
        watch([python, "-m", "venv", self.folder], self.log, running.progress)

    def install(self, requirements: str, running: Step) -> None:
        """Install these pinned and hashed requirements, as wheels and without resolving anything.

        Wheels only: nothing that comes from outside runs while it is being installed.
        """
        listed = self.folder / "requirements.txt"
        listed.write_text(requirements, encoding="utf-8")
        self._pip(
            running, "install", "--progress-bar=off", "--no-deps", "--require-hashes",
            "--only-binary=:all:", "-r", listed,
        )  # fmt: skip

    def install_wheel(self, wheel: Path, running: Step) -> None:
        """Install one wheel that was built on this machine, and so has no hash to compare."""
        self._pip(running, "install", "--no-deps", "--no-index", wheel)

    def build_wheel(
        self, requirement: str, out: Path, running: Step, environment: dict[str, str]
    ) -> None:
        """Build a pinned and hashed source distribution with what is installed here.

        pip's own cache is left out of it: its key knows nothing of how the build was told to be.
        """
        listed = self.folder / "source.txt"
        listed.write_text(requirement, encoding="utf-8")
        self._pip(
            running, "wheel", "--progress-bar=off", "--no-deps", "--require-hashes",
            "--no-binary=:all:", "--no-build-isolation", "--no-cache-dir", "--verbose",
            "--wheel-dir", out, "-r", listed, environment=environment,
        )  # fmt: skip

    def _pip(
        self, running: Step, *arguments: object, environment: dict[str, str] | None = None
    ) -> None:
        watch([self.python, *_PIP, *arguments], self.log, running.progress, environment)
