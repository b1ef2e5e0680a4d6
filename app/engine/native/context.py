"""A context: the cache of what was read, and the computation of the next token."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.engine.native.abort import ABORT_CALLBACK, AbortFlag
from app.engine.native.bindings import lib
from app.engine.native.weights import NativeRefusal, Weights

BATCH = 512
"""Tokens that can be read in one call; llama.cpp's own default for one pass over the weights."""

_FLASH_ATTENTION_AUTO = -1

DONE = 0
NO_ROOM = 1
ABORTED = 2


class Context:
    """One sequence of tokens. `close` frees it, before its weights are closed."""

    def __init__(self, weights: Weights, length: int, threads: int) -> None:
        """Allocate cache and buffers; raises `NativeRefusal`. `threads` from 1 to 512."""
        params = lib.llama_context_default_params()
        params.n_ctx = length
        params.n_batch = BATCH
        params.n_ubatch = BATCH
        params.n_seq_max = 1
        # Room for the logits of the last token only: for all of a batch it takes up to 500 MB
        # (512 tokens of a large vocabulary), and nobody asks for them.
        params.n_outputs_max = params.n_seq_max
        params.n_threads = threads
        params.n_threads_batch = threads
        params.flash_attn_type = _FLASH_ATTENTION_AUTO
        # The full cache takes five times the memory on models with a sliding window; its use,
        # taking up any prefix again, is not worth that.
        params.swa_full = False
        params.no_perf = True
        self._pointer: int | None = lib.llama_init_from_model(weights.pointer, params)
        if not self._pointer:
            raise NativeRefusal("llama_init_from_model")
        self.length = int(lib.llama_n_ctx(self._pointer))
        self._memory = lib.llama_get_memory(self._pointer)
        self._window = weights.window
        self._vocabulary_size = weights.vocabulary.size
        self._tokens = (lib.llama_token * BATCH)()
        # Position, sequence and outputs left out: they follow from the memory, and only the
        # last token's logits are wanted. Nothing is allocated from here on.
        self._batch = lib.llama_batch_get_one(self._tokens, 1)
        self._flag = AbortFlag()
        self._logits_at = 0
        self._logits: npt.NDArray[np.float32] = np.empty(0, dtype=np.float32)

    @property
    def pointer(self) -> int:
        """For a sampler; not to be kept."""
        if not self._pointer:
            raise RuntimeError("the context is freed")
        return self._pointer

    def close(self) -> None:
        """Free the memory; may be called again."""
        if self._pointer:
            lib.llama_free(self._pointer)
            self._pointer = None

    def obey(self, flag: AbortFlag) -> None:
        """Let `flag` stop the calls from now on (on the CPU; elsewhere between slices only)."""
        self._flag = flag
        lib.llama_set_abort_callback(self._pointer, ABORT_CALLBACK, flag.address)

    @property
    def pooling(self) -> int:
        """0 or less: none, as for a model that writes."""
        return int(lib.llama_pooling_type(self._pointer))

    def read(self, tokens: Sequence[int]) -> int:
        """Read at most `BATCH` tokens after those in the cache; `DONE`, `NO_ROOM` or `ABORTED`.

        Below 0 llama.cpp failed.
        """
        count = len(tokens)
        self._tokens[:count] = tokens
        self._batch.n_tokens = count
        return lib.llama_decode(self._pointer, self._batch)

    def read_one(self, token: int) -> int:
        """The same for a single token, without a detour."""
        self._tokens[0] = token
        self._batch.n_tokens = 1
        return lib.llama_decode(self._pointer, self._batch)

    def logits_are_sound(self) -> bool:
        """Whether the last token's logits have a finite greatest value (not-a-number spreads)."""
        address = ctypes.cast(lib.llama_get_logits_ith(self._pointer, -1), ctypes.c_void_p).value
        if not address:
            return False
        if address != self._logits_at:
            # The address stays the same while the context does not grow its output buffer.
            floats = (ctypes.c_float * self._vocabulary_size).from_address(address)
            self._logits = np.ctypeslib.as_array(floats)
            self._logits_at = address
        return math.isfinite(float(self._logits.max()))

    def used(self) -> int:
        """Tokens in the cache."""
        return int(lib.llama_memory_seq_pos_max(self._memory, 0)) + 1

    def keep(self, count: int) -> int:
        """Drop all but the first `count` tokens; how many are left, 0 where that is not possible.

        A recurrent model cannot step back, and a sliding window may have forgotten what the
        tokens before `count` need.
        """
        if count >= self.used():
            return self.used()
        first = int(lib.llama_memory_seq_pos_min(self._memory, 0))
        reachable = count > 0 and first <= max(0, count - self._window)
        if reachable and lib.llama_memory_seq_rm(self._memory, 0, count, -1):
            return count
        self.clear()
        return 0

    def clear(self) -> None:
        """Forget everything."""
        lib.llama_memory_clear(self._memory, False)
