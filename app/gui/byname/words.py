"""The sentences of the dialog “Get a model by name”."""

from __future__ import annotations

from app.domain.fit import Fit
from app.domain.hub import Access, RepoDetails, Variant
from app.domain.ollama import OllamaPart, OllamaProgress
from app.domain.repo_name import ModelName, RepoName
from app.gui import fit_words
from app.gui.wording import size_text

HINT = (
    "A repository (AUTHOR/NAME, or AUTHOR/NAME:Q4_K_M), an address copied from a web browser, or a "
    "name of Ollama's (llama3.2:3b)."
)
STOPPED = "Stopped. Ollama keeps what has come, and goes on there the next time."
_STEPS = {
    "pulling manifest": "Asking for the list of its parts…",
    "verifying sha256 digest": "Checking what has come…",
    "writing manifest": "Almost done…",
    "removing unused layers": "Almost done…",
}


def kind(name: ModelName) -> str:
    """Whose model it is, before anybody was asked."""
    if isinstance(name, RepoName):
        return f"Looking at {name.repo_id}…"
    return (
        f"“{name.name}” is a name of Ollama's. The Ollama that runs on this computer fetches it, "
        "and Lamplight uses it where Ollama keeps it."
    )


def title(details: RepoDetails, variant: Variant) -> str:
    """What was found."""
    return f"{details.summary.repo_id} {variant.quantisation}".strip()


def about(details: RepoDetails, variant: Variant) -> str:
    """Its size and what to know of it, in a line."""
    files = details.item(variant)
    size = size_text(sum(file.size_bytes for file in files))
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    licence = f"licence {details.summary.licence}" if details.summary.licence else ""
    return ", ".join(filter(None, (size, count, variant.quality, licence))) + "."


def caution(details: RepoDetails) -> str:
    """What may stand in the way; empty where nothing does."""
    if details.summary.access is Access.ON_REQUEST:
        return "Its owner asks for an account whose access was granted."
    return ""


def fit(found: Fit, largest: int) -> str:
    """Whether it fits into this machine."""
    return fit_words.sentence(found, largest)


def download(details: RepoDetails, variant: Variant) -> str:
    """The button."""
    size = size_text(sum(file.size_bytes for file in details.item(variant)))
    return f"Download {size}"


def step(progress: OllamaProgress) -> str:
    """What Ollama does, and how far all of it is."""
    if not progress.parts:
        return _STEPS.get(progress.doing, "Asking Ollama…")
    if progress.doing in _STEPS:
        return _STEPS[progress.doing]
    done, total = size_text(progress.done_bytes), size_text(progress.total_bytes)
    amount = f"{done} of {total}"
    if not progress.bytes_per_second:
        return amount
    # No forecast: the parts that are still to come are not among those that are known.
    return f"{amount} · {size_text(round(progress.bytes_per_second))}/s"


def part(number: int, found: OllamaPart) -> str:
    """One part, for those who look closely."""
    done, total = size_text(found.done_bytes), size_text(found.total_bytes)
    short = found.digest.removeprefix("sha256:")[:12]
    if found.done_bytes == found.total_bytes:
        return f"Part {number} ({short}): {total}"
    return f"Part {number} ({short}): {done} of {total}"


def parts(progress: OllamaProgress) -> str:
    """A line for each."""
    return "\n".join(part(number, found) for number, found in enumerate(progress.parts, 1))


def ready(name: str) -> str:
    """It is there."""
    return f"“{name}” is ready. It stays where Ollama keeps it."
