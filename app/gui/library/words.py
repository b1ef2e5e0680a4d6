"""The library in words: rows, facts, and why something cannot be done; without Qt."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath

from app.domain.benchmark import BenchRecord
from app.domain.library import (
    Capability,
    FileCopy,
    Imported,
    LibraryEntry,
    LibrarySpace,
    ModelFolder,
    Origin,
    RefusedFile,
    Verdict,
    Verification,
    WorkProgress,
)
from app.gui.wording import parameters_text, rate_text, size_text, when_text

_NAMES = {
    Origin.STARTER: "Comes with Lamplight",
    Origin.OWN: "Lamplight",
    Origin.CHOSEN: "Your folders",
    Origin.OPENED: "Opened files",
    Origin.HUGGING_FACE: "Hugging Face cache",
    Origin.LM_STUDIO: "LM Studio",
    Origin.OLLAMA: "Ollama",
    Origin.JAN: "Jan",
    Origin.GPT4ALL: "GPT4All",
    Origin.LLAMA_CPP: "llama.cpp",
}
_REMOVED_THERE = {
    Origin.HUGGING_FACE: "To remove it, use the tool that fetched it.",
    Origin.LM_STUDIO: "To remove it, open My Models in LM Studio.",
    Origin.JAN: "To remove it, open the list of models in Jan's settings.",
    Origin.GPT4ALL: "To remove it, open the Models page of GPT4All.",
    Origin.LLAMA_CPP: "To remove it, delete the file in your file manager.",
}
_BADGES = (
    Capability.EMBEDDING,
    Capability.VISION,
    Capability.REASONING,
    Capability.TOOLS,
    Capability.CHAT,
)
"""The rarest first: where there is little room, the last ones go."""
_LICENCES = {"apache-2.0": "Apache 2.0", "mit": "MIT", "other": "Of its own"}


def group_name(origin: Origin) -> str:
    """Whose files they are."""
    return _NAMES[origin]


def origin_text(origin: Origin) -> str:
    """The same for a row: that other people's files are used where they lie is said."""
    if origin in (Origin.STARTER, Origin.OWN):
        return _NAMES[origin]
    place = {Origin.CHOSEN: "Your folder", Origin.OPENED: "Opened"}.get(origin, _NAMES[origin])
    return f"{place}, used in place"


def badges(entry: LibraryEntry) -> tuple[str, ...]:
    """What it can do."""
    return tuple(badge.value for badge in _BADGES if badge in entry.capabilities)


def context_text(tokens: int) -> str:
    """`32k`, as names of models have it: of 1,024."""
    if not tokens:
        return ""
    return f"{tokens // 1024}k" if tokens >= 1024 else str(tokens)


def facts_line(entry: LibraryEntry) -> str:
    """The second line of a row."""
    facts = entry.model.facts
    context = context_text(facts.trained_context)
    parts = (
        facts.architecture,
        parameters_text(facts.parameters) if facts.parameters else "",
        facts.quantisation,
        f"{context} context" if context else "",
        size_text(entry.size_bytes),
        origin_text(entry.origin),
    )
    return " · ".join(filter(None, parts))


def used_text(milliseconds: int, now: datetime) -> str:
    """When it was last loaded; empty where it never was."""
    return when_text(milliseconds, now) if milliseconds else ""


def spoken(entry: LibraryEntry, marks: tuple[str, ...], now: datetime) -> str:
    """A row as a sentence, for a screen reader and for the tip."""
    used = used_text(entry.last_used, now)
    parts = (
        entry.name,
        "favourite" if entry.is_favourite else "",
        *marks,
        facts_line(entry).replace(" · ", ", "),
        *badges(entry),
        f"last used {used}" if used else "",
    )
    return ", ".join(filter(None, parts))


def refused_line(file: RefusedFile) -> str:
    """The second line of a file that cannot be used."""
    size = size_text(file.size_bytes) if file.size_bytes else ""
    return " · ".join(filter(None, (file.error.title.rstrip("."), size, _NAMES[file.origin])))


def file_name(path: str) -> str:
    """The last part of a path."""
    return PurePath(path).name


# --------------------------------------------------------------------------------- details


def fact_rows(entry: LibraryEntry, now: datetime) -> list[tuple[str, str]]:
    """What is known of a model, as pairs of a name and a value; nothing that is not known."""
    facts = entry.model.facts
    shards = facts.shards
    files = f"{shards} parts" if shards > 1 else ""
    parts = ", ".join(filter(None, (files, "with vision" if entry.projector else "")))
    context = f"{facts.trained_context:,} tokens" if facts.trained_context else ""
    used, checked = used_text(entry.last_used, now), used_text(entry.verified, now)
    rows = (
        ("Architecture", facts.architecture),
        ("Parameters", parameters_text(facts.parameters) if facts.parameters else ""),
        ("Quantisation", facts.quantisation),
        ("Context", context),
        ("Size", size_text(entry.size_bytes) + (f" ({parts})" if parts else "")),
        ("Source", entry.source),
        ("Licence", _LICENCES.get(entry.licence, entry.licence)),
        ("From", origin_text(entry.origin)),
        ("Also called", ", ".join(entry.also_named)),
        ("File", entry.path),
        ("Vision file", entry.projector),
        ("Copies", "\n".join(copy_text(copy) for copy in entry.copies)),
        ("SHA-256", entry.sha256),
        ("Last used", used or "never"),
        ("Last verified", checked),
    )
    return [(name, value) for name, value in rows if value]


