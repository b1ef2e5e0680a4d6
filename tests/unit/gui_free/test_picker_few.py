"""Which of many models the popup of the model button lists."""

from __future__ import annotations

from dataclasses import replace

from app.domain.library import LibraryEntry
from app.domain.localmodel import LocalModel
from app.gui.picker.few import MOST, few
from tests.helpers.gui_library import library_entry

ENTRIES = [library_entry(f"Model {number:04}", last_used=number) for number in range(50)]


def listed(entries: list[LibraryEntry], *first: str) -> list[str]:
    models: list[LocalModel] = [entry.model for entry in entries]
    known = {entry.path: entry for entry in entries}
    return [model.label for model in few(models, first, known.get)]


def test_a_few_are_all_listed_in_their_order() -> None:
    assert listed(ENTRIES[:MOST]) == [entry.name for entry in ENTRIES[:MOST]]


def test_of_many_the_chosen_the_favourites_and_the_last_used_are() -> None:
    entries = [*ENTRIES]
    entries[7] = replace(entries[7], is_favourite=True)
    found = listed(entries, entries[3].path)
    assert len(found) == MOST
    assert found[:4] == ["Model 0003", "Model 0007", "Model 0049", "Model 0048"]


def test_what_the_library_does_not_know_yet_comes_last() -> None:
    models = [entry.model for entry in ENTRIES]
    assert few(models, (models[20].path,), lambda _: None)[0] is models[20]
