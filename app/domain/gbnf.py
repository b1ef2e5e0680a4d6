"""Check a GBNF grammar before llama.cpp sees it, which would end the process over a bad one.

The syntax is that of `llama_grammar_parser` in llama.cpp's src/llama-grammar.cpp, and repetitions
are spelled out here as it does there, so that what is counted is what it will build. Stricter than
it on purpose: a rule that is defined twice, an empty set and an empty range are refused as slips;
left recursion is found also behind rules that may be empty (llama.cpp overlooks it and then never
ends); so are sizes that would exhaust its stack, memory or time. Tokens by name (`<…>`) are not
offered, as they depend on the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Final, NoReturn

from app.domain.errors import GrammarRefused

ROOT: Final = "root"
LONGEST: Final = 200_000
"""Characters of a grammar."""
MOST_REPEATS: Final = 2000
"""llama.cpp's MAX_REPETITION_THRESHOLD."""
_DEEPEST_NESTING: Final = 100
_DEEPEST_CHAIN: Final = 2500
"""Rules that begin with a rule that begins with a rule …: llama.cpp follows them recursively."""
_MOST_STEPS: Final = 1_000_000
_MOST_ELEMENTS: Final = 500_000

_HEX_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_ESCAPES: Final = frozenset('trn\\"[]-')
_END: Final = "\0"

_TERMINAL: Final = -1
_Alternate = list[int]
"""Rule numbers, and `_TERMINAL` for each character, set or dot."""


def check(text: str) -> None:
    """Raise `GrammarRefused`, with line and column, for what cannot bind an answer."""
    parser = _Parser(text)
    parser.parse()
    _refuse_what_never_ends(parser)


@dataclass(slots=True)
class _Rule:
    name: str
    """Of the rule in the text that it stands in."""
    used_at: int
    repeats: bool = False
    """Made from a sign of repetition."""
    alternates: list[_Alternate] | None = None
    """None until it is defined."""


@dataclass(slots=True)
class _Sequence:
    """The elements so far, and what a repetition sign would repeat."""

    elements: _Alternate = field(default_factory=list[int])
    last: int = 0
    weight: int = 1
    """How many rules the last item is made of."""

    def add(self, *elements: int, weight: int = 1) -> None:
        self.last, self.weight = len(self.elements), weight
        self.elements.extend(elements)


