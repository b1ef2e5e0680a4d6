"""Repositories as a hub tells of them, in memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from app.domain.errors import ModelFileError
from app.domain.fit import LayerShape, ModelShape
from app.domain.hub import Access, RepoDetails, RepoFile, RepoSummary, Variant
from app.domain.localmodel import FileBeginning, LocalModel
from app.domain.variants import grouped
from tests.helpers.gui_models import local_model

COMMIT = "c0ffee" + "0" * 34


def file_of(path: str, size: int) -> RepoFile:
    """A file whose hash is that of its name."""
    return RepoFile(path, size, hashlib.sha256(path.encode()).hexdigest())


def repo(
    repo_id: str,
    *files: tuple[str, int],
    parameters: int = 8_190_000_000,
    gated: bool = False,
    licence: str = "apache-2.0",
    downloads: int = 186_325,
    base_models: Sequence[str] = ("Qwen/Qwen3-8B",),
) -> RepoDetails:
    """With these files and sizes, as the hub would tell of it."""
    groups = grouped(file_of(path, size) for path, size in files)
    return RepoDetails(
        RepoSummary(
            repo_id,
            downloads=downloads,
            likes=412,
            updated=1_773_311_405_000,
            access=Access.ON_REQUEST if gated else Access.OPEN,
            licence=licence,
            task="text-generation",
            tags=("gguf", f"license:{licence}", "en", "de", "conversational"),
            parameters=parameters,
            architecture="qwen3",
        ),
        COMMIT,
        groups.variants,
        groups.projectors,
        groups.incomplete,
        tuple(base_models),
        ("en", "de"),
        created=1_772_352_000_000,
        context_length=40_960,
    )


def usual(repo_id: str, *quantisations: str, billions: float = 8.19) -> RepoDetails:
    """One file for each of these quantisations, of about the size that it would have."""
    name = repo_id.rpartition("/")[2].removesuffix("-GGUF")
    bits = {"Q2_K": 3.4, "Q3_K_M": 3.9, "Q4_0": 4.5, "Q4_K_S": 4.6, "Q4_K_M": 4.85, "Q5_K_M": 5.7}
    bits |= {"Q6_K": 6.6, "Q8_0": 8.5, "BF16": 16.0, "IQ4_XS": 4.3, "IQ2_M": 2.7}
    files = [
        (f"{name}-{label}.gguf", round(billions * 1e9 * bits[label] / 8)) for label in quantisations
    ]
    return repo(repo_id, *files, parameters=round(billions * 1e9))


def named(details: RepoDetails, quantisation: str) -> Variant:
    """The variant of a repository."""
    return next(each for each in details.variants if each.quantisation == quantisation)


class FakeHeaders:
    """Stands for the library that reads headers: each is that of a model of its file's size."""

    def __init__(self) -> None:
        self.read: list[str] = []
        """The first shard of each."""
        self.error: ModelFileError | None = None
        self.gate: asyncio.Event | None = None

    async def inspect_beginnings(self, shards: Sequence[FileBeginning]) -> LocalModel:
        self.read.append(shards[0].name)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        weights = sum(shard.size_bytes for shard in shards)
        layers = (LayerShape(1024, 1024, weights_bytes=weights // 36),) * 36
        shape = ModelShape(weights, layers, 40_960, 0, 151_936, 4096, 32, 4096, 12_288)
        return replace(local_model(shards[0].name, trained=40_960), shape=shape)
