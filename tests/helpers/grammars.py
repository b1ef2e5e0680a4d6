"""Grammars for tests: good ones, bad ones with their place, and how to damage one."""

from __future__ import annotations

import random

GOOD = {
    "choice": 'root ::= "yes" | "no"\n',
    "comments": '# a list\nroot ::= item+ # more\nitem ::= "- " [^\\r\\n\\x0b\\x0c]+ "\\n"\n',
    "groups": 'root ::= ("a" ("b" | [c-e])?\n  | "f"){2,3} end?\nend ::= . | ""',
    "arithmetic": (
        'root  ::= (expr "=" ws term "\\n")+\n'
        "expr  ::= term ([-+*/] term)*\n"
        'term  ::= ident | num | "(" ws expr ")" ws\n'
        "ident ::= [a-z] [a-z0-9_]* ws\nnum   ::= [0-9]+ ws\nws    ::= [ \\t\\n]*\n"
    ),
    "escapes": 'root ::= "\\x41\\u00e9\\U0001F600\\"" [\\]\\-a-] "ü"\r\n',
    "counted": 'root ::= "a"{3} b{0,2} c{1,}\nb ::= "b"\nc ::= "c" b?',
    "many": 'root ::= "a"{0,2000}',
}
"""Read by llama.cpp."""

BAD = [
    ("", 1, 1, "no rule named “root”"),
    ('other ::= "a"', 1, 1, "no rule named “root”"),
    ('root ::= "a" x', 1, 14, "no rule named “x”"),
    ('root ::= "a"\nroot ::= "b"', 2, 1, "defined twice"),
    ('root "a"', 1, 6, "“::=”"),
    ('root ::= "a', 1, 10, "closing quotation mark"),
    ("root ::= [ab", 1, 10, "closing bracket"),
    ("root ::= []", 1, 10, "empty"),
    ("root ::= [b-a]", 1, 11, "backwards"),
    ('root ::= ("a"', 1, 14, "“)”"),
    ('root ::= "a")', 1, 13, "not expected"),
    ('root ::= "\\q"', 1, 11, "escape"),
    ('root ::= "\\x4"', 1, 11, "2 hexadecimal digits"),
    ("root ::= *", 1, 10, "nothing before"),
    ('root ::= "a"{5,2}', 1, 13, "smaller than the first"),
    ('root ::= "a"{99999999999999999999}', 1, 14, "At most 2,000"),
    ('root ::= "a"{,3}', 1, 14, "number is expected"),
    ('root ::= ("a"{2000}){2000} ("b"{0,500}){9}', 1, 40, "multiply"),
    ("root ::= <think>", 1, 10, "by name"),
    ('root ::= "a\0b"', 1, 12, "cannot be part"),
    ('root ::= "\ud800"', 1, 11, "cannot be part"),
    ('root ::= root "a" | "b"', 1, 1, "begin with itself"),
    ('root ::= a root "x"\na ::= b\nb ::= ""', 1, 1, "begin with itself"),
    ('root ::= "x"\n\na ::= b "y"\nb ::= a?', 3, 1, "begin with itself"),
    ('root ::= ("a"*)*', 1, 16, "can be empty"),
    ("root ::= " + "(" * 101, 1, 110, "nested deeper"),
    ('root ::= "' + "a" * 300 + '"{2000}', 1, 318, "too large"),
    (
        "root ::= r0\n"
        + "".join(f"r{n} ::= r{n + 1} | r{n + 1}\n" for n in range(40))
        + 'r40 ::= "a"',
        23,
        1,
        "branches too often",
    ),
]
"""Text, line, column, and a piece of the sentence. Most of these end llama.cpp's process."""

_ALPHABET = 'abr01|()[]{}*+?"\\-^.,:=#<!x \n'


def damaged(seed: int) -> str:
    """One of the good grammars with one to three pieces taken out, put in or exchanged."""
    chance = random.Random(seed)
    text = list(chance.choice(list(GOOD.values())))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text))
        text[at : at + chance.randint(0, 2)] = chance.choices(_ALPHABET, k=chance.randint(0, 2))
    return "".join(text)
