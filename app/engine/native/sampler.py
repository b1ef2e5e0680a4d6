"""llama.cpp's native chain of samplers: which token comes next."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from app.domain.generation import Sampling
from app.engine.native.bindings import lib
from app.engine.native.context import Context

_PENALISED_TOKENS = 64
_SEEDS = 2**32 - 1
"""llama.cpp's seed has 32 bits, and its highest value means "draw one"."""


class Sampler:
    """A chain for one answer. `close` frees it."""

    def __init__(self, sampling: Sampling, vocabulary_size: int) -> None:
        self.seed = secrets.randbelow(_SEEDS) if sampling.seed is None else sampling.seed % _SEEDS
        params = lib.llama_sampler_chain_default_params()
        params.no_perf = True
        self._chain = lib.llama_sampler_chain_init(params)
        if sampling.repeat_penalty != 1.0:
            self._add(
                lib.llama_sampler_init_penalties(
                    vocabulary_size, _PENALISED_TOKENS, max(0.01, sampling.repeat_penalty), 0.0, 0.0
                )
            )
        if sampling.temperature <= 0:
            self._add(lib.llama_sampler_init_greedy())
        else:
            self._add_draw(sampling)

    def _add_draw(self, sampling: Sampling) -> None:
        if sampling.top_k > 0:
            self._add(lib.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            self._add(lib.llama_sampler_init_top_p(max(0.0, sampling.top_p), 1))
        if sampling.min_p > 0:
            self._add(lib.llama_sampler_init_min_p(sampling.min_p, 1))
        self._add(lib.llama_sampler_init_temp(sampling.temperature))
        self._add(lib.llama_sampler_init_dist(self.seed))

    def _add(self, sampler: int) -> None:
        # The chain owns and frees it.
        lib.llama_sampler_chain_add(self._chain, sampler)

    def saw(self, tokens: Sequence[int]) -> None:
        """Let the repetition penalty look at the end of the prompt."""
        for token in tokens[-_PENALISED_TOKENS:]:
            lib.llama_sampler_accept(self._chain, token)

    def next(self, context: Context) -> int:
        """Choose by the logits of the last token read; their soundness is the caller's to check."""
        return lib.llama_sampler_sample(self._chain, context.pointer, -1)

    def close(self) -> None:
        """Free the chain; may be called again."""
        if self._chain:
            lib.llama_sampler_free(self._chain)
            self._chain = None
