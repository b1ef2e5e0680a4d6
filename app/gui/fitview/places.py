"""What lies where: the figures behind the picture of the devices. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.fit import MEMORY, Fit, Share, Verdict, verdict_of
from app.domain.fit_inputs import FitInputs
from app.domain.placement import Device

MACHINE = "Memory"
"""What the machine's own memory is called."""


class Part(StrEnum):
    """What a device's memory goes to; the values are the words of the legend, in its order."""

    OTHERS = "Used by others"
    WEIGHTS = "Weights"
    CACHE = "Context"
    BUFFERS = "Buffers"
    FREE = "Left free"


MODEL_PARTS = (Part.WEIGHTS, Part.CACHE, Part.BUFFERS)
"""What the model takes."""


@dataclass(frozen=True, slots=True)
class Place:
    """One device's memory. Bytes."""

    name: str
    about: str
    """What it is; empty for the machine's own."""
    layers: int
    """Of the model that are computed there."""
    total_bytes: int
    free_bytes: int
    """Before the model is there."""
    parts: Mapping[Part, int]

    @property
    def needed_bytes(self) -> int:
        """All that the model takes there."""
        return sum(self.parts[part] for part in MODEL_PARTS)

    @property
    def verdict(self) -> Verdict:
        """Whether that fits."""
        return verdict_of(self.needed_bytes, self.free_bytes)


def places_of(inputs: FitInputs, fit: Fit) -> tuple[Place, ...]:
    """The machine's memory first, then each graphics processor that has layers."""
    if not fit.shares:
        return (_whole(inputs, fit),)
    known = {device.name: device for device in inputs.room.devices}
    return tuple(_place(share, inputs, known.get(share.place)) for share in fit.shares)


def _whole(inputs: FitInputs, fit: Fit) -> Place:
    sizes = fit.measured or fit.expected
    share = Share(
        MEMORY,
        len(inputs.shape.layers) + 1,
        sizes.weights_bytes,
        sizes.context_bytes,
        sizes.compute_bytes,
        fit.free_bytes,
    )
    return _place(share, inputs, None)


def _place(share: Share, inputs: FitInputs, device: Device | None) -> Place:
    total = device.total_bytes if device else inputs.memory_bytes
    total = max(total, share.free_bytes)
    parts = {
        Part.OTHERS: total - share.free_bytes,
        Part.WEIGHTS: share.weights_bytes,
        Part.CACHE: share.context_bytes,
        Part.BUFFERS: share.compute_bytes,
        Part.FREE: max(0, share.free_bytes - share.total_bytes),
    }
    name, about = (device.name, device.description) if device else (MACHINE, "")
    return Place(name, about, share.layers, total, share.free_bytes, parts)
