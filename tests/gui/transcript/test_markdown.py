"""Markdown to pieces: each construct, and what must never become anything but text."""

from __future__ import annotations

import pytest

from app.gui.transcript.markdown import (
    BULLET,
    DONE_TASK,
    LONGEST_INLINE,
    OPEN_TASK,
    Code,
    Piece,
    Place,
    Rule,
    Run,
    Table,
    Text,
    inline_runs,
    mend,
    plain_pieces,
    read_blocks,
)


def pieces(source: str) -> list[Piece]:
    return [piece for block in read_blocks(source, {}) for piece in block.pieces]


def test_paragraph_and_headings() -> None:
    assert pieces("# One\ntext\n\n### Three") == [
        Text("One", heading=1),
        Text("text"),
        Text("Three", heading=3),
    ]


def test_nested_lists_keep_depth_and_numbers() -> None:
    assert pieces("7. seven\n8. eight\n   - in\n") == [
        Text("seven", Place(1), marker="7.", tight=True),
        Text("eight", Place(1), marker="8.", tight=True),
        Text("in", Place(2), marker=BULLET, tight=True),
    ]


def test_second_paragraph_of_an_item_has_no_marker() -> None:
    assert pieces("- one\n\n  more") == [
        Text("one", Place(1), marker=BULLET),
        Text("more", Place(1)),
    ]


def test_code_in_a_list_item_keeps_its_place() -> None:
    assert pieces("1. do\n\n   ```sh\n   ls\n   ```") == [
        Text("do", Place(1), marker="1."),
        Code("ls\n", "sh", Place(1)),
    ]


def test_an_item_that_begins_with_code_keeps_its_marker() -> None:
    marker, code = pieces("- ```\n  x\n  ```")
    assert marker == Text("", Place(1), marker=BULLET, tight=True)
    assert code == Code("x\n", "", Place(1))


def test_tasks() -> None:
    markers = [
        piece.marker for piece in pieces("- [ ] a\n- [X] b\n- [y] c") if isinstance(piece, Text)
    ]
    assert markers == [OPEN_TASK, DONE_TASK, BULLET]


def test_quotes_know_what_is_around_them() -> None:
    assert pieces("> a\n>> b\n\n- > c") == [
        Text("a", Place(0, (0,))),
        Text("b", Place(0, (0, 0))),
        Text("", Place(1), marker=BULLET, tight=True),
        Text("c", Place(1, (1,))),
    ]


def test_table() -> None:
    (table,) = pieces("| a | b | c |\n|---|:-:|--:|\n| 1 | 2 |\n")
    assert table == Table(("a", "b", "c"), (("1", "2", ""),), ("left", "center", "right"))


def test_rule_and_indented_code() -> None:
    assert pieces("---\n\n    x = 1\n") == [Rule(), Code("x = 1\n")]


def test_html_is_text() -> None:
    source = '<script>alert(1)</script>\n\na <img src="file:///etc/passwd"> b'
    first, second = pieces(source)
    assert isinstance(first, Text)
    assert isinstance(second, Text)
    assert [run.text for run in inline_runs(second.content, {})] == [
        'a <img src="file:///etc/passwd"> b'
    ]


def test_runs_of_all_looks() -> None:
    assert inline_runs("a **b *c* ~~d~~** `e`", {}) == [
        Run("a "),
        Run("b ", bold=True),
        Run("c", bold=True, italic=True),
        Run(" ", bold=True),
        Run("d", bold=True, struck=True),
        Run(" "),
        Run("e", code=True),
    ]


def test_an_image_becomes_a_link() -> None:
    assert inline_runs("![a cat](https://example.com/c.png)", {}) == [
        Run("a cat", link="https://example.com/c.png")
    ]


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        r"\\\\host\share\x",
        "//host/share",
        "data:text/html,x",
        "ftp://example.com",
        "relative.html",
        "vbscript:x",
    ],
)
def test_other_links_are_text(target: str) -> None:
    for source in (f"[x]({target})", f"![x]({target})"):
        assert all(not run.link for run in inline_runs(source, {}))


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://toml.io.", "https://toml.io"),
        ("(https://en.example.org/wiki/A_(b))", "https://en.example.org/wiki/A_(b)"),
        ("https://a.example/?q=1&r=2, or", "https://a.example/?q=1&r=2"),
        ("[t](mailto:a@example.com)", "mailto:a@example.com"),
    ],
)
def test_web_and_mail_links(text: str, link: str) -> None:
    assert [run.link for run in inline_runs(text, {}) if run.link] == [link]


def test_references() -> None:
    found: dict[str, object] = {}
    read_blocks("[a]: https://example.com\n", found)
    assert inline_runs("[a]", found) == [Run("a", link="https://example.com")]


def test_a_very_long_paragraph_is_literal_and_loses_nothing() -> None:
    source = "**" + "word " * LONGEST_INLINE + "end"
    found = [piece for piece in pieces(source) if isinstance(piece, Text)]
    assert "".join(piece.content for piece in found) == source
    assert len(found) > 10
    assert all(piece.literal for piece in found)
    assert [piece.joined for piece in found] == [False] + [True] * (len(found) - 1)


@pytest.mark.parametrize(
    "source",
    [
        "> " * 100_000,
        "- " * 50_000,
        "[" * 50_000,
        "![" * 20_000,
        "*a " * 20_000,
        "`" * 20_000,
        "```" * 5_000 + "\n~~~\n```",
        "\x00\x01\u202e\ud800\ufdd0",
        "\t" * 10_000 + "x",
        "|" * 10_000 + "\n" + "|-" * 10_000,
    ],
)
def test_hostile_text_is_read(source: str) -> None:
    for piece in pieces(source):
        if isinstance(piece, Text) and not piece.literal:
            inline_runs(piece.content, {})


@pytest.mark.parametrize(
    ("open_", "shown"),
    [
        ("a **b", "a **b**"),
        ("a **b*", "a **b**"),
        ("a **", "a "),
        ("a `b", "a `b`"),
        ("a `", "a "),
        ("`**`", "`**`"),
        ("**a** b", "**a** b"),
    ],
)
def test_mend_closes_what_is_still_open(open_: str, shown: str) -> None:
    assert mend(open_).rstrip() == shown.rstrip()


def test_what_a_person_typed_stays_as_typed() -> None:
    assert plain_pieces("*a*  b\n  c\n\n```py\nx\n```\n# d") == [
        Text("*a*  b\n  c", literal=True),
        Code("x\n", "py"),
        Text("# d", literal=True),
    ]
