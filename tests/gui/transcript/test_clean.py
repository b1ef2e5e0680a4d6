"""What is let through to a text document."""

from __future__ import annotations

from app.gui.transcript import clean


def test_prose_loses_what_is_invisible() -> None:
    assert clean.prose("a\x00\x1b\u202e\u2066b\x85") == "ab"


def test_prose_keeps_one_block_one_block() -> None:
    assert clean.prose("a\nb\u2029c") == "a\u2028b\u2028c"


def test_code_keeps_every_place_and_shows_what_hides() -> None:
    source = "if x:\u202e\x00\n\ty\u2029"
    assert clean.code(source) == "if x:\ufffd\ufffd\n\ty "
    assert len(clean.code(source)) == len(source)


def test_lone_surrogates_can_be_encoded() -> None:
    assert clean.encodable("a\ud800b").encode() == "a\ufffdb".encode()
