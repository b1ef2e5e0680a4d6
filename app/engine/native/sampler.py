"""llama.cpp's native chain of samplers: which token comes next."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from app.domain.answer_format import grammar_of
from app.domain.sampling import Link, Sampling, bounded, chain_of
from app.engine.native.bindings import lib
from app.engine.native.bond import Bond
from app.engine.native.context import Context
from app.engine.native.logits import Candidates, Logits, candidates, chosen, likeliest
from app.engine.native.weights import Vocabulary

_SEEDS = 2**32 - 1
"""llama.cpp's seed has 32 bits, and its highest value means "draw one"."""
_KEEP = 1
"""The least that a cut leaves."""
_MIROSTAT_TOKENS = 100
"""llama.cpp's own number of tokens for the estimate of Mirostat 1."""


class Sampler:
    """A chain for one answer. `close` frees it."""

    def __init__(self, sampling: Sampling, vocabulary: Vocabulary, context_length: int) -> None:
        """Raises `GrammarRefused`, and then nothing is left to free."""
        form = grammar_of(sampling)
        self._sampling = bounded(sampling)
        self._vocabulary = vocabulary
        self._context_length = context_length
        seed = self._sampling.seed
        self.seed = secrets.randbelow(_SEEDS) if seed is None else seed % _SEEDS
        self._links = chain_of(sampling)
        self._bond = None if form is None else Bond(form.gbnf, vocabulary)
        self._is_free: Callable[[], bool] = _never
        params = lib.llama_sampler_chain_default_params()
        params.no_perf = True
        self._chain: Any = lib.llama_sampler_chain_init(params)
        for link in self._links:
            # The chain owns and frees it.
            lib.llama_sampler_chain_add(self._chain, self._make(link))

    def unbound_while(self, is_free: Callable[[], bool]) -> None:
        """An answer format does not bind while this is true (the model still thinks)."""
        self._is_free = is_free

    def _make(self, link: Link) -> int:
        s = self._sampling
        makers: dict[Link, Callable[[], int]] = {
            Link.LOGIT_BIAS: self._logit_bias,
            Link.PENALTIES: self._penalties,
            Link.DRY: self._dry,
            Link.TOP_N_SIGMA: lambda: lib.llama_sampler_init_top_n_sigma(s.top_n_sigma),
            Link.TOP_K: lambda: lib.llama_sampler_init_top_k(s.top_k),
            Link.TYPICAL: lambda: lib.llama_sampler_init_typical(s.typical_p, _KEEP),
            Link.TOP_P: lambda: lib.llama_sampler_init_top_p(s.top_p, _KEEP),
            Link.MIN_P: lambda: lib.llama_sampler_init_min_p(s.min_p, _KEEP),
            Link.XTC: lambda: lib.llama_sampler_init_xtc(
                s.xtc_probability, s.xtc_threshold, _KEEP, self.seed
            ),
            Link.TEMPERATURE: lambda: lib.llama_sampler_init_temp_ext(
                s.temperature, s.temperature_range, s.temperature_exponent
            ),
            Link.MIROSTAT: self._mirostat,
            Link.GREEDY: lib.llama_sampler_init_greedy,
            Link.DRAW: lambda: lib.llama_sampler_init_dist(self.seed),
        }
        return makers[link]()

    def _logit_bias(self) -> int:
        biases: dict[int, float] = {}
        for text, bias in self._sampling.logit_bias:
            # A lone surrogate would end the process in the tokeniser.
            valid = text.encode("utf-8", "replace").decode("utf-8")
            for token in self._vocabulary.tokens_of(valid, special=False):
                biases[token] = bias
        entries = (lib.llama_logit_bias * len(biases))(*biases.items())
        # llama.cpp copies the entries.
        return lib.llama_sampler_init_logit_bias(self._vocabulary.size, len(biases), entries)

    def _penalties(self) -> int:
        s = self._sampling
        return lib.llama_sampler_init_penalties(
            self._vocabulary.size,
            s.penalty_tokens,
            s.repeat_penalty,
            s.frequency_penalty,
            s.presence_penalty,
        )

    def _dry(self) -> int:
        s = self._sampling
        breakers = [text.encode("utf-8", "replace") for text in s.dry_breakers]
        pointers = (ctypes.c_char_p * len(breakers))(*breakers)
        # llama.cpp copies the texts.
        return lib.llama_sampler_init_dry(
            self._vocabulary.pointer,
            s.dry_multiplier,
            s.dry_base,
            s.dry_allowed_length,
            self._dry_range,
            pointers,
            len(breakers),
        )

    @property
    def _dry_range(self) -> int:
        return min(self._sampling.dry_tokens or self._context_length, self._context_length)

    def _mirostat(self) -> int:
        s = self._sampling
        if s.mirostat == 1:
            return lib.llama_sampler_init_mirostat(
                self._vocabulary.size, self.seed, s.mirostat_tau, s.mirostat_eta, _MIROSTAT_TOKENS
            )
        return lib.llama_sampler_init_mirostat_v2(self.seed, s.mirostat_tau, s.mirostat_eta)

    def saw(self, tokens: Sequence[int]) -> None:
        """Let what looks back see the end of the prompt."""
        reach = 0
        if Link.PENALTIES in self._links:
            reach = self._sampling.penalty_tokens
        if Link.DRY in self._links:
            reach = max(reach, self._dry_range)
        for token in tokens[-reach:] if reach else ():
            lib.llama_sampler_accept(self._chain, token)

    def next(self, context: Context, row: int, logits: Logits) -> int:
        """Choose by `logits`, those of a row of the last computation; that they are sound is the
        caller's to check.

        Raises `GrammarRefused` where the answer format leaves no token.
        """
        if self._is_bound:
            return self._bound(logits)
        few = self._few(logits)
        if few is None:
            return lib.llama_sampler_sample(self._chain, context.pointer, row)
        return self._chosen(few)

    def next_of(self, logits: Logits) -> int:
        """The same by logits that were kept from an earlier computation."""
        if self._is_bound:
            return self._bound(logits)
        few = self._few(logits)
        return self._chosen(candidates(logits) if few is None else few)

    def _few(self, logits: Logits) -> Candidates | None:
        """Those of which the chain's first link leaves some, where that is known beforehand."""
        if self._links[0] is Link.TOP_K:
            return likeliest(logits, self._sampling.top_k)
        return likeliest(logits, 1) if self._links[0] is Link.GREEDY else None

    def _chosen(self, few: Candidates) -> int:
        token = chosen(self._chain, few)
        lib.llama_sampler_accept(self._chain, token)
        return token

    @property
    def _is_bound(self) -> bool:
        return self._bond is not None and not self._is_free()

    def _bound(self, logits: Logits) -> int:
        assert self._bond is not None
        return self._bond.choose(self._chain, logits)

    def close(self) -> None:
        """Free the chain; may be called again."""
        if self._chain:
            lib.llama_sampler_free(self._chain)
            self._chain = None
        if self._bond is not None:
            self._bond.close()


def _never() -> bool:
    return False
