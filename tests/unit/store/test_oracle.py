"""Whatever is done in whatever order: the store says what a plain tree in memory says."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.domain.conversation import MessageStatus, Part
from app.domain.generation import PartKind, Role
from app.store import conversations, messages, tree
from app.store.opening import open_in_memory
from app.store.query import parse
from app.store.search import search
from app.store.transaction import transaction
from tests.unit.store.building import PARAMS, RUN, sound

CHOICE = st.integers(0, 1_000)
TEXT = st.text(st.sampled_from("ab é\n👍東"), min_size=1, max_size=8)


@dataclass
class Node:
    """What is known of a message."""

    conversation: int
    parent: int | None
    streaming: bool
    pieces: list[tuple[PartKind, str]] = field(default_factory=list)

    @property
    def parts(self) -> tuple[Part, ...]:
        """As the store joins them."""
        joined: list[Part] = []
        for kind, text in self.pieces:
            if joined and joined[-1].kind is kind:
                joined[-1] = Part(kind, joined[-1].text + text)
            else:
                joined.append(Part(kind, text))
        return tuple(joined)


class StoreMachine(RuleBasedStateMachine):
    """Both side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.db = open_in_memory()
        self.heads: dict[int, int | None] = {}
        self.nodes: dict[int, Node] = {}

    def teardown(self) -> None:
        self.db.close()

    def any_conversation(self, choice: int) -> int:
        return list(self.heads)[choice % len(self.heads)]

    def any_place(self, conversation: int, choice: int) -> int | None:
        places = [None, *(i for i, n in self.nodes.items() if n.conversation == conversation)]
        return places[choice % len(places)]

    def any_streaming(self, choice: int) -> int | None:
        streaming = [ident for ident, node in self.nodes.items() if node.streaming]
        return streaming[choice % len(streaming)] if streaming else None

    @rule()
    def begin(self) -> None:
        with transaction(self.db):
            self.heads[conversations.create(self.db, PARAMS, None, 1).id] = None

    @precondition(lambda self: self.heads)
    @rule(which=CHOICE, where=CHOICE, text=TEXT)
    def ask(self, which: int, where: int, text: str) -> None:
        conversation = self.any_conversation(which)
        parent = self.any_place(conversation, where)
        with transaction(self.db):
            user, answer = messages.add_turn(self.db, conversation, parent, text, 1)
        self.nodes[user.id] = Node(conversation, parent, False, [(PartKind.TEXT, text)])
        self.nodes[answer.id] = Node(conversation, user.id, True)
        self.heads[conversation] = answer.id

    @precondition(lambda self: self.heads)
    @rule(which=CHOICE, where=CHOICE, text=TEXT | st.just(""))
    def add(self, which: int, where: int, text: str) -> None:
        conversation = self.any_conversation(which)
        parent = self.any_place(conversation, where)
        with transaction(self.db):
            added = messages.add(
                self.db, conversation, parent, Role.ASSISTANT, text, MessageStatus.DONE, 1
            )
        pieces = [(PartKind.TEXT, text)] if text else []
        self.nodes[added] = Node(conversation, parent, False, pieces)
        self.heads[conversation] = added

    @rule(which=CHOICE, kind=st.sampled_from(PartKind), text=TEXT)
    def append(self, which: int, kind: PartKind, text: str) -> None:
        ident = self.any_streaming(which)
        if ident is not None:
            with transaction(self.db):
                messages.append(self.db, ident, kind, text)
            self.nodes[ident].pieces.append((kind, text))

    @rule(which=CHOICE)
    def finish(self, which: int) -> None:
        ident = self.any_streaming(which)
        if ident is not None:
            with transaction(self.db):
                messages.finish(self.db, ident, MessageStatus.DONE, RUN, 1)
            self.nodes[ident].streaming = False

    @rule()
    def recover(self) -> None:
        with transaction(self.db):
            count = messages.recover(self.db, 1)
        assert count == sum(node.streaming for node in self.nodes.values())
        for node in self.nodes.values():
            node.streaming = False

    @precondition(lambda self: self.heads)
    @rule(which=CHOICE, where=CHOICE)
    def move_head(self, which: int, where: int) -> None:
        conversation = self.any_conversation(which)
        self.heads[conversation] = self.any_place(conversation, where)
        with transaction(self.db):
            conversations.set_head(self.db, conversation, self.heads[conversation])

    @invariant()
    def paths_agree(self) -> None:
        for conversation, head in self.heads.items():
            expected: list[int] = []
            while head is not None:
                expected.insert(0, head)
                head = self.nodes[head].parent
            assert [m.id for m in tree.path(self.db, conversation)] == expected

    @invariant()
    def every_text_is_reachable(self) -> None:
        for message in tree.messages(self.db, list(self.nodes)):
            node = self.nodes[message.id]
            assert message.parts == node.parts
            assert (message.status is MessageStatus.STREAMING) == node.streaming
            assert message.sibling_ids == tuple(
                ident
                for ident, other in self.nodes.items()
                if (other.conversation, other.parent) == (node.conversation, node.parent)
            )

    @invariant()
    def leaves_agree(self) -> None:
        for ident in self.nodes:
            below = {ident}
            for other, node in self.nodes.items():
                if node.parent in below:
                    below.add(other)
            assert tree.newest_leaf(self.db, ident) == max(below)

    @invariant()
    def what_has_ended_is_found(self) -> None:
        expected = {
            ident
            for ident, node in self.nodes.items()
            if not node.streaming and any("東" in part.text for part in node.parts)
        }
        assert {hit.message_id for hit in search(self.db, parse("東"), 1_000)} == expected
        assert sound(self.db)


StoreMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
TestStore = StoreMachine.TestCase
