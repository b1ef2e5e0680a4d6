"""From any JSON to values: never an error that is none of ours, never a path that leads away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import HubAnswerBroken
from app.domain.hub import Access
from app.hub.answers import details, is_safe_path, repo_list, summary

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = (
    "id sha gated downloads likes lastModified createdAt tags gguf cardData siblings pipeline_tag"
)
ANSWERS = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS.split(), JSON))


@given(st.lists(JSON | ANSWERS, max_size=3))
def test_a_list_of_anything_gives_rows(answer: list[Any]):
    for row in repo_list(answer, "hub"):
        assert row.repo_id
        assert row.downloads >= 0


@given(JSON | ANSWERS)
def test_details_of_anything_are_details_or_a_refusal(answer: Any):
    if isinstance(answer, dict):
        answer["sha"] = "a" * 40
    try:
        found = details(answer, "author/model", "hub")
    except HubAnswerBroken:
        return
    assert found.summary.updated >= 0


def test_a_list_that_is_none():
    with pytest.raises(HubAnswerBroken):
        repo_list({"error": "?"}, "hub")


def test_a_repository_without_a_commit_cannot_be_pinned():
    with pytest.raises(HubAnswerBroken):
        details({"id": "a/b", "sha": "main"}, "a/b", "hub")


@pytest.mark.parametrize(
    ("gated", "access"),
    [
        (False, Access.OPEN),
        (None, Access.OPEN),
        ("auto", Access.ON_REQUEST),
        ("manual", Access.ON_REQUEST),
        (True, Access.ON_REQUEST),
    ],
)
def test_who_may_download(gated: object, access: Access):
    assert summary({"id": "a/b", "gated": gated}).access is access


def test_the_licence_of_the_card_comes_before_the_tag():
    tagged = {"id": "a/b", "tags": ["license:mit"]}
    assert summary(tagged).licence == "mit"
    assert summary({**tagged, "cardData": {"license": "gemma"}}).licence == "gemma"


def test_the_true_size_stands_with_the_checksum_and_not_with_the_pointer():
    digest = "AB" * 32
    entry = {"rfilename": "m-Q4_0.gguf", "size": 134, "lfs": {"sha256": digest, "size": 5000}}
    found = details({"sha": "a" * 40, "siblings": [entry]}, "a/b", "hub")
    (file,) = found.variants[0].files
    assert (file.size_bytes, file.sha256) == (5000, digest.lower())


@pytest.mark.parametrize("path", ["m.gguf", "Q4_0/m-Q4_0-00001-of-00002.gguf", "größe.gguf"])
def test_paths_that_stay_below(path: str):
    assert is_safe_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "../m.gguf",
        "/etc/m.gguf",
        "a//m.gguf",
        "a/./m.gguf",
        "C:/m.gguf",
        "a\\m.gguf",
        ".downloads/m.gguf",
        "con.gguf",
        "a/NUL/m.gguf",
        "m.gguf ",
        "m.gguf:stream",
        "m\n.gguf",
        "",
        "x" * 300 + ".gguf",
    ],
)
def test_paths_that_lead_away_or_that_some_system_cannot_hold(path: str):
    assert not is_safe_path(path)
    entry = {"rfilename": path, "size": 5}
    found = details({"sha": "a" * 40, "siblings": [entry]}, "a/b", "hub")
    assert found.variants == ()
