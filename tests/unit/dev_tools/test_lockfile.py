"""The lock is whole, hashed, free of addresses, and says the same as pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import app
from dev_tools import lockfile
from dev_tools.console import Stop

ROOT = Path(__file__).resolve().parents[3]
LOCK = lockfile.read_lock(ROOT)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

_WANTED = {
    lockfile.APP: PROJECT["project"]["dependencies"],
    lockfile.STARTER: PROJECT["project"]["optional-dependencies"]["starter"],
    lockfile.DEV: PROJECT["dependency-groups"]["dev"],
    lockfile.NATIVE_BUILD: PROJECT["dependency-groups"]["native-build"],
}


@pytest.mark.parametrize(
    ("section", "requirement"),
    [(section, wanted) for section, list_ in _WANTED.items() for wanted in list_],
)
def test_the_lock_meets_pyproject(section: str, requirement: str) -> None:
    wanted = Requirement(requirement)
    version = LOCK.version(section, canonicalize_name(wanted.name))
    assert wanted.specifier.contains(version), f"{wanted} against {version}: run dev.py lock"


@pytest.mark.parametrize("section", list(_WANTED))
def test_every_requirement_is_pinned_and_hashed(section: str) -> None:
    text = LOCK.section(section)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all(re.match(r"[a-z0-9.-]+==", block) for block in blocks)
    assert all("--hash=sha256:" in block for block in blocks)


def test_no_address_is_in_the_lock() -> None:
    assert "://" not in LOCK.text
    assert "--index" not in LOCK.text
    assert "--find-links" not in LOCK.text


def test_llama_cpp_python_is_pinned_to_its_source_alone() -> None:
    assert LOCK.block(lockfile.APP, "llama-cpp-python").count("--hash=") == 1


def test_the_sections_cover_the_whole_file() -> None:
    lines = [line for line in LOCK.text.splitlines() if line and not line.startswith("#")]
    kept = "".join(LOCK.section(section) for section in _WANTED).splitlines()
    assert sorted(lines) == sorted(kept)


def test_a_requirement_can_be_left_out() -> None:
    assert "llama-cpp-python" not in LOCK.section(lockfile.APP, leaving_out=["llama-cpp-python"])


def test_an_unknown_requirement_is_a_sentence() -> None:
    with pytest.raises(Stop, match=r"has no nonsense in its section app"):
        LOCK.block(lockfile.APP, "nonsense")


def test_one_version_everywhere() -> None:
    assert PROJECT["project"]["version"] == app.__version__
