"""dev.py test: which part of the suite the named paths belong to, and what the verdict is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev_tools import suite

if TYPE_CHECKING:
    from pathlib import Path

UNIT, WINDOW = suite._PARTS


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with tests/unit/store and tests/gui, but no tests/e2e."""
    for folder in ("unit/store", "gui"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
    return tmp_path


def test_without_paths_every_part_runs_what_is_there(tree: Path) -> None:
    assert suite._paths_of(tree, UNIT, []) == ["tests/unit"]
    assert suite._paths_of(tree, WINDOW, []) == ["tests/gui"]


def test_a_path_goes_to_its_part(tree: Path) -> None:
    assert suite._paths_of(tree, UNIT, ["tests/unit/store"]) == ["tests/unit/store"]
    assert suite._paths_of(tree, WINDOW, ["tests/unit/store"]) == []


def test_a_folder_above_means_each_part_of_it(tree: Path) -> None:
    assert suite._paths_of(tree, UNIT, ["tests"]) == ["tests/unit"]
    assert suite._paths_of(tree, WINDOW, ["tests"]) == ["tests/gui"]


def test_a_test_inside_a_file_goes_to_its_part(tree: Path) -> None:
    named = ["tests/gui/test_window.py::test_opens"]
    assert suite._paths_of(tree, WINDOW, named) == named


def test_options_and_their_values_are_no_paths(tree: Path) -> None:
    arguments = ["-k", "tests", "-x", "tests/unit", "--maxfail", "3"]
    assert suite._split(tree, arguments) == (
        ["-k", "tests", "-x", "--maxfail", "3"],
        ["tests/unit"],
    )


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([0, 5], 0), ([5, 5], 5), ([5, 1], 1), ([], 5)],
)
def test_any_failure_fails_the_whole(statuses: list[int], verdict: int) -> None:
    outcomes = [("a part", status, 1.0) for status in statuses]
    assert suite._verdict(outcomes) == verdict
