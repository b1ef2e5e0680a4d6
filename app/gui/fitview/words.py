"""The sentences of the fit panel."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.fit import Fit, Verdict
from app.gui import fit_words
from app.gui.fitview.places import MODEL_PARTS, Part, Place
from app.gui.wording import size_text

TOGETHER = "Together"


def sentence(fit: Fit, places: Sequence[Place], largest: int) -> str:
    """Whether it fits, with graphics processors where their part of it is short."""
    if len(places) == 1:
        return fit_words.sentence(fit, largest)
    needed = f"about {size_text(sum(place.needed_bytes for place in places))}"
    match fit.verdict:
        case Verdict.FITS:
            return f"Takes {needed} in all, and fits."
        case Verdict.TIGHT:
            return f"Takes {needed} in all: little is left for other programs."
        case Verdict.TOO_LARGE:
            short = next(place for place in places if place.verdict is Verdict.TOO_LARGE)
            there, free = size_text(short.needed_bytes), size_text(short.free_bytes)
            return f"Needs about {there} of {short.name}, and {free} are free."


def layers(places: Sequence[Place]) -> str:
    """How many layers graphics processors compute; empty where there are none."""
    if len(places) == 1:
        return ""
    every = sum(place.layers for place in places)
    there = sum(place.layers for place in places[1:])
    where = "the graphics processor" if len(places) == 2 else "the graphics processors"
    if there == every:
        return f"All {every} layers on {where}."
    return f"{there} of {every} layers on {where}, the others on the processor."


def longest(largest: int, trained: int) -> str:
    """Which contexts fit."""
    if not largest:
        return "Not even a short context fits."
    if trained and largest >= trained:
        return f"All {trained:,} tokens that the model knows would fit."
    return f"At most {largest:,} tokens fit."


def caption(place: Place) -> str:
    """What a device has: `5.2 GB of 18.0 GB free`."""
    if place.verdict is Verdict.TOO_LARGE:
        return f"needs {size_text(place.needed_bytes)}, {size_text(place.free_bytes)} free"
    return f"{size_text(place.needed_bytes)} of {size_text(place.free_bytes)} free"


def spoken(place: Place) -> str:
    """The bar of a device, for screen readers."""
    parts = [f"{part}: {size_text(nbytes)}" for part, nbytes in place.parts.items() if nbytes]
    return f"{', '.join(parts)}."


def caption_tone(place: Place) -> str:
    """How loud it is."""
    return {Verdict.TIGHT: "warning", Verdict.TOO_LARGE: "danger"}.get(place.verdict, "muted")


def columns(places: Sequence[Place]) -> tuple[str, ...]:
    """The headings of the account; none where there is one column."""
    return ("Memory", "Graphics") if len(places) > 1 else ()


def account(places: Sequence[Place]) -> list[tuple[str, tuple[str, ...]]]:
    """Its rows: a `Part` or `TOGETHER`, then what it comes to of the memory, and of all graphics
    processors together. What the model takes nowhere is left out."""
    groups = (places[:1], places[1:]) if len(places) > 1 else (places,)

    def row(part: Part) -> tuple[str, tuple[str, ...]]:
        sums = (sum(place.parts[part] for place in group) for group in groups)
        return part, tuple(size_text(nbytes) if nbytes else "none" for nbytes in sums)

    taken = [part for part in MODEL_PARTS if any(place.parts[part] for place in places)]
    together = tuple(size_text(sum(p.needed_bytes for p in group)) for group in groups)
    return [
        *(row(part) for part in taken),
        (TOGETHER, together),
        *(row(part) for part in (Part.FREE, Part.OTHERS)),
    ]
