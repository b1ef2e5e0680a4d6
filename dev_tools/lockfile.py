"""requirements.lock: reading its sections, and writing it anew from pyproject.toml.

The file holds several sections, each complete, pinned and hashed, for Linux, macOS and Windows and
all supported Pythons. dev.py installs each with `--no-deps --require-hashes`, so that nothing is
resolved on the way and nothing comes in that is not named here.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Sequence

from dev_tools.console import Stop, step, watch
from dev_tools.venv import Venv

LOCK_NAME = "requirements.lock"

APP = "app"
DEV = "dev"
NATIVE_BUILD = "native-build"
STARTER = "starter"

# Release of the resolver that writes the lock; it is a tool for maintainers and installs nothing.
_UV = "uv==0.13.9"

_SECTION = re.compile(r"^# === ([a-z-]+):", re.MULTILINE)
_REQUIREMENT = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;\\]+)", re.IGNORECASE)

_HEADER = """\
# Every version that dev.py installs, with the hashes of its files; for Linux, macOS and Windows.
# Written by `python3 dev.py lock` from pyproject.toml; do not edit by hand.
#
# Sections are installed one by one with --no-deps and --require-hashes (see dev_tools/lockfile.py).
"""
_ABOUT = {
    APP: "what Lamplight needs to run (llama-cpp-python is built from its source distribution)",
    STARTER: "the starter model; its own dependencies are left out, for only its file is used",
    DEV: "what checks and tests it, beside the app section",
    NATIVE_BUILD: "what builds llama-cpp-python, in an environment of its own",
}


class Lock:
    """The parsed lock: the requirement blocks of each section, as pip reads them."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = _SECTION.split(text)
        self._sections: dict[str, list[str]] = {
            name: _blocks(body) for name, body in zip(parts[1::2], parts[2::2])
        }

    def section(self, name: str, leaving_out: Sequence[str] = ()) -> str:
        """Return one section as the text of a requirements file."""
        kept = [block for block in self._sections[name] if _name(block) not in leaving_out]
        return "".join(kept)

    def block(self, section: str, name: str) -> str:
        """Return the one requirement called `name`, with its hashes."""
        for block in self._sections[section]:
            if _name(block) == name:
                return block
        raise Stop(f"{LOCK_NAME} has no {name} in its section {section}: run dev.py lock.")

    def version(self, section: str, name: str) -> str:
        """Return the version that `name` is pinned to."""
        match = _REQUIREMENT.match(self.block(section, name))
        assert match is not None
        return match["version"]


def read_lock(root: Path) -> Lock:
    """Read the lock of the checkout at `root`."""
    return Lock((root / LOCK_NAME).read_text(encoding="utf-8"))


def _blocks(body: str) -> list[str]:
    blocks: list[str] = []
    for line in body.splitlines(keepends=True)[1:]:
        if _REQUIREMENT.match(line):
            blocks.append(line)
        elif blocks and line.startswith(" "):
            blocks[-1] += line
    return blocks


def _name(block: str) -> str:
    match = _REQUIREMENT.match(block)
    assert match is not None
    return match["name"].lower()


def write_lock(root: Path) -> None:
    """Resolve pyproject.toml again and replace the lock; versions move to the newest allowed."""
    with tempfile.TemporaryDirectory(prefix="lamplight-lock-") as folder:
        work = Path(folder)
        # Outside the folder, so that it can still be read after a failure.
        tools = Venv(work / "tools", log=Path(tempfile.gettempdir()) / "lamplight-lock.log")
        with step("Fetching the resolver") as running:
            tools.create(Path(sys.executable), running)
            watch([tools.python, "-m", "pip", "install", "-q", _UV], tools.log, running.progress)
        with step("Resolving"):
            sections = _resolve(root, work, tools)
    text = _HEADER
    for name in (APP, STARTER, DEV, NATIVE_BUILD):
        text += f"\n# === {name}: {_ABOUT[name]}\n{sections[name]}"
    (root / LOCK_NAME).write_bytes(text.encode())


def _resolve(root: Path, work: Path, tools: Venv) -> dict[str, str]:
    # --no-config and no index in the output: what a machine is set up to use must not leak into
    # the file. The app section is resolved first and holds for the others.
    common = [
        tools.scripts / "uv", "pip", "compile", "--no-config", "--universal",
        "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-annotate",
        "--no-header", "--quiet",
    ]  # fmt: skip
    project = root / "pyproject.toml"
    app, starter = work / "app.txt", work / "starter.txt"
    dev, native = work / "dev.txt", work / "native.txt"
    starter_in = work / "starter.in"
    starter_in.write_text(_starter_requirement(project), encoding="utf-8")
    group = str(project) + ":"
    for arguments in (
        [project, "-o", app],
        [starter_in, "--no-deps", "-o", starter],
        ["--group", group + "dev", "-c", app, "-o", dev],
        ["--group", group + "native-build", "-c", app, "-o", native],
    ):
        watch([*common, *arguments], tools.log, lambda _line: None)
    known = {_name(block) for block in _blocks("\n" + app.read_text(encoding="utf-8"))}
    dev_blocks = _blocks("\n" + dev.read_text(encoding="utf-8"))
    return {
        APP: app.read_text(encoding="utf-8"),
        STARTER: starter.read_text(encoding="utf-8"),
        DEV: "".join(block for block in dev_blocks if _name(block) not in known),
        NATIVE_BUILD: native.read_text(encoding="utf-8"),
    }


def _starter_requirement(project: Path) -> str:
    # Python 3.8 to 3.10 have no tomllib, and the line is ours.
    match = re.search(r'^starter = \["([^"]+)"\]$', project.read_text(encoding="utf-8"), re.M)
    if match is None:
        raise Stop('pyproject.toml has no line starter = ["…"] any more.')
    return match.group(1) + "\n"
