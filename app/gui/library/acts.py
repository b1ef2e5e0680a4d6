"""What can be done with a row of the library, and how that is called; without Qt."""

from __future__ import annotations

from enum import StrEnum

from app.domain.library import LibraryEntry, Origin, RefusedFile


class Act(StrEnum):
    """Something a person can wish for one model; the value is what the button says."""

    USE = "Use"
    LOAD_SETTINGS = "Load settings…"
    MEASURE = "Measure…"
    QUANTISE = "Make smaller…"
    REVEAL = "Show in folder"
    VERIFY = "Verify"
    RENAME = "Rename…"
    COPY_PATH = "Copy path"
    FAVOURITE = "Favourite"
    FORGET = "Take out of the list"
    TRASH = "Move to trash…"


TIPS = {
    Act.USE: "Choose it and go to the conversation",
    Act.LOAD_SETTINGS: "How it is loaded",
    Act.MEASURE: "How fast it is on this computer",
    Act.QUANTISE: "Make a smaller file of it, at some loss of quality",
    Act.REVEAL: "Show the file where it lies",
    Act.VERIFY: "Compare the file with the checksum of what was published",
    Act.RENAME: "Show it under another name; the file keeps its own",
    Act.COPY_PATH: "Copy where the file lies",
    Act.FAVOURITE: "Favourites stand first",
    Act.FORGET: "The file stays where it is",
    Act.TRASH: "It can be brought back until the trash is emptied",
}

ICONS = {
    Act.LOAD_SETTINGS: "sliders-horizontal",
    Act.MEASURE: "gauge",
    Act.QUANTISE: "shrink",
    Act.REVEAL: "folder-open",
    Act.VERIFY: "shield-check",
    Act.RENAME: "pencil",
    Act.COPY_PATH: "copy",
    Act.FAVOURITE: "star",
    Act.FORGET: "x",
    Act.TRASH: "trash-2",
}


def possible(row: LibraryEntry | RefusedFile) -> tuple[Act, ...]:
    """What can be done with it, the most usual first."""
    if isinstance(row, RefusedFile):
        trash = (Act.TRASH,) if row.is_own else ()
        return (Act.REVEAL, Act.COPY_PATH, *trash)
    acts = [Act.USE, Act.LOAD_SETTINGS, Act.MEASURE, Act.QUANTISE] if row.can_chat else []
    acts += [Act.VERIFY, Act.RENAME, Act.REVEAL, Act.COPY_PATH, Act.FAVOURITE]
    if row.origin is Origin.OPENED:
        acts.append(Act.FORGET)
    if row.is_own:
        acts.append(Act.TRASH)
    return tuple(acts)
