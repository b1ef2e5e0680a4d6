"""How the next token is chosen: the values, their bounds, and the order in which they act.

Names, defaults and order are llama.cpp's (`common_params_sampling` and `common_sampler_init` in its
common/ folder). Every value of `Sampling()` that is not one of the five in `ChatSettings` is off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, cast

from app.domain.described import setting

COLDEST = 0.01
"""Below this temperature the likeliest token is taken: dividing by less overflows."""

MOST_BIASES = 300
LONGEST_BREAKER = 40
"""Bytes; llama.cpp cuts what is longer, which could cut a character."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; see `chain_of` for what acts when."""

    repeat_penalty: float = setting(
        1.0, "Repetition penalty", "Above 1 makes repetition less likely.", low=0.1, high=10
    )
    """1.0 is off."""
    top_k: int = setting(40, "Top-k", "Keep this many tokens; 0 keeps all.", low=0, high=1_000_000)
    top_p: float = setting(
        0.95, "Top-p", "Keep the likeliest tokens up to this sum; 1 is off.", low=0, high=1
    )
    min_p: float = setting(
        0.05, "Min-p", "Drop tokens less likely than this share of the best.", low=0, high=1
    )
    temperature: float = setting(
        0.8, "Temperature", "Higher is more varied, 0 always takes the likeliest.", low=0, high=5
    )
    seed: int | None = None
    """None draws one; the drawn seed is told in `RunStats.seed`."""
    penalty_tokens: int = setting(
        64, "Penalty range", "How many of the last tokens the penalties look at.", low=1, high=8192
    )
    presence_penalty: float = setting(
        0.0, "Presence penalty", "Above 0 favours words that were not used yet.", low=-2, high=2
    )
    frequency_penalty: float = setting(
        0.0, "Frequency penalty", "Above 0 makes a word less likely each time.", low=-2, high=2
    )
    typical_p: float = setting(
        1.0, "Typical", "Keep tokens about as surprising as expected; 1 is off.", low=0, high=1
    )
    top_n_sigma: float = setting(
        0.0, "Top-n-sigma", "Keep tokens within this many deviations of the best.", low=0, high=10
    )
    temperature_range: float = setting(
        0.0,
        "Dynamic range",
        "Let the temperature move this far both ways, by how sure the model is.",
        low=0,
        high=5,
    )
    temperature_exponent: float = setting(
        1.0, "Dynamic exponent", "How the dynamic range follows the doubt.", low=0.1, high=10
    )
    xtc_probability: float = setting(
        0.0, "XTC probability", "How often the obvious choices are left out.", low=0, high=1
    )
    xtc_threshold: float = setting(
        0.1,
        "XTC threshold",
        "A choice this likely counts as obvious; above 0.5 does nothing.",
        low=0,
        high=1,
    )
    dry_multiplier: float = setting(
        0.0, "DRY strength", "Stops whole phrases from being repeated; 0.8 is usual.", low=0, high=5
    )
    dry_base: float = setting(
        1.75, "DRY base", "How fast the penalty grows with the phrase.", low=1, high=8
    )
    dry_allowed_length: int = setting(
        2, "DRY allowed length", "Repeated tokens that cost nothing.", low=1, high=1000
    )
    dry_tokens: int = setting(
        0, "DRY range", "How many of the last tokens it looks at; 0: all.", low=0, high=1_000_000
    )
    dry_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    """A repeated phrase is not followed across these."""
    mirostat: int = setting(
        0, "Mirostat", "Steer to an even surprise in place of the cuts above.", low=0, high=2
    )
    """0 is off; 1 and 2 are the two versions of the algorithm (arXiv:2007.14966)."""
    mirostat_tau: float = setting(
        5.0, "Mirostat target", "The surprise it steers to.", low=0, high=20
    )
    mirostat_eta: float = setting(0.1, "Mirostat rate", "How fast it corrects.", low=0, high=1)
    logit_bias: tuple[tuple[str, float], ...] = ()
    """A text and what is added to the logit of each of its tokens; -100 bans, 100 forces."""
    json_schema: str = ""
    """The answer is JSON of this schema; empty: free."""
    grammar: str = ""
    """The answer follows this GBNF grammar; empty: free."""


