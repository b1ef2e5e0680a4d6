"""The library in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domain.library import (
    Imported,
    LibrarySpace,
    ModelFolder,
    Origin,
    Refusal,
    Verdict,
    Verification,
    WorkProgress,
)
from app.gui.library import words
from app.gui.library.acts import Act, possible
from tests.helpers.gui_library import GB, library_entry, refused_file

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR_AGO = int(NOW.timestamp() * 1000) - 3_600_000
OWN = library_entry("Qwen3 8B")
THEIRS = library_entry("Llama", origin=Origin.OLLAMA, source="llama3.2:3b")


def test_a_row_says_what_and_whose() -> None:
    assert words.facts_line(OWN) == "qwen3 · 8.2B · Q4_K_M · 32k context · 4.7 GB · Lamplight"
    assert words.facts_line(THEIRS).endswith("Ollama, used in place")


def test_a_row_is_spoken_with_its_marks() -> None:
    entry = replace(OWN, is_favourite=True, last_used=HOUR_AGO)
    assert words.spoken(entry, ("in memory",), NOW) == (
        "Qwen3 8B, favourite, in memory, qwen3, 8.2B, Q4_K_M, 32k context, 4.7 GB, Lamplight, "
        "chat, last used 11:00"
    )


def test_facts_leave_out_what_is_not_known() -> None:
    facts = dict(words.fact_rows(OWN, NOW))
    assert facts["Context"] == "32,768 tokens"
    assert facts["Last used"] == "never"
    assert not {"Licence", "SHA-256", "Copies", "Vision file", "Source"} & set(facts)


def test_parts_and_projector_are_counted() -> None:
    facts = replace(OWN.model.facts, shards=3)
    entry = replace(OWN, model=replace(OWN.model, facts=facts), projector="/m/mmproj.gguf")
    assert dict(words.fact_rows(entry, NOW))["Size"] == "4.7 GB (3 parts, with vision)"


@pytest.mark.parametrize(
    ("origin", "source", "address"),
    [
        (Origin.OWN, "bartowski/Q-GGUF", "https://huggingface.co/bartowski/Q-GGUF"),
        (Origin.OLLAMA, "llama3.2:3b", "https://ollama.com/library/llama3.2"),
        (Origin.OLLAMA, "ada/mine:latest", "https://ollama.com/ada/mine"),
        (Origin.OLLAMA, "hf.co/bartowski/Q-GGUF:Q4_K_M", "https://huggingface.co/bartowski/Q-GGUF"),
        (Origin.OWN, "", ""),
        (Origin.OLLAMA, "", ""),
        (Origin.JAN, "somewhere", ""),
    ],
)
def test_the_page_it_comes_from(origin: Origin, source: str, address: str) -> None:
    assert words.source_address(replace(OWN, origin=origin, source=source)) == address


def test_only_what_is_ours_can_go_to_the_trash() -> None:
    for origin in Origin:
        for row in (replace(OWN, origin=origin), refused_file("x", Refusal.DAMAGED, origin=origin)):
            assert (Act.TRASH in possible(row)) == (origin is Origin.OWN)
            assert bool(words.why_kept(row)) == (origin is not Origin.OWN)


def test_why_it_stays_names_where_it_can_be_removed() -> None:
    assert words.why_kept(THEIRS).endswith("run: ollama rm llama3.2:3b")
    assert "LM Studio" in words.why_kept(replace(OWN, origin=Origin.LM_STUDIO))


def test_what_cannot_answer_is_not_offered_for_it() -> None:
    assert Act.USE in possible(OWN)
    assert Act.USE not in possible(replace(OWN, capabilities=frozenset()))


def test_the_trash_question_names_what_goes() -> None:
    several = replace(OWN, files=("a", "b"))
    assert words.trash_question(several).startswith("“Qwen3 8B” (4.7 GB, 2 files) goes to your")
    assert words.trash_question(OWN, loaded=True).endswith("is unloaded first.")
    assert "“x.gguf” (1.2 GB)" in words.trash_question(refused_file("x.gguf", Refusal.DAMAGED))


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.SOUND, "is what was promised by the hub"),
        (Verdict.RECORDED, "No checksum was known"),
        (Verdict.CHANGED, "It concerns b.gguf. Fetch it again"),
    ],
)
def test_how_a_verification_ended(verdict: Verdict, said: str) -> None:
    found = Verification("/m", verdict, "0" * 64, "the hub", ("b.gguf",))
    assert said in words.verified_sentence(found)


def test_the_foot_gives_way_without_losing_the_free_space() -> None:
    mixed = words.space_texts(2, LibrarySpace(5 * GB, 3 * GB, 100 * GB))
    assert mixed == (
        "2 models · 8.0 GB, of which 3.0 GB used in place · 100 GB free on the disk",
        "2 models · 8.0 GB · 100 GB free",
        "8.0 GB · 100 GB free",
    )
    assert words.space_texts(0, LibrarySpace(0, 0, 0))[0] == "No models"
    assert words.space_texts(1, LibrarySpace(0, 3 * GB, 0))[0] == "1 model · 3.0 GB"


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        (ModelFolder("/m", Origin.OWN, True, True, 3, 12 * GB, 1), "3 models · 12.0 GB · 1 unus"),
        (ModelFolder("/m", Origin.JAN, True, False), "not found"),
        (ModelFolder("/m", Origin.CHOSEN, True, False), "not there now"),
        (ModelFolder("/m", Origin.JAN, False), "not looked at"),
        (ModelFolder("/m", Origin.JAN, True), "no models"),
        (ModelFolder("/m", Origin.JAN, True, True, 1, GB), "1 model · 1.0 GB"),
    ],
)
def test_what_a_folder_has(folder: ModelFolder, said: str) -> None:
    assert words.folder_text(folder).startswith(said)


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (Imported(("a",)), "One model was added."),
        (Imported(("a", "b"), (), ("c",)), "2 models were added. One was there already."),
        (Imported((), (), ("c",)), "It is in the library already."),
        (Imported((), (), ("c", "d")), "All are in the library already."),
    ],
)
def test_what_came_of_adding(done: Imported, said: str) -> None:
    assert words.imported_sentence(done) == said


def test_progress_is_told_in_bytes() -> None:
    assert words.progress_text("Verifying", None) == "Verifying…"
    assert words.progress_text("Copying", WorkProgress(GB, 4 * GB)) == "Copying: 1.0 GB of 4.0 GB"