def copy_text(copy: FileCopy) -> str:
    """Another place of the same model."""
    return f"{copy.path} ({_NAMES[copy.origin]})"


def source_address(entry: LibraryEntry) -> str:
    """The page on which it was published; empty where that is not known."""
    if entry.origin is Origin.OLLAMA and not entry.source.startswith("hf.co/"):
        name = entry.source.partition(":")[0]
        if not name:
            return ""
        return f"https://ollama.com/{name if '/' in name else 'library/' + name}"
    repo = entry.source.removeprefix("hf.co/").partition(":")[0]
    return f"https://huggingface.co/{repo}" if repo.count("/") == 1 else ""


def why_kept(row: LibraryEntry | RefusedFile) -> str:
    """Why it cannot be removed here, and where it can; empty where it can."""
    match row.origin:
        case Origin.OWN:
            return ""
        case Origin.STARTER:
            return "It came with Lamplight and stays with it."
        case Origin.OPENED:
            return "It is used where it lies. Lamplight never changes it."
        case Origin.CHOSEN:
            return (
                "It lies in a folder that you added. Lamplight only looks there and never changes "
                "anything. To remove it, delete the file in your file manager."
            )
        case other:
            whose = f"It belongs to {_NAMES[other]}. Lamplight uses it where it lies and never "
            return f"{whose}changes it. {_removed_there(row)}"


def _removed_there(row: LibraryEntry | RefusedFile) -> str:
    if row.origin is Origin.OLLAMA:
        if isinstance(row, LibraryEntry) and row.source:
            return f"To remove it, open a terminal and run: ollama rm {row.source}"
        return "To remove it, use Ollama."
    return _REMOVED_THERE[row.origin]


def trash_question(row: LibraryEntry | RefusedFile, *, loaded: bool = False) -> str:
    """What is asked before something goes to the trash."""
    if isinstance(row, RefusedFile):
        what = f"“{file_name(row.path)}” ({size_text(row.size_bytes)})"
    else:
        count = len(row.files)
        parts = f", {count} files" if count > 1 else ""
        what = f"“{row.name}” ({size_text(row.size_bytes)}{parts})"
    memory = " It is in memory now and is unloaded first." if loaded else ""
    return (
        f"{what} goes to your system's trash. You can bring it back from there until the trash is "
        f"emptied; its space is free only then.{memory}"
    )


# ------------------------------------------------------------------------------- long work


def progress_text(title: str, progress: WorkProgress | None) -> str:
    """`Verifying “Qwen3 8B”: 1.2 GB of 4.7 GB`."""
    if progress is None or not progress.total_bytes:
        return f"{title}…"
    done, total = size_text(progress.done_bytes), size_text(progress.total_bytes)
    return f"{title}: {done} of {total}"


def verified_sentence(found: Verification) -> str:
    """What a comparison has shown."""
    match found.verdict:
        case Verdict.SOUND:
            by = f" by {found.expected_from}" if found.expected_from else ""
            return f"Verified: the file is what was promised{by}."
        case Verdict.RECORDED:
            return (
                "No checksum was known for this file. It is kept now, so the next check will show "
                "whether the file has changed since."
            )
        case Verdict.CHANGED:
            by = f" ({found.expected_from})" if found.expected_from else ""
            which = f" It concerns {', '.join(found.wrong_files)}." if found.wrong_files else ""
            return (
                f"This file is not what was promised{by}: it was damaged or replaced.{which} "
                "Fetch it again before you rely on it."
            )


# ----------------------------------------------------------------------------------- space


def space_texts(count: int, space: LibrarySpace) -> tuple[str, ...]:
    """The line at the foot, then shorter wordings of it for less room."""
    models = {0: "No models", 1: "1 model"}.get(count, f"{count:,} models")
    own, others = space.own_bytes, space.used_in_place_bytes
    taken = size_text(own + others) if own + others else ""
    whose = f"{taken}, of which {size_text(others)} used in place" if own and others else taken
    free = f"{size_text(space.free_bytes)} free" if space.free_bytes else ""
    on_disk = f"{free} on the disk" if free else ""
    wordings = ((models, whose, on_disk), (models, taken, free), (taken, free))
    return tuple(" · ".join(filter(None, parts)) for parts in wordings)


def folder_text(folder: ModelFolder) -> str:
    """What was found in a folder."""
    if not folder.is_there:
        return "not found" if folder.origin.is_application else "not there now"
    if not folder.is_looked_at:
        return "not looked at"
    models = "1 model" if folder.entries == 1 else f"{folder.entries:,} models"
    parts = [models, size_text(folder.size_bytes)] if folder.entries else ["no models"]
    if folder.refused:
        parts.append(f"{folder.refused:,} unusable")
    return " · ".join(parts)


def imported_sentence(done: Imported) -> str:
    """What came of adding files of which none was refused."""
    new, old = len(done.paths), len(done.already_there)
    if not new:
        return "It is in the library already." if old == 1 else "All are in the library already."
    added = "One model was added." if new == 1 else f"{new:,} models were added."
    there = {0: "", 1: " One was there already."}.get(old, f" {old:,} were there already.")
    return added + there


def speed_text(record: BenchRecord, now: datetime) -> str:
    """What the last measurement of a model has shown."""
    first = record.result.speeds[0]
    when = when_text(record.measured_at, now)
    return (
        f"Measured: writes {rate_text(first.decode_rate)}, reads "
        f"{rate_text(first.prompt_rate)} ({when})"
    )
