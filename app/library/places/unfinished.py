"""Files of downloads that have not ended, told by their names.

Suffixes: LM Studio (`downloading_*.part`), Jan (`*.tmp` beside `*.url`), GPT4All (`incomplete-*`),
huggingface_hub (`*.incomplete`), llama.cpp (`*.downloadInProgress`), browsers and download tools.
"""

from __future__ import annotations

import re
from typing import Final

from app.domain.errors import FileDamaged
from app.domain.library import Origin

_SUFFIXES: Final = re.compile(
    r"\.gguf(?:\.part\d*(?:of\d+)?|\.tmp|\.incomplete|\.crdownload|\.download|\.downloadInProgress"
    r"|\.aria2|\.partial|\.!qB)$",
    re.IGNORECASE,
)
_PREFIXES: Final = re.compile(r"^(?:incomplete-|downloading_).*\.gguf", re.IGNORECASE)

WHO: Final = {
    Origin.HUGGING_FACE: "Hugging Face's tools",
    Origin.LM_STUDIO: "LM Studio",
    Origin.OLLAMA: "Ollama",
    Origin.JAN: "Jan",
    Origin.GPT4ALL: "GPT4All",
    Origin.LLAMA_CPP: "llama.cpp",
}
"""As a sentence names the application."""


def is_unfinished(name: str) -> bool:
    """Whether a file of this name is a part of a model that is still on its way."""
    return _SUFFIXES.search(name) is not None or _PREFIXES.match(name) is not None


def unfinished(name: str, origin: Origin) -> FileDamaged:
    """Why it is not offered; `name` as a person would say it."""
    who = WHO.get(origin)
    if who is None:
        return FileDamaged(
            f"The download of “{name}” has not ended.",
            "",
            "Let the program that fetches it finish, or delete the file if it was given up.",
        )
    return FileDamaged(
        f"A download of {who} has not ended: “{name}”.",
        "",
        f"Finish it, or give it up, in {who}. It appears here when it is complete.",
    )
