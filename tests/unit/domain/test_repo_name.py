"""Names of models as people have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import UsageError
from app.domain.repo_name import (
    OllamaName,
    RepoName,
    is_address,
    parse_model_name,
    parse_repo_name,
)

MIRRORS = ("https://models.example.org:8443/hf", "http://127.0.0.1:5000")
FILE = RepoName("author/Model", path="Q4/m.gguf")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("author/Model-GGUF", RepoName("author/Model-GGUF")),
        (" author/Model:q4_k_m ", RepoName("author/Model", "Q4_K_M")),
        ("author/Model:UD-Q4_K_XL", RepoName("author/Model", "UD-Q4_K_XL")),
        ("author/Model:Q9_X", RepoName("author/Model", "Q9_X")),
        ("hf.co/author/Model:Q8_0", RepoName("author/Model", "Q8_0")),
        ("ollama run hf.co/author/Model:Q8_0", RepoName("author/Model", "Q8_0")),
        ("https://huggingface.co/author/Model/", RepoName("author/Model")),
        ("https://www.huggingface.co/author/Model?not=this#there", RepoName("author/Model")),
        ("https://huggingface.co/author/Model/tree/main", RepoName("author/Model")),
        ("https://huggingface.co/author/Model/tree/main/Q4", RepoName("author/Model")),
        ("https://huggingface.co/author/Model/blob/main/Q4/m.gguf?download=true", FILE),
        ("https://huggingface.co/author/Model/resolve/main/Q4/m.gguf?download=true", FILE),
        ("huggingface.co/author/Model/resolve/refs%2Fpr%2F1/Q4%2Fm.gguf", FILE),
        ("HTTPS://HuggingFace.co/author/Model/raw/main/Q4/m.gguf", FILE),
        ("https://huggingface.co/author/Model?show_file_info=Q4%2Fm.gguf", FILE),
        ("https://hf-mirror.com/author/Model/blob/main/Q4/m.gguf", FILE),
        ("https://models.example.org:8443/hf/author/Model/blob/main/Q4/m.gguf", FILE),
        ("http://127.0.0.1:5000/author/Model", RepoName("author/Model")),
        ("HF.co/a.b/c_d-e.1/resolve/main/m.gguf", RepoName("a.b/c_d-e.1", path="m.gguf")),
    ],
)
def test_what_is_a_name_of_the_hub(text: str, name: RepoName):
    assert parse_model_name(text, MIRRORS) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("llama3.2", "llama3.2"),
        ("llama3.2:3b", "llama3.2:3b"),
        ("qwen3:4b-instruct-2507-q4_K_M", "qwen3:4b-instruct-2507-q4_K_M"),
        ("library/llama3.2:3b", "llama3.2:3b"),
        ("someone/their-model:3b", "someone/their-model:3b"),
        ("someone/their-model:latest", "someone/their-model:latest"),
        ("ollama run llama3.2:3b", "llama3.2:3b"),
        (" ollama  pull  someone/their-model ", "someone/their-model"),
        ("https://ollama.com/library/llama3.2", "llama3.2"),
        ("https://ollama.com/library/llama3.2:3b", "llama3.2:3b"),
        ("https://ollama.com/library/llama3.2/tags", "llama3.2"),
        ("https://ollama.com/library/llama3.2:3b/blobs/dde5aa3fc5ff", "llama3.2:3b"),
        ("ollama.com/someone/their-model", "someone/their-model"),
        ("registry.ollama.ai/library/llama3.2:3b", "llama3.2:3b"),
    ],
)
def test_what_is_a_name_of_ollamas(text: str, name: str):
    assert parse_model_name(text, MIRRORS) == OllamaName(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b/c",
        "a b/c",
        "https://evil.example/a/b",
        "https://huggingface.co.evil.example/a/b",
        "https://huggingface.co/datasets/a/b",
        "https://huggingface.co/author",
        "https://ollama.com/library/",
        "ollama run",
        "ollama run /etc/passwd",
        "author/Model?x=1",
        "../a",
        "../../etc",
        "-x",
    ],
)
def test_what_is_none(text: str):
    with pytest.raises(UsageError) as caught:
        parse_model_name(text, MIRRORS)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "text", ["/home/me/m.gguf", "m.gguf", "~/models/m", r"C:\models\m.gguf", "./a/b"]
)
def test_a_path_is_told_to_be_one(text: str):
    with pytest.raises(UsageError) as caught:
        parse_model_name(text)
    assert "is a file" in caught.value.title


@pytest.mark.parametrize("text", ["model", "llama3.2:3b", "https://ollama.com/library/x"])
def test_where_only_a_repository_will_do(text: str):
    with pytest.raises(UsageError):
        parse_repo_name(text)


@given(st.text(max_size=60))
def test_anything_is_a_name_or_is_refused(text: str):
    try:
        found = parse_model_name(text, MIRRORS)
    except UsageError:
        return
    told = found.name if isinstance(found, OllamaName) else found.repo_id
    assert ".." not in told.split("/")
    assert not told.startswith("/")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("hf.co/a/b/resolve/main/m.gguf", True), ("https://x.org/m.gguf", True), ("a/m.gguf", False)],
)
def test_an_address_is_no_path(text: str, is_one: bool):
    assert is_address(text) is is_one