class Link(StrEnum):
    """A sampler of the chain, as it is named for a reader."""

    LOGIT_BIAS = "logit bias"
    PENALTIES = "penalties"
    DRY = "DRY"
    TOP_N_SIGMA = "top-n-sigma"
    TOP_K = "top-k"
    TYPICAL = "typical"
    TOP_P = "top-p"
    MIN_P = "min-p"
    XTC = "XTC"
    TEMPERATURE = "temperature"
    MIROSTAT = "Mirostat"
    GREEDY = "the likeliest"
    DRAW = "draw"


def chain_of(sampling: Sampling) -> tuple[Link, ...]:
    """What acts, in its order; what is off is left out. The last link chooses.

    An answer format is no link: the choice is made first, and made again among the tokens that the
    format allows where it does not fit (as llama.cpp does). Mirostat takes the place of the cuts,
    and without a temperature nothing but the biases and penalties has a say.
    """
    bounded_ = bounded(sampling)
    switched = {
        Link.LOGIT_BIAS: bool(bounded_.logit_bias),
        Link.PENALTIES: _penalises(bounded_),
        Link.DRY: bounded_.dry_multiplier > 0,
    }
    if bounded_.temperature < COLDEST:
        return (*_on(switched), Link.GREEDY)
    if bounded_.mirostat:
        return (*_on(switched), Link.TEMPERATURE, Link.MIROSTAT)
    switched |= {
        Link.TOP_N_SIGMA: bounded_.top_n_sigma > 0,
        Link.TOP_K: bounded_.top_k > 0,
        Link.TYPICAL: bounded_.typical_p < 1,
        Link.TOP_P: bounded_.top_p < 1,
        Link.MIN_P: bounded_.min_p > 0,
        Link.XTC: bounded_.xtc_probability > 0 and bounded_.xtc_threshold <= _XTC_REACHES,
    }
    return (*_on(switched), Link.TEMPERATURE, Link.DRAW)


_XTC_REACHES = 0.5
"""Two tokens cannot both be likelier than this, and XTC always leaves one."""


def _penalises(sampling: Sampling) -> bool:
    return (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty) != (
        1.0,
        0.0,
        0.0,
    )


def _on(switched: dict[Link, bool]) -> tuple[Link, ...]:
    return tuple(link for link, on in switched.items() if on)


def bounded(sampling: Sampling) -> Sampling:
    """The same with every number inside its bounds; what is no number becomes the default.

    llama.cpp divides by some of these and allocates by others, and checks none.
    """
    changes: dict[str, Any] = {}
    for field in fields(Sampling):
        if field.metadata:
            default = cast("float", field.default)
            value: float = getattr(sampling, field.name)
            low, high = field.metadata["low"], field.metadata["high"]
            sound = default if math.isnan(value) else min(max(value, low), high)
            changes[field.name] = int(sound) if isinstance(default, int) else float(sound)
    biases = [(text, bias) for text, bias in sampling.logit_bias if text and not math.isnan(bias)]
    breakers = [text for text in sampling.dry_breakers if text]
    return replace(
        sampling,
        **changes,
        logit_bias=tuple(
            (text, min(max(bias, -100.0), 100.0)) for text, bias in biases[:MOST_BIASES]
        ),
        dry_breakers=tuple(
            text for text in breakers if len(text.encode("utf-8", "replace")) <= LONGEST_BREAKER
        ),
    )


def recommended(sampling: Sampling, advice: tuple[tuple[str, float], ...]) -> Sampling:
    """The same with these fields in place of what stands there."""
    whole = {field.name for field in fields(Sampling) if isinstance(field.default, int)}
    return replace(
        sampling,
        **cast("dict[str, Any]", {n: int(v) if n in whole else v for n, v in advice}),
    )


def sampling_from_dict(given: dict[str, Any]) -> Sampling:
    """The inverse of `dataclasses.asdict`, also after a way through JSON.

    What this version does not know is left out, what is missing is default.
    """
    names = {field.name for field in fields(Sampling)}
    known = {name: value for name, value in given.items() if name in names}
    if "logit_bias" in known:
        pairs = cast("list[tuple[str, float]]", known["logit_bias"])
        known["logit_bias"] = tuple((text, bias) for text, bias in pairs)
    if "dry_breakers" in known:
        known["dry_breakers"] = tuple(cast("list[str]", known["dry_breakers"]))
    return Sampling(**known)