class _Parser:
    """Reads the text once, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text + _END
        self._at = 0
        self._depth = 0
        self._size = 0
        self._numbers: dict[str, int] = {}
        self.rules: list[_Rule] = []

    def parse(self) -> None:
        """Fill `rules`."""
        self._refuse_unreadable()
        self._space(newlines=True)
        while self._at < len(self._text) - 1:
            self._rule()
        if ROOT not in self._numbers:
            self.refuse(0, f"There is no rule named “{ROOT}”, where an answer begins.")
        for rule in self.rules:
            if rule.alternates is None:
                self.refuse(rule.used_at, f"There is no rule named “{rule.name}”.")

    def refuse(self, at: int, sentence: str) -> NoReturn:
        """Name the place."""
        before = self._text[:at]
        line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
        raise GrammarRefused(
            "The grammar cannot be used.",
            f"Line {line}, column {column}: {sentence}",
            "Correct it there, or let the answer be free.",
        )

    def _refuse_unreadable(self) -> None:
        if len(self._text) > LONGEST:
            self.refuse(LONGEST, f"A grammar has at most {LONGEST:,} characters.")
        for at, char in enumerate(self._text[:-1]):
            if char == _END or "\ud800" <= char <= "\udfff":
                self.refuse(at, "This character cannot be part of a grammar.")

    @property
    def _char(self) -> str:
        return self._text[self._at]

    def _space(self, *, newlines: bool) -> None:
        """Skip blanks and comments."""
        blanks = " \t\r\n" if newlines else " \t"
        while self._char in blanks or self._char == "#":
            if self._char == "#":
                while self._char not in "\r\n\0":
                    self._at += 1
            else:
                self._at += 1

    def _take(self, word: str, otherwise: str) -> None:
        if not self._text.startswith(word, self._at):
            self.refuse(self._at, otherwise)
        self._at += len(word)

    def _name(self) -> str:
        began = self._at
        while _is_word(self._char):
            self._at += 1
        if self._at == began:
            self.refuse(began, "The name of a rule is expected here (letters, digits, hyphens).")
        return self._text[began : self._at]

    def _number_of(self, name: str, at: int) -> int:
        if name not in self._numbers:
            self._numbers[name] = self._new(name, at)
        return self._numbers[name]

    def _new(self, name: str, at: int) -> int:
        self.rules.append(_Rule(name, at))
        return len(self.rules) - 1

    def _rule(self) -> None:
        began = self._at
        name = self._name()
        number = self._number_of(name, began)
        if self.rules[number].alternates is not None:
            self.refuse(began, f"The rule “{name}” is defined twice.")
        self.rules[number].used_at = began
        self._space(newlines=False)
        self._take("::=", "“::=” is expected after the name of a rule.")
        self._space(newlines=True)
        self.rules[number].alternates = self._alternates(name, nested=False)
        if self._char not in "\r\n\0":
            self.refuse(self._at, f"“{self._char}” is not expected here.")
        self._space(newlines=True)

    def _alternates(self, name: str, *, nested: bool) -> list[_Alternate]:
        found = [self._sequence(name, nested=nested)]
        while self._char == "|":
            self._at += 1
            self._space(newlines=True)
            found.append(self._sequence(name, nested=nested))
        return found

    def _sequence(self, name: str, *, nested: bool) -> _Alternate:
        sequence = _Sequence()
        while True:
            if self._char in "*+?{":
                self._repetition(sequence, name, nested=nested)
            elif not self._item(sequence, name):
                break
            self._space(newlines=nested)
        self._grow(len(sequence.elements))
        return sequence.elements

    def _grow(self, elements: int) -> None:
        self._size += elements
        if self._size > _MOST_ELEMENTS:
            self.refuse(self._at, "The grammar is too large with all repetitions spelled out.")

    def _item(self, sequence: _Sequence, name: str) -> bool:
        """Take what comes next; False where the sequence ends."""
        match self._char:
            case '"':
                sequence.add(*self._literal())
            case "[":
                self._set()
                sequence.add(_TERMINAL)
            case ".":
                self._at += 1
                sequence.add(_TERMINAL)
            case "(":
                self._group(sequence, name)
            case "<" | "!":
                self.refuse(self._at, "Tokens by name are not offered; write their text.")
            case char if _is_word(char):
                began = self._at
                sequence.add(self._number_of(self._name(), began))
            case _:
                return False
        return True

    def _literal(self) -> _Alternate:
        began = self._at
        self._at += 1
        count = 0
        while self._char != '"':
            if self._char == _END:
                self.refuse(began, "This text has no closing quotation mark.")
            self._one_character()
            count += 1
        self._at += 1
        return [_TERMINAL] * count

    def _set(self) -> None:
        began = self._at
        self._at += 1
        if self._char == "^":
            self._at += 1
        if self._char == "]":
            self.refuse(began, "This set of characters is empty.")
        while self._char != "]":
            if self._char == _END:
                self.refuse(began, "This set of characters has no closing bracket.")
            self._range()
            self._grow(1)
        self._at += 1

    def _range(self) -> None:
        began = self._at
        low = self._one_character()
        if self._char == "-" and self._text[self._at + 1] != "]":
            self._at += 1
            if self._one_character() < low:
                self.refuse(began, "This range runs backwards.")

    def _one_character(self) -> int:
        """Take a character or an escape; its code point."""
        char = self._char
        if char == _END:
            self.refuse(self._at, "The grammar ends too early.")
        self._at += 1
        if char != "\\":
            return ord(char)
        kind = self._char
        if kind in _HEX_DIGITS:
            return self._hex(_HEX_DIGITS[kind])
        if kind not in _ESCAPES:
            self.refuse(self._at - 1, "This escape is not known.")
        self._at += 1
        return ord({"t": "\t", "r": "\r", "n": "\n"}.get(kind, kind))

    def _hex(self, digits: int) -> int:
        word = self._text[self._at + 1 : self._at + 1 + digits]
        if len(word) < digits or not all(char in "0123456789abcdefABCDEF" for char in word):
            self.refuse(self._at - 1, f"This escape needs {digits} hexadecimal digits.")
        self._at += 1 + digits
        return int(word, 16)

    def _group(self, sequence: _Sequence, name: str) -> None:
        began = self._at
        self._depth += 1
        if self._depth > _DEEPEST_NESTING:
            self.refuse(began, f"Groups are nested deeper than {_DEEPEST_NESTING} levels.")
        self._at += 1
        self._space(newlines=True)
        before = len(self.rules)
        number = self._new(name, began)
        self.rules[number].alternates = self._alternates(name, nested=True)
        self._take(")", "“)” is expected here.")
        self._depth -= 1
        sequence.add(number, weight=len(self.rules) - before)

    def _repetition(self, sequence: _Sequence, name: str, *, nested: bool) -> None:
        began = self._at
        if sequence.last == len(sequence.elements):
            self.refuse(began, "There is nothing before this sign that it could repeat.")
        low, high = self._times(nested=nested)
        if high is not None and high < low:
            self.refuse(began, "The second number must not be smaller than the first.")
        sequence.weight *= high or low or 1
        if sequence.weight > MOST_REPEATS:
            self.refuse(began, f"Repetitions multiply to more than {MOST_REPEATS:,}.")
        optional = self._new_optional(name, began, 1 if high is None else high - low)
        self._spell_out(sequence, low, high, optional)

    def _times(self, *, nested: bool) -> tuple[int, int | None]:
        """How often at least and at most; None: without end."""
        sign = self._char
        self._at += 1
        if sign != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        self._space(newlines=nested)
        low = self._integer()
        high: int | None = low
        if self._char == ",":
            self._at += 1
            self._space(newlines=nested)
            high = self._integer() if _is_digit(self._char) else None
        self._space(newlines=nested)
        self._take("}", "“}” is expected here.")
        return low, high

    def _integer(self) -> int:
        began = self._at
        while _is_digit(self._char):
            self._at += 1
        word = self._text[began : self._at]
        if not word:
            self.refuse(began, "A number is expected here.")
        if len(word) > len(str(MOST_REPEATS)) or int(word) > MOST_REPEATS:
            self.refuse(began, f"At most {MOST_REPEATS:,} repetitions can be asked for.")
        self._space(newlines=False)
        return int(word)

    def _new_optional(self, name: str, at: int, count: int) -> list[int]:
        self._grow(count)
        first = len(self.rules)
        self.rules += [_Rule(name, at, repeats=True) for _ in range(count)]
        return list(range(first, first + count))

    def _spell_out(
        self, sequence: _Sequence, low: int, high: int | None, optional: list[int]
    ) -> None:
        """`S{m,n}` is S m times, then n-m nested optional ones; see `handle_repetitions` there."""
        repeated = sequence.elements[sequence.last :]
        self._grow(len(repeated) * (low + len(optional)))
        del sequence.elements[sequence.last :]
        sequence.elements.extend(repeated * low)
        following: int | None = None
        for number in optional:
            onward = number if high is None else following
            tail = [] if onward is None else [onward]
            self.rules[number].alternates = [[*repeated, *tail], []]
            following = number
        if following is not None:
            sequence.elements.append(following)


def _is_digit(char: str) -> bool:
    return "0" <= char <= "9"


def _is_word(char: str) -> bool:
    return "a" <= char <= "z" or "A" <= char <= "Z" or char == "-" or _is_digit(char)


def _refuse_what_never_ends(parser: _Parser) -> None:
    """Left recursion, and chains of rules that llama.cpp's own search for it would not survive."""
    rules = [rule.alternates or [] for rule in parser.rules]
    begins_with = _beginnings(rules, _possibly_empty(rules))
    try:
        order = list(TopologicalSorter(dict(enumerate(begins_with))).static_order())
    except CycleError as error:
        cycle: list[int] = error.args[1]
        rule = min((parser.rules[number] for number in cycle), key=_blame)
        if rule.repeats:
            parser.refuse(rule.used_at, "What is repeated here can be empty.")
        parser.refuse(rule.used_at, f"The rule “{rule.name}” can begin with itself.")
    depth, steps = [0] * len(rules), [1] * len(rules)
    for number in order:
        for other in begins_with[number]:
            depth[number] = max(depth[number], depth[other] + 1)
            steps[number] += steps[other]
        if depth[number] > _DEEPEST_CHAIN or steps[number] > _MOST_STEPS:
            rule = parser.rules[number]
            parser.refuse(rule.used_at, f"The rule “{rule.name}” branches too often.")


def _blame(rule: _Rule) -> tuple[bool, int]:
    """Rules that were written come before those made from signs, then the earlier one."""
    return rule.repeats, rule.used_at


def _possibly_empty(rules: list[list[_Alternate]]) -> list[bool]:
    """Which rules can be written with no character at all."""
    users: list[list[int]] = [[] for _ in rules]
    for number, alternates in enumerate(rules):
        for element in {e for alternate in alternates for e in alternate if e != _TERMINAL}:
            users[element].append(number)
    empty = [False] * len(rules)
    waiting = list(range(len(rules)))
    while waiting:
        number = waiting.pop()
        if empty[number]:
            continue
        if any(all(e != _TERMINAL and empty[e] for e in alternate) for alternate in rules[number]):
            empty[number] = True
            waiting.extend(users[number])
    return empty


def _beginnings(rules: list[list[_Alternate]], empty: list[bool]) -> list[list[int]]:
    """The rules that each rule can begin with, as often as it names them there."""
    found: list[list[int]] = [[] for _ in rules]
    for number, alternates in enumerate(rules):
        for alternate in alternates:
            for element in alternate:
                if element == _TERMINAL:
                    break
                found[number].append(element)
                if not empty[element]:
                    break
    return found
