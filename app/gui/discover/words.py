"""What the hub offers, in words: rows of the list, and the page of a repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.fit import Verdict
from app.domain.hub import Access, CuratedRepo, RepoDetails, RepoFile, RepoSummary, Variant
from app.domain.quick_fit import parameters_of
from app.gui.wording import parameters_text, size_text

_TONES = {Verdict.FITS: "success", Verdict.TIGHT: "warning", Verdict.TOO_LARGE: "danger"}
_TASKS = {
    "any-to-any": "text, images and sound",
    "audio-text-to-text": "text and sound",
    "automatic-speech-recognition": "speech to text",
    "feature-extraction": "embeddings",
    "image-text-to-text": "text and images",
    "image-to-text": "text and images",
    "sentence-similarity": "embeddings",
    "text-generation": "text",
    "text-to-image": "makes images",
    "text-to-speech": "text to speech",
}
_LICENCES = {
    "apache-2.0": "Apache 2.0",
    "cc-by-4.0": "CC BY 4.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "gemma": "Gemma",
    "llama3": "Llama 3",
    "llama3.1": "Llama 3.1",
    "llama3.2": "Llama 3.2",
    "llama3.3": "Llama 3.3",
    "mit": "MIT",
    "other": "of its own",
}
_CURATED_TASKS = {
    "chat": "for conversation",
    "code": "for code",
    "reasoning": "thinks first",
    "vision": "sees images",
}
LANGUAGES = {
    "ar": "Arabic",
    "zh": "Chinese",
    "nl": "Dutch",
    "en": "English",
    "fr": "French",
    "de": "German",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "es": "Spanish",
    "tr": "Turkish",
    "uk": "Ukrainian",
}
"""What the hub writes, and the names; the list of filters offers them in this order."""
_MOST_LANGUAGES = 8
_MOST_TAGS = 24
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class FoundRow:
    """What the list shows of a repository."""

    repo_id: str
    title: str
    mark: str
    """A word of praise behind the title, or nothing."""
    gated: bool
    badge: str
    """Whether it fits, in a word or two; empty where that is not known."""
    tone: str
    """Of the badge; see `app.gui.theme.stylesheet`."""
    about: str
    figures: tuple[tuple[str, str], ...]
    """Pairs of an icon's name (or nothing) and a text."""
    spoken: str
    """All of it as a sentence, for a tip and for a screen reader."""


def found_row(repo: RepoSummary, verdict: Verdict | None, now: datetime) -> FoundRow:
    """Of a repository that was found."""
    parameters = parameters_of(repo)
    size = parameters_text(parameters) if parameters else ""
    changed = ago(repo.updated, now)
    gated = repo.access is Access.ON_REQUEST
    about = " · ".join(filter(None, (repo.author, size, licence_text(repo.licence))))
    figures = [("download", count_text(repo.downloads)), ("heart", count_text(repo.likes))]
    spoken = (
        repo.repo_id,
        f"{size} parameters" if size else "",
        f"{verdict_text(verdict)} (a guess from its size)" if verdict else "",
        f"{repo.downloads:,} downloads",
        f"{repo.likes:,} likes",
        f"changed {changed}" if changed else "",
        f"licence {licence_text(repo.licence)}" if repo.licence else "",
        "access on request" if gated else "",
    )
    return FoundRow(
        repo_id=repo.repo_id,
        title=repo.name,
        mark="",
        gated=gated,
        badge=verdict_text(verdict),
        tone=tone_of(verdict),
        about=about,
        figures=(*figures, ("", changed)),
        spoken=", ".join(filter(None, spoken)),
    )


def proposed_row(repo: CuratedRepo, verdict: Verdict, *, first: bool) -> FoundRow:
    """Of a model that Lamplight proposes; `first`: of all it proposes for this machine."""
    size = f"{parameters_text(repo.parameters)} · {size_text(repo.size_bytes)}"
    terms = (size, _CURATED_TASKS.get(repo.task, ""), licence_text(repo.licence))
    mark = "a good first choice" if first else ""
    spoken = (repo.label, mark, repo.about, verdict_text(verdict), *terms, repo.repo_id)
    return FoundRow(
        repo_id=repo.repo_id,
        title=repo.label,
        mark=mark,
        gated=False,
        badge=verdict_text(verdict),
        tone=tone_of(verdict),
        about=repo.about,
        figures=(("", " · ".join(filter(None, terms))),),
        spoken=", ".join(filter(None, spoken)),
    )


# --------------------------------------------------------------------------------- the page


