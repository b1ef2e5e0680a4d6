"""`lamplight models list|import|verify|remove|duplicates`: the models on this computer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from app.cli.commands import (
    DONE,
    FAILED,
    FindDuplicates,
    ImportModels,
    ListModels,
    RemoveModel,
    VerifyModel,
)
from app.cli.output import Output
from app.cli.wording import size_text
from app.domain.errors import UsageError
from app.domain.library import (
    FileCopy,
    LibraryEntry,
    Origin,
    RefusedFile,
    Verdict,
    WorkProgress,
)
from app.services import Services

_ORIGINS: Final = {
    Origin.STARTER: "starter",
    Origin.OWN: "Lamplight",
    Origin.CHOSEN: "own folder",
    Origin.OPENED: "opened",
    Origin.HUGGING_FACE: "Hugging Face",
    Origin.LM_STUDIO: "LM Studio",
    Origin.OLLAMA: "Ollama",
    Origin.JAN: "Jan",
    Origin.GPT4ALL: "GPT4All",
    Origin.LLAMA_CPP: "llama.cpp",
}


async def list_models(command: ListModels, services: Services, output: Output) -> int:
    """One line each: name, what it is, whose it is; then what cannot be used, with the reason."""
    library = services.library
    await library.scan()
    if command.json:
        output.document(
            {
                "models": [_entry(entry) for entry in library.entries],
                "refused": [_refused(file) for file in library.refused],
            }
        )
        return DONE
    width = max((len(entry.name) for entry in library.entries), default=0)
    for entry in library.entries:
        facts = entry.model.facts
        can = ", ".join(sorted(entry.capabilities))
        output.line(
            f"{entry.name:<{width}}  {facts.quantisation or facts.architecture:<8}"
            f"  {size_text(entry.size_bytes):>9}  {_ORIGINS[entry.origin]:<12}  {can}"
        )
    for file in library.refused:
        output.line()
        output.line(f"{file.refusal.value}: {file.error.title} {file.error.detail}".rstrip())
        output.line(f"  {file.path}")
        output.line(f"  {file.error.remedy}")
    return DONE


async def import_models(command: ImportModels, services: Services, output: Output) -> int:
    """Add files; the paths of the models, and why others were not added."""
    library = services.library
    await library.scan()
    done = await library.import_paths(
        command.paths, command.way, _teller(output, as_json=command.json)
    )
    if command.json:
        output.json(
            {
                "type": "finished",
                "paths": list(done.paths),
                "already_there": list(done.already_there),
                "refused": [_refused(file) for file in done.refused],
            }
        )
    else:
        for path in (*done.paths, *done.already_there):
            output.line(path)
        for file in done.refused:
            output.error(file.error)
    return DONE if done.paths or done.already_there else FAILED


async def verify_model(command: VerifyModel, services: Services, output: Output) -> int:
    """Compare a model with its hash; a model that is another one than promised fails."""
    entry = await _find(command.model, services)
    found = await services.library.verify(entry.path, _teller(output, as_json=command.json))
    if command.json:
        output.json(
            {
                "type": "finished",
                "path": found.path,
                "verdict": found.verdict.value,
                "sha256": found.sha256,
                "expected_from": found.expected_from,
                "wrong_files": list(found.wrong_files),
            }
        )
    else:
        output.line(_VERDICTS[found.verdict].format(name=entry.name, who=found.expected_from))
    return FAILED if found.verdict is Verdict.CHANGED else DONE


_VERDICTS: Final = {
    Verdict.SOUND: "“{name}” is sound: it has the hash that {who} tells.",
    Verdict.CHANGED: "“{name}” is damaged or another file: it has not the hash that {who} tells. "
    "Download it again.",
    Verdict.RECORDED: "No hash was known of “{name}”. It is kept now, and the next check compares "
    "with it.",
}


async def remove_model(command: RemoveModel, services: Services, output: Output) -> int:
    """Put a model into the system's trash."""
    entry = await _find(command.model, services)
    path = command.model if os.path.isabs(command.model) else entry.path
    await services.library.remove(path)
    if command.json:
        output.document({"removed": path})
    else:
        output.line(f"“{entry.name}” is in the trash.")
    return DONE


async def find_duplicates(command: FindDuplicates, services: Services, output: Output) -> int:
    """The same content in several places, and what removing own copies would win."""
    await services.library.scan()
    found = await services.library.find_duplicates(_teller(output, as_json=command.json))
    if command.json:
        groups = [
            {
                "name": group.name,
                "sha256": group.sha256,
                "bytes": group.size_bytes,
                "copies": [_copy(copy) for copy in group.copies],
            }
            for group in found.groups
        ]
        reclaimable = found.reclaimable_bytes
        output.json({"type": "finished", "groups": groups, "reclaimable": reclaimable})
        return DONE
    for group in found.groups:
        output.line(f"{group.name}, {size_text(group.size_bytes)}")
        for copy in group.copies:
            output.line(f"  {_ORIGINS[copy.origin]:<12}  {copy.path}")
    if not found.groups:
        output.note("Nothing is there twice.")
    else:
        output.line()
        output.line(f"{size_text(found.reclaimable_bytes)} can be freed by removing own copies.")
    return DONE


async def _find(name: str, services: Services) -> LibraryEntry:
    """The model of this name, path, or beginning of a name."""
    await services.library.scan()
    entries = services.library.entries
    exact = services.library.entry(name)
    if exact is not None:
        return exact
    wanted = name.casefold()
    fitting = [entry for entry in entries if entry.name.casefold() == wanted] or [
        entry for entry in entries if entry.name.casefold().startswith(wanted)
    ]
    if len(fitting) == 1:
        return fitting[0]
    several = ", ".join(f"“{entry.name}”" for entry in fitting[:5])
    raise UsageError(
        f"Several models begin with “{name}”." if fitting else f"There is no model “{name}”.",
        several,
        "Write the whole name or the path of its file; “lamplight models list” tells them.",
    )


def _teller(output: Output, *, as_json: bool) -> Callable[[WorkProgress], None]:
    def told(progress: WorkProgress) -> None:
        if as_json:
            output.json(
                {"type": "progress", "done": progress.done_bytes, "total": progress.total_bytes}
            )
        else:
            done, total = size_text(progress.done_bytes), size_text(progress.total_bytes)
            output.status(f"{progress.name}  {done} of {total}")

    return told


def _entry(entry: LibraryEntry) -> dict[str, Any]:
    facts = entry.model.facts
    return {
        "name": entry.name,
        "path": entry.path,
        "files": list(entry.files),
        "bytes": entry.size_bytes,
        "origin": entry.origin.value,
        "source": entry.source,
        "architecture": facts.architecture,
        "parameters": facts.parameters,
        "quantisation": facts.quantisation,
        "context_length": facts.trained_context,
        "licence": entry.licence,
        "capabilities": sorted(entry.capabilities),
        "sha256": entry.sha256,
        "favourite": entry.is_favourite,
        "last_used": entry.last_used or None,
        "copies": [_copy(copy) for copy in entry.copies],
    }


def _copy(copy: FileCopy) -> dict[str, Any]:
    return {"path": copy.path, "origin": copy.origin.value, "removable": copy.is_own}


def _refused(file: RefusedFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "origin": file.origin.value,
        "refusal": file.refusal.value,
        "error": file.error.to_dict(),
    }
