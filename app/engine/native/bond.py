"""Hold a choice of tokens to a grammar, as llama.cpp's common/sampling.cpp does.

The chain chooses first; only where its choice does not fit does the grammar look at the whole
vocabulary (slow), and the chain chooses again among what is left. Whatever is accepted was allowed
before: llama.cpp ends the process over a token that its grammar does not expect.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from app.domain.errors import GrammarRefused
from app.domain.gbnf import ROOT
from app.engine.native.bindings import lib
from app.engine.native.context import Context
from app.engine.native.weights import Vocabulary

_CANDIDATE = np.dtype([("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
"""llama.h, struct llama_token_data."""

_Candidates = npt.NDArray[np.void]


class Bond:
    """A grammar and how far the answer has come in it. `close` frees it."""

    def __init__(self, grammar: str, vocabulary: Vocabulary) -> None:
        """`grammar` has passed `app.domain.gbnf.check`. Raises `GrammarRefused`."""
        self._vocabulary = vocabulary
        self._grammar = lib.llama_sampler_init_grammar(
            vocabulary.pointer, grammar.encode(), ROOT.encode()
        )
        if not self._grammar:
            # Used all the same, it would end the process.
            raise GrammarRefused(
                "The grammar cannot be used.",
                "llama.cpp does not read it.",
                "Simplify it, or let the answer be free.",
            )

    def choose(self, chain: int, context: Context, row: int) -> int:
        """Let the chain choose what the grammar allows, and tell both; raises `GrammarRefused`."""
        token = _chosen(chain, self._candidates(context, row))
        if not self._allows(token):
            token = _chosen(chain, self._allowed(context, row))
        lib.llama_sampler_accept(chain, token)
        if not self._vocabulary.ends_turn(token):
            lib.llama_sampler_accept(self._grammar, token)
        return token

    def _candidates(self, context: Context, row: int) -> _Candidates:
        size = self._vocabulary.size
        address = ctypes.cast(lib.llama_get_logits_ith(context.pointer, row), ctypes.c_void_p)
        logits = (ctypes.c_float * size).from_address(address.value or 0)
        candidates = np.zeros(size, _CANDIDATE)
        candidates["id"] = np.arange(size)
        candidates["logit"] = np.ctypeslib.as_array(logits)
        return candidates

    def _allowed(self, context: Context, row: int) -> _Candidates:
        """Only what the grammar leaves: samplers compute nonsense from what is ruled out."""
        candidates = self._candidates(context, row)
        # A control token is not shown, so it cannot be part of what the grammar describes.
        candidates["logit"][self._vocabulary.unseen] = -np.inf
        lib.llama_sampler_apply(self._grammar, ctypes.byref(_array(candidates)))
        left = candidates[candidates["logit"] > -np.inf]
        if not len(left):
            raise GrammarRefused(
                "The answer cannot go on in the form that was asked for.",
                "None of the model's tokens fits what the grammar or JSON Schema wants next.",
                "Change the answer format, or let the answer be free.",
            )
        return left

    def _allows(self, token: int) -> bool:
        if token in self._vocabulary.unseen_set:
            return False
        single = np.zeros(1, _CANDIDATE)
        single["id"] = token
        lib.llama_sampler_apply(self._grammar, ctypes.byref(_array(single)))
        return bool(single["logit"][0] > -np.inf)

    def close(self) -> None:
        """Free the grammar; may be called again."""
        if self._grammar:
            lib.llama_sampler_free(self._grammar)
            self._grammar = None


def _array(candidates: _Candidates) -> Any:
    """A view for one call; `candidates` must outlive it."""
    data = candidates.ctypes.data_as(lib.llama_token_data_p)
    return lib.llama_token_data_array(data, len(candidates), -1, False)


def _chosen(chain: int, candidates: _Candidates) -> int:
    array = _array(candidates)
    lib.llama_sampler_apply(chain, ctypes.byref(array))
    return int(array.data[array.selected].id)
