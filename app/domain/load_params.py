"""How a model is loaded: the values, their bounds, and what cannot go together.

None, and `AUTOMATIC` for the types of the cache, leave a choice to Lamplight; see
`app.domain.placement` for how it chooses. Names and defaults follow llama.cpp's
`llama_model_params` and `llama_context_params` (its include/llama.h), which checks few of them:
an unknown cache type ends the process, and so does an absurd number of threads.
"""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, fields, replace
from enum import StrEnum
from typing import Any, cast

from app.domain.described import setting
from app.domain.errors import LoadSettingsRefused
from app.domain.fit import CACHE_TYPES, ContextPlan, automatic_length, padded

AUTOMATIC = "automatic"
USUAL_MICRO_BATCH = 512
"""llama.cpp's own default."""
LONGEST_TEMPLATE = 4 * 1024 * 1024
"""Characters of a chat template that is given in place of the file's."""
MOST_ADAPTERS = 16
MOST_DEVICES = 16
"""llama.cpp's own limit of graphics processors in one build (GGML_MAX_DEVICES)."""
_PLAIN = frozenset({"f32", "f16", "bf16"})
_BLOCK = 32
"""Elements of a block of every type of cache that is not plain."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter: a file of small changes to the weights of one model family."""

    path: str
    scale: float = 1.0
    """How strongly it acts: 1 as it was trained, 0 not at all."""


class ThreadsFrom(StrEnum):
    """Who says how many threads compute for a model that leaves them automatic."""

    CORES = "cores"
    """Nobody: one fewer than the processor has cores."""
    MEASURED = "measured"
    """What was found to be fastest on this machine."""
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class AutomaticThreads:
    """The threads of a model that leaves them automatic."""

    count: int | None
    """None: it follows from the cores."""
    source: ThreadsFrom


@dataclass(frozen=True, slots=True)
class LoadParams:
    """How a model is loaded. A new value here is described, bounded and checked here only."""

    context_length: int | None = setting(
        None,
        "Context length",
        "How many tokens of the conversation the model can see. More takes more memory.",
        low=64,
        high=10_000_000,
    )
    """None: the trained length, at most 8,192, less where that does not fit."""
    gpu_layers: int | None = setting(
        None,
        "GPU layers",
        "How many layers a graphics processor computes; the others stay on the processor.",
        low=0,
        high=1024,
    )
    """None: as many as fit; 0: none. The output counts as a layer."""
    key_type: str = setting(
        AUTOMATIC,
        "Key cache",
        "How exactly the keys of the context are kept. Smaller types take less memory.",
        choices=(AUTOMATIC, *CACHE_TYPES),
    )
    value_type: str = setting(
        AUTOMATIC,
        "Value cache",
        "How exactly the values of the context are kept. Types below 16 bits need flash attention.",
        choices=(AUTOMATIC, *CACHE_TYPES),
    )
    threads: int | None = setting(
        None,
        "Threads for writing",
        "Processor cores that compute an answer. Left automatic, one core stays free, or as many "
        "are used as were measured to be fastest here.",
        low=1,
        high=512,
    )
    prompt_threads: int | None = setting(
        None,
        "Threads for reading",
        "Processor cores that read a prompt. Left automatic, as many as for writing.",
        low=1,
        high=512,
    )
    batch: int = setting(
        512,
        "Batch",
        "The most tokens of a prompt that are handed over at once.",
        low=128,
        high=8192,
    )
    """llama.cpp's n_batch."""
    micro_batch: int | None = setting(
        None,
        "Micro-batch",
        "The most tokens that are computed at once. More reads faster and takes more memory.",
        low=128,
        high=8192,
    )
    """llama.cpp's n_ubatch, never more than `batch`; None: `USUAL_MICRO_BATCH`, fewer where plain
    attention would take much for it."""
    flash_attention: str = setting(
        "auto",
        "Flash attention",
        "A way to compute that takes less memory. Left automatic, graphics processors use it; a "
        "processor does only where memory is short, as it writes long conversations more slowly.",
        choices=("auto", "on", "off"),
    )
    tensor_split: tuple[float, ...] = setting(
        (),
        "Split over devices",
        "The share of each graphics processor, as 3, 1. Left empty, by their free memory.",
        low=0,
        high=1000,
    )
    main_device: int | None = setting(
        None,
        "Only device",
        "Use this graphics processor alone; the first one is 0.",
        low=0,
        high=MOST_DEVICES - 1,
    )
    mmap: bool = setting(
        True,
        "Map the file",
        "Read the weights from the file as they are needed; the system may share and drop them.",
    )
    mlock: bool = setting(
        False,
        "Keep in memory",
        "Forbid the system to drop or swap the weights. May need a right that your account lacks.",
    )
    rope_scaling: str = setting(
        "file",
        "Position scaling",
        "How a context longer than the trained one is squeezed into what the model knows.",
        choices=("file", "none", "linear", "yarn"),
    )
    rope_factor: float = setting(
        0.0, "Scaling factor", "How many times longer than trained; 0: as the file says.",
        low=0, high=64,
    )  # fmt: skip
    rope_base: float = setting(
        0.0, "Position base", "The base frequency of the positions; 0: as the file says.",
        low=0, high=1e9,
    )  # fmt: skip
    full_window_cache: bool = setting(
        False,
        "Full window cache",
        "Keep the whole context for layers with a sliding window: more memory, and any earlier "
        "place of a conversation can be taken up again.",
    )
    adapters: tuple[Adapter, ...] = setting(
        (), "Adapters", "LoRA files that change how the model writes, each with its strength."
    )
    template: str = setting(
        "", "Chat template", "A Jinja template in place of the file's own; empty: the file's."
    )
    draft_path: str = setting(
        "",
        "Draft model",
        "A small model of the same family that guesses "
        "the next words, so that large ones write faster. The text stays the same; "
        "guessing rests where it does not pay.",
    )


