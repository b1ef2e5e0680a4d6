"""Addresses of hubs, and which of them may see a token."""

from __future__ import annotations

import pytest

from app.domain.errors import UsageError
from app.hub.endpoint import endpoint_at


def test_without_an_address_it_is_hugging_face():
    assert endpoint_at(" ").url == "https://huggingface.co"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://hf-mirror.example/", "https://hf-mirror.example"),
        ("mirror.example/hub", "https://mirror.example/hub"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_an_address_as_people_write_it(written: str, url: str):
    assert endpoint_at(written).url == url


@pytest.mark.parametrize(
    "written",
    [
        "ftp://x",
        "https://",
        "https://me:secret@x",
        "https://x?a=b",
        "https://x:port",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused(written: str):
    with pytest.raises(UsageError):
        endpoint_at(written)


@pytest.mark.parametrize(
    ("written", "may"),
    [
        ("https://mirror.example", True),
        ("http://mirror.example", False),
        ("http://localhost:1", True),
        ("http://127.0.0.1:1", True),
    ],
)
def test_a_token_is_not_sent_in_the_clear(written: str, may: bool):
    assert endpoint_at(written).may_see_token is may


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://x.example/a?b", True),
        ("https://X.example:443/a", True),
        ("http://x.example/a", False),
        ("https://x.example:444/a", False),
        ("https://cdn.x.example/a", False),
        ("https://x.example.evil.example/a", False),
    ],
)
def test_what_belongs_to_a_hub(url: str, same: bool):
    assert endpoint_at("https://x.example").is_origin_of(url) is same


def test_each_hub_has_a_secret_of_its_own():
    one, other = endpoint_at("https://x.example"), endpoint_at("https://y.example")
    assert one.secret_name != other.secret_name
    assert one.secret_name == endpoint_at("https://X.example:443/sub").secret_name
