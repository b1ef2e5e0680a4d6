"""The form that an answer is held to: free, a JSON Schema, or a GBNF grammar."""

from __future__ import annotations

from app.domain import gbnf
from app.domain.errors import GrammarRefused
from app.domain.json_schema import SchemaGrammar, grammar_for
from app.domain.sampling import Sampling


def grammar_of(sampling: Sampling) -> SchemaGrammar | None:
    """The grammar that binds an answer, checked; None: it is free. Raises `GrammarRefused`."""
    schema, grammar = sampling.json_schema.strip(), sampling.grammar.strip()
    if schema and grammar:
        raise GrammarRefused(
            "An answer cannot follow two forms.",
            "Both a JSON Schema and a grammar are given.",
            "Take one of them away.",
        )
    if schema:
        return grammar_for(sampling.json_schema)
    if grammar:
        gbnf.check(sampling.grammar)
        return SchemaGrammar(sampling.grammar)
    return None
