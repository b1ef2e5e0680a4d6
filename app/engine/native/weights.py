"""A model's weights and vocabulary as llama.cpp holds them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from app.domain.fit import packed
from app.domain.load_params import MOST_DEVICES, Adapter, LoadParams, plan_of
from app.engine.long_text import LONGEST_PIECE, LONGEST_PLAIN_PIECE, pieces
from app.engine.native.bindings import lib
from app.engine.native.system import amx_in_use

_TEXT_BYTES = 4096
_LOAD_AUTOMATIC, _LOAD_PLAIN, _LOAD_LOCKED, _LOAD_MAPPED_LOCKED = -1, 0, 2, 3
"""llama.h, enum llama_load_mode."""
_ONE_DEVICE = 0
"""llama.h, enum llama_split_mode."""
_LONGEST_TEMPLATE = 4 * 1024 * 1024


class NativeRefusal(Exception):
    """llama.cpp returned nothing; the reason is in its log only."""


class Weights:
    """A loaded file. `close` frees it; every context made from it must be closed before."""

    def __init__(
        self,
        path: str,
        wished: LoadParams,
        progress: Callable[[float], bool],
        *,
        measure_only: bool = False,
    ) -> None:
        """Load; `progress` hears fractions and returns False to stop, which raises as well.

        `wished` is bounded and checked (see `app.domain.load_params`). `measure_only` reads the
        header and simulates all memory (llama.cpp's `no_alloc`): such weights can only make a
        context that is measured too. Raises `NativeRefusal`.
        """
        params = lib.llama_model_default_params()
        params.n_gpu_layers = -1 if wished.gpu_layers is None else wished.gpu_layers
        params.load_mode = _load_mode(wished)
        if wished.main_device is not None:
            params.split_mode, params.main_gpu = _ONE_DEVICE, wished.main_device
        if wished.tensor_split:
            # llama.cpp reads as many as it could have devices, and keeps a copy.
            params.tensor_split = (ctypes.c_float * MOST_DEVICES)(*wished.tensor_split)
        if measure_only:
            params.no_alloc = True
            # llama.cpp asserts that what allocates nothing maps nothing either.
            params.load_mode = _LOAD_PLAIN
        if amx_in_use():
            # A slower but safe road around AMX: see amx_in_use.
            params.use_extra_bufts = False

        def heard(fraction: float, _data: object) -> bool:
            return progress(fraction)

        # Held in a local name: ctypes does not keep the callback alive for the call.
        callback = lib.llama_progress_callback(heard)
        params.progress_callback = callback
        self._pointer: int | None = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._pointer:
            raise NativeRefusal("llama_model_load_from_file")
        self.vocabulary = Vocabulary(self._pointer)
        self.adapters: list[tuple[Any, float]] = []
        """Pointer and strength; freed with the weights."""
        self.mapped_bytes = 0
        """What of them is the file itself; only the log tells, so whoever records it notes it."""

    def add_adapter(self, adapter: Adapter) -> None:
        """Read a LoRA adapter's file; before a context is made. Raises `NativeRefusal`."""
        pointer = lib.llama_adapter_lora_init(self.pointer, os.fsencode(adapter.path))
        if not pointer:
            # Used all the same, it would end the process.
            raise NativeRefusal("llama_adapter_lora_init")
        self.adapters.append((pointer, adapter.scale))

    @property
    def pointer(self) -> int:
        """For a context; not to be kept."""
        if not self._pointer:
            raise RuntimeError("the weights are freed")
        return self._pointer

    def close(self) -> None:
        """Free the memory; may be called again."""
        if self._pointer:
            lib.llama_model_free(self._pointer)
            self._pointer = None

    def meta(self, key: str) -> str:
        """A value of the header as text; empty where there is none. At most 4,095 bytes."""
        buffer = ctypes.create_string_buffer(_TEXT_BYTES)
        length = lib.llama_model_meta_val_str(self.pointer, key.encode(), buffer, _TEXT_BYTES)
        return buffer.value.decode("utf-8", "replace") if length >= 0 else ""

    @property
    def template(self) -> str | None:
        """The file's chat template; None where it has none."""
        text = lib.llama_model_chat_template(self.pointer, None)
        return text[:_LONGEST_TEMPLATE].decode("utf-8", "replace") if text else None

    @property
    def trained_context(self) -> int:
        return max(0, int(lib.llama_model_n_ctx_train(self.pointer)))

    @property
    def layers(self) -> int:
        return int(lib.llama_model_n_layer(self.pointer))

    @property
    def window(self) -> int:
        """Tokens of the sliding attention window; 0 where the model has none."""
        return max(0, int(lib.llama_model_n_swa(self.pointer)))

    @property
    def rewinds(self) -> bool:
        """Whether its memory can go back by some tokens; a recurrent state cannot."""
        pointer = self.pointer
        return not (lib.llama_model_is_recurrent(pointer) or lib.llama_model_is_hybrid(pointer))

    @property
    def takes_back(self) -> bool:
        """Whether the last few tokens can always be dropped again."""
        return self.rewinds and not self.window

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return int(lib.llama_model_size(self.pointer))

    def cache_bytes_per_token(self, params: LoadParams) -> int:
        """Of a cache of the types of these, without a sliding window: an upper bound for every
        architecture."""
        heads = max(1, int(lib.llama_model_n_head(self.pointer)))
        kv_heads = max(1, int(lib.llama_model_n_head_kv(self.pointer)))
        head_width = -(-int(lib.llama_model_n_embd(self.pointer)) // heads)
        architecture = self.meta("general.architecture")
        key, value = (
            int(text)
            if (text := self.meta(f"{architecture}.attention.{name}")).isdigit()
            else head_width
            for name in ("key_length", "value_length")
        )
        plan = plan_of(params, self.trained_context)
        kept = packed(kv_heads * key, plan.key_type) + packed(kv_heads * value, plan.value_type)
        return self.layers * kept

    @property
    def is_chat_shaped(self) -> bool:
        """Whether it writes from left to right: no encoder, no diffusion."""
        pointer = self.pointer
        return bool(
            lib.llama_model_has_decoder(pointer)
            and not lib.llama_model_has_encoder(pointer)
            and not lib.llama_model_is_diffusion(pointer)
        )


def _load_mode(wished: LoadParams) -> int:
    if wished.mlock:
        return _LOAD_MAPPED_LOCKED if wished.mmap else _LOAD_LOCKED
    return _LOAD_AUTOMATIC if wished.mmap else _LOAD_PLAIN


_SPECIAL_TOKENS = ("bos", "eos", "pad", "sep")
_NO_TOKEN = -1
_BYTE_PAIR_VOCABULARY = 2
_SPACE = "\u2581"
"""How SentencePiece spells a space."""


class Vocabulary:
    """Text to tokens and back. Lives as long as its weights."""

    def __init__(self, weights: int) -> None:
        self._pointer = lib.llama_model_get_vocab(weights)
        self.size = int(lib.llama_vocab_n_tokens(self._pointer))
        self.adds_bos = bool(lib.llama_vocab_get_add_bos(self._pointer))
        self.bos = int(lib.llama_vocab_bos(self._pointer))
        self.is_byte_pair = int(lib.llama_vocab_type(self._pointer)) == _BYTE_PAIR_VOCABULARY
        self._buffer = ctypes.create_string_buffer(_TEXT_BYTES)

    @property
    def pointer(self) -> int:
        """For a sampler; not to be kept."""
        return self._pointer

    @cached_property
    def unseen_set(self) -> frozenset[int]:
        """The control tokens that do not end a turn. Asked for once: it takes some milliseconds."""
        return frozenset(
            token
            for token in range(self.size)
            if self.is_control(token) and not self.ends_turn(token)
        )

    @cached_property
    def unseen(self) -> list[int]:
        """The same as indices."""
        return sorted(self.unseen_set)

    def special_texts(self) -> dict[str, str]:
        """`bos_token`, `eos_token` … as chat templates name them, where the file has them."""
        found: dict[str, str] = {}
        for name in _SPECIAL_TOKENS:
            token = int(getattr(lib, f"llama_vocab_{name}")(self._pointer))
            if token != _NO_TOKEN:
                found[f"{name}_token"] = self.text(token)
        return found

    def text(self, token: int) -> str:
        """The token as the vocabulary spells it."""
        return (lib.llama_vocab_get_text(self._pointer, token) or b"").decode("utf-8", "replace")

    def tokenise(self, text: bytes, *, special: bool = True) -> list[int]:
        """The tokens of valid UTF-8 (anything else aborts the process inside llama.cpp), of no more
        than `LONGEST_PIECE` characters.

        With `special`, control tokens written out are read as such. Nothing is added.
        """
        room = len(text) + 16
        tokens = (lib.llama_token * room)()
        count = lib.llama_tokenize(self._pointer, text, len(text), tokens, room, False, special)
        if count < 0:
            tokens = (lib.llama_token * -count)()
            count = lib.llama_tokenize(
                self._pointer, text, len(text), tokens, -count, False, special
            )
        return tokens[: max(0, count)]

    def tokens_of(self, text: str, most: int | None = None, *, special: bool = True) -> list[int]:
        """The tokens of valid text of any length; with more than `most`, only some of them more."""
        tokens: list[int] = []
        longest = LONGEST_PIECE if self.is_byte_pair else LONGEST_PLAIN_PIECE
        for number, piece in enumerate(pieces(text, longest)):
            tokens.extend(
                self._continued(piece, special) if number else self._whole(piece, special)
            )
            if most is not None and len(tokens) > most:
                break
        return tokens

    def _whole(self, text: str, special: bool) -> list[int]:
        return self.tokenise(text.encode("utf-8"), special=special)

    def _continued(self, piece: str, special: bool) -> list[int]:
        """A piece that does not begin the text: the space that some vocabularies put before it is
        its own, or goes."""
        if not self._puts_space:
            return self._whole(piece, special)
        if piece.startswith(" ") and len(piece) > 1:
            return self._whole(piece[1:], special)
        tokens = self._whole(piece, special)
        return tokens[1:] if tokens and self.text(tokens[0]) == _SPACE else tokens

    @cached_property
    def _puts_space(self) -> bool:
        """Whether a text is read as if a space stood before it."""
        tokens = self.tokenise(b"x")
        return bool(tokens) and self.text(tokens[0]).startswith(_SPACE)

    def piece(self, token: int, *, special: bool) -> bytes:
        """The token's bytes, which may be part of a character; control tokens if `special`."""
        length = lib.llama_token_to_piece(
            self._pointer, token, self._buffer, _TEXT_BYTES, 0, special
        )
        if length < 0:
            # Longer than any real token; what cannot be shown is left out.
            return b""
        return self._buffer.raw[:length]

    def ends_turn(self, token: int) -> bool:
        """Whether the model is done when it writes this token."""
        return bool(lib.llama_vocab_is_eog(self._pointer, token))

    def is_control(self, token: int) -> bool:
        """Whether the token steers and is not text."""
        return bool(lib.llama_vocab_is_control(self._pointer, token))

    def control_texts(self, tokens: Sequence[int]) -> set[str]:
        """The spelling of the control tokens among these."""
        return {self.text(token) for token in set(tokens) if self.is_control(token)}
