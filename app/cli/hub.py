"""`lamplight models` and `lamplight pull`: what the hub offers, and fetching it."""

from __future__ import annotations

import asyncio
from typing import Any

from app.cli.commands import DONE, Pull, SearchModels, ShowRepo
from app.cli.ollama import pull_from_ollama
from app.cli.output import Output
from app.cli.wording import size_text
from app.domain.errors import HubError, ModelFileError, TransferError
from app.domain.fit import Fit
from app.domain.hub import Access, RepoDetails, RepoSummary, Variant
from app.domain.repo_name import OllamaName
from app.domain.transfer import Transfer, TransferPhase
from app.services import Services

_WITHOUT_RESULT = (TransferPhase.FAILED, TransferPhase.PAUSED, TransferPhase.UNUSABLE)


async def search_models(command: SearchModels, services: Services, output: Output) -> int:
    """One line each: name, downloads, licence."""
    page = await services.hub.search(command.repo_query)
    if command.json:
        output.document([_summary(repo) for repo in page.repos])
        return DONE
    width = max((len(repo.repo_id) for repo in page.repos), default=0)
    for repo in page.repos:
        gated = "  (on request)" if repo.access is Access.ON_REQUEST else ""
        output.line(
            f"{repo.repo_id:<{width}}  {repo.downloads:>11,} downloads  {repo.licence}{gated}"
        )
    if not page.repos:
        output.note("Nothing was found.")
    return DONE


async def show_repo(command: ShowRepo, services: Services, output: Output) -> int:
    """The variants, and whether the named (or recommended) one fits into this machine."""
    details, chosen = await services.hub.find(command.name)
    fit = await _fit(services, details, chosen)
    if command.json:
        output.document(_details(details, chosen, fit))
        return DONE
    repo = details.summary
    output.line(repo.repo_id)
    output.line(f"licence {repo.licence or 'not told'}, {repo.downloads:,} downloads")
    if repo.access is Access.ON_REQUEST:
        output.line("An account is needed whose access was granted.")
    output.line()
    for variant in details.variants:
        mark = "*" if variant is chosen else " "
        name = variant.quantisation or variant.path
        output.line(f"{mark} {name:<12} {size_text(variant.size_bytes):>9}  {variant.quality}")
    if fit is not None:
        output.line()
        needed, free = size_text(fit.needed_bytes), size_text(fit.free_bytes)
        output.line(
            f"* takes about {needed} of {free} free memory with a context "
            f"of {fit.plan.context_length:,} tokens: {fit.verdict.value}"
        )
    return DONE


async def pull(command: Pull, services: Services, output: Output) -> int:
    """Download it, with its progress; raises what stopped it."""
    named = services.hub.read_name(command.name)
    if isinstance(named, OllamaName):
        return await pull_from_ollama(named.name, command, services, output)
    details, variant = await services.hub.find(command.name)
    transfer_id = await services.transfers.download(details, variant)
    try:
        async for transfer in services.transfers.follow(transfer_id):
            _tell(transfer, output, as_json=command.json)
            if transfer.phase in _WITHOUT_RESULT:
                raise transfer.error or TransferError("The download was paused.")
    except asyncio.CancelledError:
        output.note("What has come is kept; the same command goes on with it.")
        raise
    return DONE


def _tell(transfer: Transfer, output: Output, *, as_json: bool) -> None:
    finished = transfer.phase is TransferPhase.FINISHED
    if as_json:
        output.json(_event(transfer))
    elif finished:
        for path in transfer.paths:
            output.line(path)
    elif transfer.phase is TransferPhase.RETRYING and transfer.error is not None:
        output.status(f"{transfer.error.title} Trying again …")
    else:
        output.status(_progress(transfer))


def _progress(transfer: Transfer) -> str:
    total = transfer.request.total_bytes
    pieces = [
        transfer.request.title,
        f"{size_text(transfer.done_bytes)} of {size_text(total)}",
        f"{size_text(int(transfer.bytes_per_second))}/s",
    ]
    if transfer.seconds_left is not None:
        minutes, seconds = divmod(round(transfer.seconds_left), 60)
        pieces.append(f"{minutes}:{seconds:02} left")
    return "  ".join(pieces)


async def _fit(services: Services, details: RepoDetails, variant: Variant) -> Fit | None:
    """None where the file can't be looked into: that is no reason not to show the rest."""
    try:
        return services.fit.fit(await services.hub.look_into(details, variant))
    except (HubError, ModelFileError):
        return None


def _event(transfer: Transfer) -> dict[str, Any]:
    finished = transfer.phase is TransferPhase.FINISHED
    told: dict[str, Any] = {
        "type": "finished" if finished else "progress",
        "phase": transfer.phase.value,
        "done": transfer.done_bytes,
        "total": transfer.request.total_bytes,
        "bytes_per_second": round(transfer.bytes_per_second),
        "seconds_left": transfer.seconds_left,
    }
    if finished:
        told["paths"] = list(transfer.paths)
    if transfer.error is not None:
        told["error"] = transfer.error.to_dict()
    return told


def _summary(repo: RepoSummary) -> dict[str, Any]:
    return {
        "id": repo.repo_id,
        "downloads": repo.downloads,
        "likes": repo.likes,
        "licence": repo.licence,
        "access": repo.access.value,
        "parameters": repo.parameters,
        "architecture": repo.architecture,
    }


def _details(details: RepoDetails, chosen: Variant, fit: Fit | None) -> dict[str, Any]:
    return {
        **_summary(details.summary),
        "commit": details.commit,
        "variants": [
            {
                "quantisation": variant.quantisation,
                "bytes": variant.size_bytes,
                "files": [file.path for file in variant.files],
                "chosen": variant is chosen,
            }
            for variant in details.variants
        ],
        "projectors": [file.path for file in details.projectors],
        "fit": None
        if fit is None
        else {
            "verdict": fit.verdict.value,
            "needed": fit.needed_bytes,
            "free": fit.free_bytes,
            "context_length": fit.plan.context_length,
        },
    }