def bounded(params: LoadParams) -> LoadParams:
    """The same with every number inside its bounds; what is no number becomes the default."""
    changes: dict[str, Any] = {}
    for field in fields(LoadParams):
        value = getattr(params, field.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            changes[field.name] = _within(field, value)
    if changes.get("micro_batch") is not None:
        changes["micro_batch"] = min(changes["micro_batch"], changes["batch"])
    split = tuple(_share(share) for share in params.tensor_split[:MOST_DEVICES])
    return replace(
        params,
        **changes,
        tensor_split=split if any(split) else (),
        adapters=tuple(
            replace(adapter, scale=_finite(adapter.scale, 1.0)) for adapter in params.adapters
        ),
    )


def settled_micro_batch(sound: LoadParams) -> int:
    """Tokens that are computed at once, with these parameters inside their bounds."""
    if sound.micro_batch is None:
        return min(USUAL_MICRO_BATCH, sound.batch)
    return sound.micro_batch


def _within(field: Field[Any], value: float) -> Any:
    low, high = field.metadata["low"], field.metadata["high"]
    if math.isnan(value):
        return field.default
    sound = min(max(value, low), high)
    return float(sound) if isinstance(field.default, float) else int(sound)


def _share(share: float) -> float:
    return min(max(_finite(share, 0.0), 0.0), 1000.0)


def _finite(value: float, default: float) -> float:
    return value if math.isfinite(value) else default


def check(params: LoadParams) -> None:
    """Raise `LoadSettingsRefused` for what llama.cpp would not survive or not do."""
    for field in fields(LoadParams):
        choices = field.metadata["choices"]
        if choices and getattr(params, field.name) not in choices:
            raise LoadSettingsRefused(
                f"The setting “{field.metadata['label']}” has no value "
                f"“{getattr(params, field.name)!s:.40}”.",
                f"It is one of: {', '.join(choices)}.",
                "Choose another value, or reset the model's settings.",
            )
    if params.flash_attention == "off" and not is_plain(params.value_type):
        raise LoadSettingsRefused(
            f"Values of type {params.value_type} need flash attention, which is off.",
            remedy="Let flash attention be automatic, or choose f16 for the value cache.",
        )
    if len(params.adapters) > MOST_ADAPTERS:
        raise LoadSettingsRefused(
            f"{len(params.adapters)} adapters are too many.",
            remedy=f"Use at most {MOST_ADAPTERS}.",
        )
    if len(params.template) > LONGEST_TEMPLATE:
        raise LoadSettingsRefused(
            "The chat template is too long.", remedy="Shorten it, or use the file's own."
        )


DRAFT_BATCH = 128
"""Tokens that a draft model reads at once: it reads in small slices, and takes less memory so."""


def draft_params(params: LoadParams, trained: int) -> LoadParams:
    """How the draft model of a model with these parameters is loaded: as that one, as far as it
    goes. It guesses only within the context that it was `trained` for (0: not known)."""
    length = params.context_length
    if length is not None and trained:
        length = min(length, trained)
    return LoadParams(
        context_length=length,
        gpu_layers=0 if params.gpu_layers == 0 else None,
        threads=params.threads,
        prompt_threads=params.prompt_threads,
        batch=DRAFT_BATCH,
        micro_batch=DRAFT_BATCH,
        flash_attention=params.flash_attention,
        tensor_split=params.tensor_split,
        main_device=params.main_device,
        mmap=params.mmap,
        mlock=params.mlock,
    )


def is_plain(cache_type: str) -> bool:
    """Whether a cache of this type needs nothing special of the model or of llama.cpp."""
    return cache_type in _PLAIN or cache_type == AUTOMATIC


def is_possible(cache_type: str, head_width: int) -> bool:
    """Whether heads of this width can be kept so: they must fill blocks."""
    return is_plain(cache_type) or (head_width > 0 and head_width % _BLOCK == 0)


def plan_of(params: LoadParams, trained: int) -> ContextPlan:
    """The context that these make; what is left automatic as an engine alone would choose it."""
    sound = bounded(params)
    return ContextPlan(
        context_length=padded(sound.context_length or automatic_length(trained)),
        key_type=_known(sound.key_type),
        value_type=_known(sound.value_type),
        batch=settled_micro_batch(sound),
        flash=sound.flash_attention != "off",
        full_window=sound.full_window_cache,
    )


def _known(cache_type: str) -> str:
    return cache_type if cache_type in CACHE_TYPES else "f16"


def load_params_from_dict(given: dict[str, Any]) -> LoadParams:
    """The inverse of `dataclasses.asdict`, also after a way through JSON.

    What this version does not know is left out, what is missing is default.
    """
    names = {field.name for field in fields(LoadParams)}
    known = {name: value for name, value in given.items() if name in names}
    if "tensor_split" in known:
        known["tensor_split"] = tuple(cast("list[float]", known["tensor_split"]))
    if "adapters" in known:
        adapters = cast("list[dict[str, Any]]", known["adapters"])
        known["adapters"] = tuple(Adapter(**adapter) for adapter in adapters)
    return LoadParams(**known)
