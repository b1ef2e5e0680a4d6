"""`lamplight fit`: what a model takes of this machine, item by item."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.cli.commands import DONE, TellFit
from app.cli.output import Output
from app.cli.wording import size_text
from app.domain.errors import EngineError, ModelFileError
from app.domain.fit import MEMORY, Fit, Share
from app.domain.fit_inputs import FitInputs
from app.domain.load_params import LoadParams
from app.domain.localmodel import LocalModel
from app.domain.repo_name import OllamaName
from app.services import Services


async def tell_fit(command: TellFit, services: Services, output: Output) -> int:
    """Reads headers only; raises what stands in the way of that."""
    model = await _model(command, services)
    try:
        await services.fit.look_at_devices()
    except EngineError:
        output.note("The engine does not start, so graphics processors are left out.")
    wished = services.load_settings.effective(model.path)
    if command.context is not None:
        wished = replace(wished, context_length=command.context)
    await services.fit.look_at_draft(wished)
    inputs = services.fit.inputs(model, wished.draft_path)
    if inputs is None:
        raise ModelFileError(
            f"“{model.label}” does not say how much memory it takes.",
            remedy="Look at the size of its file: it takes at least as much.",
        )
    if command.json:
        output.document(_document(model, inputs, wished))
    else:
        _report(model, inputs, wished, output)
    return DONE


async def _model(command: TellFit, services: Services) -> LocalModel:
    if command.is_file:
        return await services.fit.look_at(command.model)
    named = services.hub.read_name(command.model)
    if isinstance(named, OllamaName):
        return await services.ollama.look_at(named.name)
    details, variant = await services.hub.find(command.model)
    return await services.hub.look_into(details, variant)


def _report(model: LocalModel, inputs: FitInputs, wished: LoadParams, output: Output) -> None:
    fit = inputs.fit(wished)
    plan, trained = fit.plan, inputs.trained_context
    output.line(f"{model.label} {model.facts.quantisation}".strip())
    known = f" of {trained:,} that it knows" if trained else ""
    kept = dict.fromkeys((plan.key_type, plan.value_type))
    output.line(f"context of {plan.context_length:,} tokens{known}, kept as {'/'.join(kept)}")
    output.line()
    for name, nbytes in _items(fit).items():
        output.line(f"{name:<10} {size_text(nbytes):>9}")
    output.line(f"{'together':<10} {size_text(fit.needed_bytes):>9}")
    output.line()
    for share in fit.shares:
        layers = "1 layer" if share.layers == 1 else f"{share.layers} layers"
        output.line(f"{_place(share)}: {layers}, {_against(share.total_bytes, share.free_bytes)}")
    if not fit.shares:
        output.line(f"memory: {_against(fit.needed_bytes, fit.free_bytes)}")
    output.line(f"it {_VERDICTS[fit.verdict]}; {_longest(inputs, wished)}")


_VERDICTS = {"fits": "fits", "tight": "fits, with little to spare", "too large": "does not fit"}


def _longest(inputs: FitInputs, wished: LoadParams) -> str:
    largest = inputs.largest_context(wished)
    return f"the longest context that fits: {largest:,} tokens" if largest else "no context fits"


def _items(fit: Fit) -> dict[str, int]:
    sizes = fit.measured or fit.expected
    items = {
        "weights": sizes.weights_bytes,
        "context": sizes.context_bytes,
        "buffers": sizes.compute_bytes,
        "draft": fit.draft_bytes,
    }
    return {name: nbytes for name, nbytes in items.items() if nbytes or name != "draft"}


def _place(share: Share) -> str:
    return "memory" if share.place == MEMORY else share.place


def _against(needed: int, free: int) -> str:
    return f"{size_text(needed)} of {size_text(free)} free"


def _document(model: LocalModel, inputs: FitInputs, wished: LoadParams) -> dict[str, Any]:
    fit = inputs.fit(wished)
    return {
        "name": model.label,
        "quantisation": model.facts.quantisation,
        "path": model.path,
        "verdict": fit.verdict.value,
        "context_length": fit.plan.context_length,
        "trained_context": inputs.trained_context,
        "largest_context": inputs.largest_context(wished),
        "key_type": fit.plan.key_type,
        "value_type": fit.plan.value_type,
        "measured": fit.measured is not None,
        "needed": fit.needed_bytes,
        "free": fit.free_bytes,
        **_items(fit),
        "places": [
            {
                "place": _place(share),
                "layers": share.layers,
                "weights": share.weights_bytes,
                "context": share.context_bytes,
                "buffers": share.compute_bytes,
                "free": share.free_bytes,
                "verdict": share.verdict.value,
            }
            for share in fit.shares
        ],
    }
