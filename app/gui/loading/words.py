"""Where a model's memory lies and what computes here, in words."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.fit import MEMORY, Fit, Share
from app.domain.load_params import AutomaticThreads, ThreadsFrom
from app.domain.placement import Device, DeviceKind
from app.gui.wording import size_text

_KINDS = {
    DeviceKind.PROCESSOR: "processor",
    DeviceKind.GRAPHICS: "graphics processor",
    DeviceKind.SHARED: "graphics processor in the machine's memory",
}


def parts(fit: Fit) -> str:
    """Where the memory goes: one line, or one for each place."""
    if fit.shares:
        lines = [_share(share) for share in fit.shares]
        if fit.draft_bytes:
            lines.append(f"Draft model: {size_text(fit.draft_bytes)}")
        return "\n".join(lines)
    expected, measured = fit.expected, fit.measured
    sizes = expected if measured is None else measured
    weights = "Weights" if measured is None else "Measured: weights"
    pieces = [
        f"{weights} {size_text(sizes.weights_bytes)}",
        f"context {size_text(sizes.context_bytes)}",
        f"buffers {size_text(sizes.compute_bytes)}",
    ]
    if fit.draft_bytes:
        pieces.append(f"draft model {size_text(fit.draft_bytes)}")
    return ", ".join(pieces) + "."


def _share(share: Share) -> str:
    where = "Machine's memory" if share.place == MEMORY else share.place
    layers = "1 layer" if share.layers == 1 else f"{share.layers} layers"
    needed, free = size_text(share.total_bytes), size_text(share.free_bytes)
    return f"{where}: {layers}, {needed} of {free} free"


def devices(found: Sequence[Device]) -> str:
    """A line for each: what it is and what is free there."""
    return "\n".join(_device(device) for device in found)


def _device(device: Device) -> str:
    what = f"{device.description} ({_KINDS[device.kind]})"
    if not device.total_bytes:
        return what
    return f"{what}: {size_text(device.free_bytes)} of {size_text(device.total_bytes)} free"


def threads(automatic: AutomaticThreads) -> str:
    """Where the automatic number of threads comes from; empty where the help says it."""
    match automatic.source:
        case ThreadsFrom.CORES:
            return ""
        case ThreadsFrom.MEASURED:
            return (
                f"Automatic is {automatic.count} here, for every model: that was measured to be "
                "fastest on this computer. “Reset to automatic” forgets the measurement."
            )
        case ThreadsFrom.SETTINGS:
            return f"Automatic is {automatic.count} here, as Lamplight's settings say."
