"""A model file on this machine, as far as its header tells."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.domain.fit import ModelShape


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """What the header of a GGUF file says; 0 or empty where it says nothing."""

    architecture: str
    name: str
    file_bytes: int
    """Of all shards."""
    tensor_count: int
    parameters: int
    quantisation: str
    """As people write it: `Q4_K_M`, `F16`."""
    trained_context: int
    block_count: int
    embedding_length: int
    vocab_size: int
    chat_template: str
    shards: int = 1
    sampling: tuple[tuple[str, float], ...] = ()
    """What the maker recommends: fields of `Sampling` and their values."""


@dataclass(frozen=True, slots=True)
class ModelDefaults:
    """What whoever published or installed a model wants new conversations with it to start with."""

    system_prompt: str = ""
    sampling: tuple[tuple[str, float], ...] = ()
    """Fields of `Sampling` and their values."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that can be chosen for a chat."""

    path: str
    """Absolute; the first shard of a split model."""
    label: str
    """What the picker shows."""
    facts: GgufFacts
    read_only: bool = False
    """It stays in the list of models: nobody opened it, Lamplight found it."""
    is_starter: bool = False
    mtime_ns: int = 0
    """Of the first shard, when its header was read: a later time means another file."""
    shape: ModelShape | None = None
    """For the memory it takes; None where the header tells too little."""

    defaults: ModelDefaults = ModelDefaults()
    """What stands beside the file, in another application's own notes."""

    @property
    def advice(self) -> tuple[tuple[str, float], ...]:
        """How to sample, as it is recommended: by the file, then by what stands beside it."""
        return (*self.facts.sampling, *self.defaults.sampling)

    def read_again(self, found: LocalModel) -> LocalModel:
        """What was found in its file now, under the name by which it is known here."""
        return replace(
            found,
            label=self.label,
            read_only=self.read_only,
            is_starter=self.is_starter,
            defaults=self.defaults,
        )

    @property
    def short_label(self) -> str:
        """Where there is little room: the starter model without its explanation."""
        return self.label.partition(" (")[0] if self.is_starter else self.label


@dataclass(frozen=True, slots=True)
class FileBeginning:
    """The first bytes of a file that lies elsewhere."""

    name: str
    size_bytes: int
    """Of the whole file."""
    beginning: bytes


@dataclass(frozen=True, slots=True)
class BeginningTooShort:
    """The header of one of several files goes on beyond what was read of it."""

    number: int
    """Which file, counted from 0."""


STARTER_LABEL = "Starter model (tiny, to try the application)"
