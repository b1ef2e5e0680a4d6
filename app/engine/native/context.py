"""A context: the cache of what was read in several sequences, and the computation of next tokens.

All sequences share one pool of cells (llama.cpp's `kv_unified`), so that each may be as long as the
context, and two that begin alike share the cells of that beginning.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from app.domain.fit import DRAFTED, sequences_for
from app.domain.load_params import LoadParams, plan_of
from app.engine.native.abort import ABORT_CALLBACK, AbortFlag
from app.engine.native.bindings import lib
from app.engine.native.logits import Logits
from app.engine.native.weights import NativeRefusal, Weights

_FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}
"""llama.h, enum llama_flash_attn_type."""
_ROPE_SCALING = {"file": -1, "none": 0, "linear": 1, "yarn": 2}
"""llama.h, enum llama_rope_scaling_type."""
_CACHE_TYPES = {
    "f32": 0,
    "f16": 1,
    "q4_0": 2,
    "q4_1": 3,
    "q5_0": 6,
    "q5_1": 7,
    "q8_0": 8,
    "iq4_nl": 20,
    "bf16": 30,
}
"""ggml.h, enum ggml_type. Another number ends the process."""

DONE = 0
NO_ROOM = 1
ABORTED = 2


StateBytes = npt.NDArray[np.uint8]


class Context:
    """Some `sequences` of tokens. `close` frees it, before its weights are closed."""

    def __init__(self, weights: Weights, settled: LoadParams) -> None:
        """Allocate cache and buffers; raises `NativeRefusal`.

        `settled` has a number for the context length and the threads (see
        `app.engine.limits.settle`).
        """
        self.sequences = sequences_for(dear=weights.window > 0 or not weights.rewinds)
        params = _context_params(settled, self.sequences)
        self._pointer: int | None = lib.llama_init_from_model(weights.pointer, params)
        if not self._pointer:
            raise NativeRefusal("llama_init_from_model")
        self.length = int(lib.llama_n_ctx(self._pointer))
        self.batch = settled.batch
        """Rows that can be computed in one call."""
        self._use_adapters(weights.adapters)
        self.rewinds = weights.rewinds
        self.takes_back = weights.takes_back
        """Whether the last few tokens can always be dropped again."""
        self._memory = lib.llama_get_memory(self._pointer)
        self.can_shift = bool(weights.rewinds and lib.llama_memory_can_shift(self._memory))
        """Whether what was computed can move to earlier positions."""
        self._window = weights.window
        self._vocabulary_size = weights.vocabulary.size
        self._make_batch()
        self._flag = AbortFlag()
        self._logits: dict[int, Logits] = {}

    def _use_adapters(self, adapters: Sequence[tuple[Any, float]]) -> None:
        if adapters:
            count = len(adapters)
            pointers = (lib.llama_adapter_lora_p_ctypes * count)(*(p for p, _ in adapters))
            scales = (ctypes.c_float * count)(*(scale for _, scale in adapters))
            lib.llama_set_adapters_lora(self._pointer, pointers, count, scales)

    def _make_batch(self) -> None:
        """The rows of a computation; nothing is allocated for it from here on."""
        rows = self.batch
        self._tokens = (lib.llama_token * rows)()
        self._positions = (lib.llama_pos * rows)()
        self._counts = (ctypes.c_int32 * rows)(*([1] * rows))
        self._sequences = (ctypes.c_int32 * rows)()
        pointer = ctypes.POINTER(ctypes.c_int32)
        step = ctypes.sizeof(ctypes.c_int32)
        first = ctypes.addressof(self._sequences)
        self._sequence_pointers = (pointer * rows)(
            *(ctypes.cast(first + row * step, pointer) for row in range(rows))
        )
        self._wanted = (ctypes.c_int8 * rows)()
        self._batch = lib.llama_batch(
            0,
            self._tokens,
            None,
            self._positions,
            self._counts,
            self._sequence_pointers,
            self._wanted,
        )
        self._rows = 0

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

    # ------------------------------------------------------------------------- computation

    def begin(self) -> None:
        """A new batch, without rows."""
        self._rows = 0

    def add_token(self, token: int, position: int, sequence: int) -> int:
        """A row for the next token of a sequence, with logits; the number of the row."""
        row = self._rows
        self._tokens[row] = token
        self._positions[row] = position
        self._sequences[row] = sequence
        self._wanted[row] = 1
        self._rows = row + 1
        return row

    def add_slice(self, tokens: Sequence[int], position: int, sequence: int, last: bool) -> int:
        """Rows for these tokens from `position` on; logits for the last one if it is the `last` of
        a prompt. The number of the last row."""
        count = len(tokens)
        start, end = self._rows, self._rows + count
        self._tokens[start:end] = tokens
        self._positions[start:end] = range(position, position + count)
        self._sequences[start:end] = [sequence] * count
        self._wanted[start:end] = [0] * count
        self._wanted[end - 1] = last
        self._rows = end
        return end - 1

    def compute(self) -> int:
        """Compute the batch, at most `batch` rows; `DONE`, `NO_ROOM` or `ABORTED`.

        Below 0 llama.cpp failed. Without `DONE` what was read before is there still, and perhaps
        more (see `keep`): a batch of several micro-batches takes several passes.
        """
        self._batch.n_tokens = self._rows
        return lib.llama_decode(self._pointer, self._batch)

    def finish(self) -> None:
        """Wait until what was begun is computed: a graphics processor works on by itself."""
        lib.llama_synchronize(self._pointer)

    def use_threads(self, count: int) -> None:
        """Compute with so many threads from now on; from 1 to 512."""
        lib.llama_set_n_threads(self._pointer, count, count)

    def logits(self, row: int) -> Logits | None:
        """A row's logits, until the next computation; None where there are none."""
        address = ctypes.cast(lib.llama_get_logits_ith(self._pointer, row), ctypes.c_void_p).value
        if not address:
            return None
        logits = self._logits.get(address)
        if logits is None:
            # The buffer has a place for each sequence from the start and does not move.
            floats = (ctypes.c_float * self._vocabulary_size).from_address(address)
            logits = self._logits[address] = np.ctypeslib.as_array(floats)
        return logits

    # ------------------------------------------------------------------------------ memory

    def used(self, sequence: int) -> int:
        """Tokens of a sequence in the cache."""
        return int(lib.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def can_keep(self, sequence: int, count: int) -> bool:
        """Whether the first `count` tokens of a sequence can be had without the rest.

        A recurrent model cannot step back, and a sliding window may have forgotten what the
        tokens before `count` need.
        """
        return self.could_keep(count, self.used(sequence), self._first(sequence))

    def could_keep(self, count: int, used: int, first: int) -> bool:
        """The same for a sequence of `used` tokens of which those from `first` on are there."""
        if count <= 0 or count >= used:
            return count > 0
        return self.rewinds and first <= max(0, count - self._window)

    def _first(self, sequence: int) -> int:
        return int(lib.llama_memory_seq_pos_min(self._memory, sequence))

    def keep(self, sequence: int, count: int) -> int:
        """Drop all but the first `count` tokens of a sequence; how many are left, 0 where that is
        not possible."""
        used = self.used(sequence)
        if count >= used:
            return used
        if self.can_keep(sequence, count) and lib.llama_memory_seq_rm(
            self._memory, sequence, count, -1
        ):
            return count
        self.forget(sequence)
        return 0

    def share(self, source: int, sequence: int, count: int) -> int:
        """Make `sequence` the first `count` tokens of `source`, without copying what was computed;
        how many it has, 0 where that is not possible."""
        self.forget(sequence)
        if not self.can_keep(source, count):
            return 0
        # Copied whole, then cut: some memory types copy nothing but whole sequences, and abort
        # the process if asked to.
        lib.llama_memory_seq_cp(self._memory, source, sequence, -1, -1)
        return self.keep(sequence, count)

    def shift(self, sequence: int, kept: int, count: int) -> None:
        """Drop the `count` tokens after the first `kept`; those behind move up.

        Only where it `can_shift`, and where no other sequence has cells in common with what moves:
        a cell has one position for all.
        """
        lib.llama_memory_seq_rm(self._memory, sequence, kept, kept + count)
        lib.llama_memory_seq_add(self._memory, sequence, kept + count, -1, -count)

    def forget(self, sequence: int) -> None:
        """Drop a whole sequence."""
        lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def clear(self) -> None:
        """Forget everything."""
        lib.llama_memory_clear(self._memory, False)

    # ------------------------------------------------------------------- states, to be kept

    def state_size(self, sequence: int) -> int:
        """Bytes of all that was computed for a sequence."""
        return int(lib.llama_state_seq_get_size(self._pointer, sequence))

    def state_of(self, sequence: int, size: int) -> StateBytes | None:
        """A copy of it, of `state_size` bytes."""
        state: StateBytes = np.empty(size, np.uint8)
        copied = lib.llama_state_seq_get_data(self._pointer, _bytes(state), size, sequence)
        return state if copied == size else None

    def set_state(self, sequence: int, state: StateBytes) -> bool:
        """Make `sequence` what `state_of` gave. False where there is no room for it, or where it is
        of another kind of context; then the sequence is empty. Damaged bytes end the process."""
        size = state.size
        read = lib.llama_state_seq_set_data(self._pointer, _bytes(state), size, sequence)
        if read != size:
            self.forget(sequence)
        return read == size

    def first_after_restore(self, sequence: int) -> int:
        """The first position that a copy of the sequence has: what a window has left is left
        out."""
        outside = self.used(sequence) - self._window if self._window else 0
        return max(self._first(sequence), outside)


def _context_params(settled: LoadParams, sequences: int) -> Any:
    plan = plan_of(settled, 0)
    params = lib.llama_context_default_params()
    params.n_ctx = settled.context_length
    params.n_batch = settled.batch
    params.n_ubatch = settled.micro_batch
    params.n_seq_max = sequences
    params.kv_unified = True
    # Room for the logits of a few tokens only: for all of a batch it takes up to 500 MB (512
    # tokens of a large vocabulary), and nobody asks for them.
    params.n_outputs_max = sequences + DRAFTED
    params.n_threads = settled.threads
    params.n_threads_batch = settled.prompt_threads
    params.type_k = _CACHE_TYPES[plan.key_type]
    params.type_v = _CACHE_TYPES[plan.value_type]
    params.flash_attn_type = _FLASH_ATTENTION[settled.flash_attention]
    params.rope_scaling_type = _ROPE_SCALING[settled.rope_scaling]
    params.rope_freq_base = settled.rope_base
    params.rope_freq_scale = 1 / settled.rope_factor if settled.rope_factor else 0.0
    # The full cache takes five times the memory on models with a sliding window; its use,
    # taking up any prefix again, is seldom worth that.
    params.swa_full = settled.full_window_cache
    params.no_perf = True
    return params


def _bytes(state: StateBytes) -> object:
    """As an argument of type `uint8_t *`."""
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
