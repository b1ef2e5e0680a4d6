"""From a JSON Schema to a GBNF grammar whose every text is JSON that parses.

Own and not llama-cpp-python's converter: that one lets raw line ends into strings and loses
backslashes of constants, so that an answer may not parse, and it tells no place. Written after
JSON Schema 2020-12 (and draft 7's `definitions` and list of `items`) and RFC 8259. The grammar is
narrower than the schema where that costs nothing: named properties come in the schema's order,
and properties that are not named are not written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

from app.domain import gbnf
from app.domain.errors import GrammarRefused

_DEEPEST: Final = 64

_FIXED: Final = {
    "ws": r'" "? | "\n"{1,2} [ \t]{0,20}',
    "value": "object | array | string | number | boolean | null",
    "object": r'"{" ws (string ws ":" ws value ws ("," ws string ws ":" ws value ws)*)? "}"',
    "array": r'"[" ws (value ws ("," ws value ws)*)? "]"',
    "string": r'"\"" char* "\""',
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" code)',
    "code": r"[0-9a-cA-CefEF] hex hex hex | [dD] [0-7] hex hex",
    "hex": r"[0-9a-fA-F]",
    "number": r'integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?',
    "integer": r'"-"? ("0" | [1-9] [0-9]{0,15})',
    "boolean": r'"true" | "false"',
    "null": r'"null"',
    "day": r'[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])',
    "clock": r'([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{3})? zone',
    "zone": r'"Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]',
    "uuid": r'hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12}',
}
_FORMATS: Final = {
    "date": "day",
    "time": "clock",
    "date-time": 'day "T" clock',
    "uuid": "uuid",
}
_LOOSE: Final = frozenset(
    {
        "contains",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "if",
        "maxContains",
        "maxProperties",
        "maximum",
        "minContains",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "pattern",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
"""What is not enforced while an answer is written."""
_IMPLIED: Final = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minItems": "array",
    "maxItems": "array",
    "minLength": "string",
    "maxLength": "string",
    "pattern": "string",
    "format": "string",
}

_PLAIN: Final = ("number", "integer", "boolean", "null", "value")

_Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SchemaGrammar:
    """A grammar, and the keywords of the schema that it does not enforce."""

    gbnf: str
    not_enforced: tuple[str, ...] = ()


def grammar_for(text: str) -> SchemaGrammar:
    """Turn a schema into a grammar; raises `GrammarRefused` with the place."""
    schema = _read(text)
    writer = _Writer(schema)
    root = writer.rule(schema, "")
    grammar = writer.grammar(root)
    try:
        gbnf.check(grammar)
    except GrammarRefused as error:
        raise _refusal(
            "It refers to itself without end, or is too large to be enforced."
        ) from error
    return SchemaGrammar(grammar, tuple(sorted(writer.loose)))


def _refusal(sentence: str) -> GrammarRefused:
    return GrammarRefused(
        "The JSON Schema cannot be used.",
        sentence,
        "Correct it there, or let the answer be free.",
    )


def _read(text: str) -> Any:
    def no_number(word: str) -> NoReturn:
        raise _refusal(f"{word} is not JSON.")

    try:
        return json.loads(text, parse_constant=no_number)
    except json.JSONDecodeError as error:
        place = f"Line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})."
        raise _refusal(place) from error
    except RecursionError as error:
        raise _refusal("It is nested too deeply.") from error
    except ValueError as error:
        raise _refusal("It contains a number that is too long.") from error


def _literal(value: Any) -> str:
    """A constant as it must be written."""
    text = json.dumps(value, ensure_ascii=False)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refuse(pointer: str, sentence: str) -> NoReturn:
    raise _refusal(f"At {pointer or 'the top'}: {sentence}")


class _Writer:
    """Collects rules; a part of the schema is one rule, named when it is first met."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._depth = 0
        self.loose: set[str] = set()

    def grammar(self, root: str) -> str:
        """All rules as text."""
        rules = {gbnf.ROOT: root, **self._rules, **_FIXED}
        return "\n".join(f"{name} ::= {body}" for name, body in rules.items()) + "\n"

    def rule(self, node: Any, pointer: str) -> str:
        """The name of the rule for this part."""
        if pointer not in self._names:
            self._depth += 1
            if self._depth > _DEEPEST:
                _refuse(pointer, f"it is nested deeper than {_DEEPEST} levels.")
            name = self._names[pointer] = f"part-{len(self._names)}"
            self._rules[name] = self._body(node, pointer)
            self._depth -= 1
        return self._names[pointer]

    def _named(self, body: str) -> str:
        name = f"rest-{len(self._rules)}"
        self._rules[name] = body
        return name

    def _body(self, node: Any, pointer: str) -> str:
        if node is True:
            return "value"
        if not isinstance(node, dict):
            _refuse(pointer, "an object is expected here.")
        schema = cast("_Node", node)
        self.loose |= _LOOSE & schema.keys()
        if "$ref" in schema:
            return self._reference(schema["$ref"], pointer)
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return " | ".join(_literal(value) for value in self._list(schema, "enum", pointer))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema and "properties" not in schema:
                return self._choice(schema, keyword, pointer)
            self.loose |= {keyword} & schema.keys()
        if "allOf" in schema:
            return self._body(self._merged(schema, pointer), pointer)
        return self._typed(schema, pointer)

    def _list(self, schema: _Node, keyword: str, pointer: str) -> list[Any]:
        value = schema[keyword]
        if not isinstance(value, list) or not value:
            _refuse(f"{pointer}/{keyword}", "a list with at least one entry is expected here.")
        return cast("list[Any]", value)

    def _choice(self, schema: _Node, keyword: str, pointer: str) -> str:
        nodes = self._list(schema, keyword, pointer)
        return " | ".join(
            self.rule(node, f"{pointer}/{keyword}/{number}") for number, node in enumerate(nodes)
        )

    def _reference(self, reference: Any, pointer: str) -> str:
        return self.rule(self._target(reference, pointer), cast("str", reference).lstrip("#"))

    def _target(self, reference: Any, pointer: str) -> Any:
        place = f"{pointer}/$ref"
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            _refuse(place, "only references inside the schema (“#/…”) can be followed.")
        found: Any = self._schema
        for step in reference.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = cast("_Node", found)[key]
            elif (
                isinstance(found, list)
                and key.isdecimal()
                and int(key) < len(cast("list[Any]", found))
            ):
                found = cast("list[Any]", found)[int(key)]
            else:
                _refuse(place, f"“{reference}” is not part of the schema.")
        return found

    def _merged(self, schema: _Node, pointer: str) -> _Node:
        """All parts of `allOf` and what stands beside it, as one."""
        merged: _Node = {"properties": {}, "required": []}
        beside = {key: value for key, value in schema.items() if key != "allOf"}
        for number, node in enumerate([*self._list(schema, "allOf", pointer), beside]):
            place = f"{pointer}/allOf/{number}"
            for _ in range(_DEEPEST):
                if not isinstance(node, dict) or "$ref" not in node:
                    break
                node = self._target(cast("_Node", node)["$ref"], place)
            if not isinstance(node, dict) or "$ref" in node:
                _refuse(place, "an object is expected here.")
            part = cast("_Node", node)
            if part.keys() & {"anyOf", "oneOf", "allOf"}:
                _refuse(place, "a choice inside “allOf” cannot be enforced.")
            merged["properties"] |= self._dict(part, "properties", place)
            merged["required"] += self._required(part, place)
            merged |= {k: v for k, v in part.items() if k not in ("properties", "required")}
        return {key: value for key, value in merged.items() if value not in ({}, [])}

    def _typed(self, schema: _Node, pointer: str) -> str:
        kind = schema.get("type")
        if kind is None:
            kind = next((_IMPLIED[key] for key in schema if key in _IMPLIED), "value")
        kinds = cast("list[Any]", kind) if isinstance(kind, list) else [kind]
        if not kinds:
            _refuse(f"{pointer}/type", "a type is expected here.")
        return " | ".join(self._one_type(schema, one, pointer) for one in kinds)

    def _one_type(self, schema: _Node, kind: Any, pointer: str) -> str:
        writers: dict[str, Callable[[_Node, str], str]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
        }
        if not isinstance(kind, str) or kind not in (*writers, *_PLAIN):
            _refuse(f"{pointer}/type", f"“{kind}” is not a type of JSON.")
        return writers[kind](schema, pointer) if kind in writers else kind

    def _dict(self, schema: _Node, keyword: str, pointer: str) -> _Node:
        value = schema.get(keyword, {})
        if not isinstance(value, dict):
            _refuse(f"{pointer}/{keyword}", "an object is expected here.")
        return cast("_Node", value)

    def _required(self, schema: _Node, pointer: str) -> list[str]:
        names = schema.get("required", [])
        if not isinstance(names, list) or not all(
            isinstance(name, str) for name in cast("list[Any]", names)
        ):
            _refuse(f"{pointer}/required", "a list of names is expected here.")
        return cast("list[str]", names)

    def _object(self, schema: _Node, pointer: str) -> str:
        properties = self._dict(schema, "properties", pointer)
        names = self._required(schema, pointer)
        properties = properties | {name: True for name in names if name not in properties}
        if not properties:
            return self._map(schema, pointer)
        members = [
            (
                f'{_literal(name)} ws ":" ws '
                + self.rule(node, f"{pointer}/properties/{_step(name)}"),
                name in names,
            )
            for name, node in properties.items()
        ]
        return f'"{{" ws {self._members(members)} "}}"'

    def _map(self, schema: _Node, pointer: str) -> str:
        """An object whose names are free."""
        node = schema.get("additionalProperties", True)
        if node is False:
            return '"{" ws "}"'
        pair = f'string ws ":" ws {self.rule(node, f"{pointer}/additionalProperties")} ws'
        return f'"{{" ws ({pair} ("," ws {pair})*)? "}}"'

    def _members(self, members: list[tuple[str, bool]]) -> str:
        """Members in order, the optional ones left out at will, commas only between them."""
        first, after = "", ""
        for pair, needed in reversed(members):
            written = self._named(f"{pair} ws {after}")
            if needed:
                first = written
            else:
                first = self._named(f"{written} | {first}" if first else f"{written}?")
            later = f'"," ws {pair} ws'
            after = self._named(f"{later} {after}" if needed else f"({later})? {after}")
        return first

    def _array(self, schema: _Node, pointer: str) -> str:
        items = schema.get("prefixItems", schema.get("items", True))
        if isinstance(items, list):
            keyword = "prefixItems" if "prefixItems" in schema else "items"
            nodes = enumerate(self._list(schema, keyword, pointer))
            rules = [self.rule(node, f"{pointer}/{keyword}/{number}") for number, node in nodes]
            return '"[" ws ' + ' ws "," ws '.join(rules) + ' ws "]"'
        low, high = self._bounds(schema, "Items", pointer)
        if high == 0:
            return '"[" ws "]"'
        item = self.rule(items, f"{pointer}/items")
        more = _times(max(0, low - 1), None if high is None else high - 1)
        body = f'{item} ws ("," ws {item} ws){more}'
        return f'"[" ws {body} "]"' if low else f'"[" ws ({body})? "]"'

    def _string(self, schema: _Node, pointer: str) -> str:
        form = schema.get("format")
        if isinstance(form, str) and form in _FORMATS:
            return f'"\\"" {_FORMATS[form]} "\\""'
        if form is not None:
            self.loose.add("format")
        low, high = self._bounds(schema, "Length", pointer)
        return f'"\\"" char{_times(low, high)} "\\""'

    def _bounds(self, schema: _Node, of: str, pointer: str) -> tuple[int, int | None]:
        low, high = schema.get(f"min{of}", 0), schema.get(f"max{of}")
        for keyword, value in ((f"min{of}", low), (f"max{of}", high)):
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            if value is not None and not whole:
                _refuse(f"{pointer}/{keyword}", "a whole number is expected here.")
        if low is None or low > gbnf.MOST_REPEATS:
            _refuse(f"{pointer}/min{of}", f"at most {gbnf.MOST_REPEATS:,} can be enforced.")
        if high is not None and high > gbnf.MOST_REPEATS:
            self.loose.add(f"max{of}")
            high = None
        if high is not None and high < low:
            _refuse(f"{pointer}/max{of}", f"it is smaller than “min{of}”.")
        return low, high


def _step(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _times(low: int, high: int | None) -> str:
    return f"{{{low},{'' if high is None else high}}}"
