"""Hold a choice of tokens to a grammar, as llama.cpp's common/sampling.cpp does.

The chain chooses first; only where its choice does not fit does the grammar look at the whole
vocabulary (slow), and the chain chooses again among what is left. Whatever is accepted was allowed
before: llama.cpp ends the process over a token that its grammar does not expect.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from app.domain.errors import GrammarRefused
from app.domain.gbnf import ROOT
from app.engine.native.bindings import lib
from app.engine.native.logits import Candidates, Logits, applied, candidate, candidates, chosen
from app.engine.native.weights import Vocabulary


class Bond:
    """A grammar and how far the answer has come in it. `close` frees it."""

    def __init__(self, grammar: str, vocabulary: Vocabulary) -> None:
        """`grammar` has passed `app.domain.gbnf.check`. Raises `GrammarRefused`."""
        self._vocabulary = vocabulary
        self._grammar: Any = lib.llama_sampler_init_grammar(
            vocabulary.pointer, grammar.encode(), ROOT.encode()
        )
        if not self._grammar:
            # Used all the same, it would end the process.
            raise GrammarRefused(
                "The grammar cannot be used.",
                "llama.cpp does not read it.",
                "Simplify it, or let the answer be free.",
            )

    def choose(self, chain: int, logits: Logits) -> int:
        """Let the chain choose what the grammar allows, and tell both; raises `GrammarRefused`."""
        token = chosen(chain, candidates(logits))
        if not self._allows(token):
            token = chosen(chain, self._allowed(logits))
        lib.llama_sampler_accept(chain, token)
        if not self._vocabulary.ends_turn(token):
            lib.llama_sampler_accept(self._grammar, token)
        return token

    def _allowed(self, logits: Logits) -> Candidates:
        """Only what the grammar leaves: samplers compute nonsense from what is ruled out."""
        every = candidates(logits)
        # A control token is not shown, so it cannot be part of what the grammar describes.
        every["logit"][self._vocabulary.unseen] = -np.inf
        applied(self._grammar, every)
        left = every[every["logit"] > -np.inf]
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
        single = candidate(token)
        applied(self._grammar, single)
        return bool(single["logit"][0] > -np.inf)

    def close(self) -> None:
        """Free the grammar; may be called again."""
        if self._grammar:
            lib.llama_sampler_free(self._grammar)
            self._grammar = None
