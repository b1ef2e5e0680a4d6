"""Names of models as people have them."""

from __future__ import annotations

import pytest

from app.domain.errors import UsageError
from app.domain.repo_name import RepoName, parse_repo_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("author/Model-GGUF", RepoName("author/Model-GGUF")),
        (" author/Model:q4_k_m ", RepoName("author/Model", "Q4_K_M")),
        ("hf.co/author/Model:Q8_0", RepoName("author/Model", "Q8_0")),
        ("https://huggingface.co/author/Model/", RepoName("author/Model")),
        ("https://huggingface.co/author/Model/tree/main", RepoName("author/Model")),
        (
            "https://huggingface.co/author/Model/blob/main/Q4/m.gguf?download=true",
            RepoName("author/Model", path="Q4/m.gguf"),
        ),
        ("HF.co/a.b/c_d-e.1/resolve/main/m.gguf", RepoName("a.b/c_d-e.1", path="m.gguf")),
    ],
)
def test_what_is_a_name(text: str, name: RepoName):
    assert parse_repo_name(text) == name


@pytest.mark.parametrize(
    "text",
    ["", "model", "llama3.2:3b", "a/b/c", "/home/me/m.gguf", "https://evil.example/a/b", "a b/c"],
)
def test_what_is_none(text: str):
    with pytest.raises(UsageError):
        parse_repo_name(text)
