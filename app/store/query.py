"""What a person types into the search field, as terms and as an FTS5 expression.

No text can make the expression invalid: every term goes into it as a quoted string, in which only
the quotation mark is special (sqlite.org/fts5.html, section 3.1), and no term holds one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.store.values import storable

LONGEST = 1_000
"""Characters of a query that are looked at."""
MOST_TERMS = 24
"""FTS5 refuses deep expressions; nobody types more words than this to find something."""

_TERM = re.compile(r'"([^"]*)"|([^\s"]+)')
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana, Han, Hangul: written without spaces between words, or with
endings joined to them, so that the tokenizer (unicode61) sees no words to find."""


@dataclass(frozen=True, slots=True)
class Query:
    """Every term must occur; words and quoted phrases alike."""

    terms: tuple[str, ...]
    open_ended: bool
    """The last term is a word that may go on."""

    @property
    def has_words(self) -> bool:
        """The full-text index knows all terms as words."""
        return all(_is_indexed(term) for term in self.terms)

    @property
    def expression(self) -> str:
        """For MATCH."""
        quoted = " AND ".join(f'"{term}"' for term in self.terms)
        return quoted + " *" if self.open_ended else quoted


def parse(text: str) -> Query:
    """Split at white space, except inside quotation marks; a missing closing one is forgiven."""
    # FTS5 takes the expression as a C string.
    text = storable(text[:LONGEST]).replace("\0", " ")
    if text.count('"') % 2:
        text += '"'
    terms: list[str] = []
    open_ended = False
    for phrase, word in _TERM.findall(text):
        term = (phrase or word).strip()
        if term and len(terms) < MOST_TERMS:
            terms.append(term)
            # After "C++" or "end." the word is over, and only the sign is not in the index.
            open_ended = bool(word) and word[-1].isalnum()
    return Query(tuple(terms), open_ended)


def _is_indexed(term: str) -> bool:
    return any(map(str.isalnum, term)) and not _UNSPACED.search(term)
