"""Messages to show, and a text with every construct."""

from __future__ import annotations

from app.domain.conversation import ChatParams, Message, MessageStatus, Part, Run
from app.domain.generation import FinishReason, PartKind, Role, RunStats

EVERYTHING = """# Title

A paragraph with **bold**, *italic*, ~~struck~~, `code`, a [link](https://example.com/a) and
a second line.

## Lists

- one
- two
  - nested
  - [x] done
- three

1. first

   ```python
   x = 1  # inside an item
   ```
2. second

> quoted
>
> - in a quote
> > deeper

| Name | Size |
|:-----|-----:|
| a    | 1    |
| `b`  | **2** |

---

~~~
plain ``` fence
~~~

    indented code

End with <b>tags</b>, ![picture](https://example.com/p.png) and 日本語 🙂.
"""


def run(finish: FinishReason | None = FinishReason.STOP, **more: str) -> Run:
    """What an answer of 512 tokens took."""
    stats = RunStats(answer_tokens=512, first_token_seconds=0.42, decode_seconds=13.4)
    return Run("Tiny", "/tiny.gguf", ChatParams(), stats, finish, **more)


def message(
    message_id: int,
    role: Role,
    text: str,
    *,
    status: MessageStatus = MessageStatus.DONE,
    of: Run | None = None,
    siblings: tuple[int, ...] = (),
    reasoning: str = "",
) -> Message:
    """One message of conversation 1."""
    parts = [Part(PartKind.REASONING, reasoning)] if reasoning else []
    parts += [Part(PartKind.TEXT, text)] if text else []
    return Message(
        id=message_id,
        conversation_id=1,
        parent_id=message_id - 1 or None,
        role=role,
        status=status,
        created_at=0,
        parts=tuple(parts),
        run=of,
        sibling_ids=siblings or (message_id,),
    )


def question(message_id: int, text: str = "Why?") -> Message:
    """From the person."""
    return message(message_id, Role.USER, text)


def answer(message_id: int, text: str = "Because.", **more: object) -> Message:
    """A finished one."""
    return message(message_id, Role.ASSISTANT, text, **{"of": run(), **more})


def streaming(message_id: int, text: str = "") -> Message:
    """An answer that is being written."""
    return message(message_id, Role.ASSISTANT, text, status=MessageStatus.STREAMING)


def talk(count: int, text: str = "A few words.\n\n- and\n- a list\n") -> list[Message]:
    """Questions and answers in turn."""
    return [answer(n, text) if n % 2 == 0 else question(n) for n in range(1, count + 1)]