def terms(details: RepoDetails, now: datetime) -> str:
    """The lines below a repository's name."""
    repo = details.summary
    parameters = parameters_of(repo)
    what = (
        f"{parameters_text(parameters)} parameters" if parameters else "",
        task_text(repo.task),
        repo.architecture,
        f"context {details.context_length:,}" if details.context_length else "",
        f"licence {licence_text(repo.licence)}" if repo.licence else "no licence told",
    )
    changed, made = ago(repo.updated, now), ago(details.created, now)
    known = (
        f"{repo.downloads:,} downloads in a month",
        f"{repo.likes:,} likes",
        f"changed {changed}" if changed else "",
        f"made {made}" if made and made != changed else "",
    )
    return "\n".join(" · ".join(filter(None, line)) for line in (what, known))


def tags_text(details: RepoDetails) -> str:
    """Its languages and tags, a line each, without what stands elsewhere already."""
    tags = [tag for tag in details.summary.tags if ":" not in tag]
    # Where a card names no language, its tags may.
    languages = details.languages or tuple(tag for tag in tags if tag in LANGUAGES)
    said = ("gguf", details.summary.task, *languages)
    lines = (_languages_text(languages), _tags_text([tag for tag in tags if tag not in said]))
    return "\n".join(filter(None, lines))


def _languages_text(codes: tuple[str, ...]) -> str:
    if not codes:
        return ""
    shown = ", ".join(LANGUAGES.get(code, code) for code in codes[:_MOST_LANGUAGES])
    more = len(codes) - _MOST_LANGUAGES
    heading = "Language" if len(codes) == 1 else "Languages"
    return f"{heading}: {shown} and {more} more" if more > 0 else f"{heading}: {shown}"


def _tags_text(tags: Sequence[str]) -> str:
    return f"Tags: {', '.join(tags[:_MOST_TAGS])}" if tags else ""


def variant_name(variant: Variant, variants: Sequence[Variant]) -> str:
    """`Q4_K_M`, or the file's name where that tells none, or another one of `variants` has it."""
    same = [other for other in variants if other.quantisation == variant.quantisation]
    if variant.quantisation and len(same) == 1:
        return variant.quantisation
    return variant.path.rpartition("/")[2].removesuffix(".gguf")


def variant_facts(variant: Variant, projector: RepoFile | None) -> tuple[str, str]:
    """Size, parts, what is fetched with it, and what it costs; the second without the last."""
    parts = len(variant.files)
    facts = (
        size_text(variant.size_bytes),
        f"{parts} parts" if parts > 1 else "",
        f"+ vision {size_text(projector.size_bytes)}" if projector else "",
    )
    short = " · ".join(filter(None, facts))
    return " · ".join(filter(None, (short, variant.quality))), short


def bits_of(variant: Variant) -> str:
    """The heading under which a variant stands: `4 bits`."""
    bits = _bits(variant)
    if not bits:
        return "Others"
    return f"{bits} bits" if bits > 1 else "1 bit"


def place_of(variant: Variant) -> tuple[int, int]:
    """Where it stands in the list: by its bits, then by its size; what tells none at the end."""
    return (_bits(variant) or 99, variant.size_bytes)


def _bits(variant: Variant) -> int:
    name = variant.quantisation.removeprefix("UD-")
    if name in ("F32", "F16", "BF16"):
        return int(name[-2:])
    return next((int(character) for character in name if character.isdigit()), 0)


def incomplete_text(names: tuple[str, ...]) -> str:
    """Of sharded files that lack a part; empty where there are none."""
    if not names:
        return ""
    shown = ", ".join(name.rpartition("/")[2] for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"Not offered, because a part is missing on the hub: {shown}{more}."


# ---------------------------------------------------------------------------------- pieces


def verdict_text(verdict: Verdict | None) -> str:
    """A word or two."""
    return verdict.value if verdict else ""


def tone_of(verdict: Verdict | None) -> str:
    """How loud they are."""
    return _TONES[verdict] if verdict else "muted"


def task_text(task: str) -> str:
    """The hub's `pipeline_tag` as people say it; as it is where nobody says it."""
    return _TASKS.get(task, task.replace("-", " "))


def licence_text(licence: str) -> str:
    """`Apache 2.0` of `apache-2.0`; what few people use is left as it is."""
    return _LICENCES.get(licence, licence)


def count_text(count: int) -> str:
    """`186k`, `1.2M`."""
    if count >= 999_500:
        return f"{count / 1e6:.1f}M"
    if count >= 9_950:
        return f"{count / 1e3:.0f}k"
    return f"{count / 1e3:.1f}k" if count >= 1000 else str(count)


def ago(milliseconds: int, now: datetime) -> str:
    """`today`, `3 days ago`, `2 months ago`; empty for 0, which is: not told."""
    if not milliseconds:
        return ""
    days = int((now.timestamp() - milliseconds / 1000) // _DAY)
    if days < 1:
        return "today"
    for length, unit in ((365, "year"), (30, "month"), (7, "week"), (1, "day")):
        count = days // length
        if count:
            return f"{count} {unit}s ago" if count > 1 else f"one {unit} ago"
    raise AssertionError("unreachable")
