"""`lamplight conversations`: what is kept, for reading."""

from __future__ import annotations

import datetime
from typing import Any, Final

from app.cli.commands import DONE, ListConversations, SearchConversations, ShowConversation
from app.cli.output import Output
from app.domain.conversation import (
    HIT_END,
    HIT_START,
    Conversation,
    ConversationSummary,
    Message,
    MessageStatus,
    SearchHit,
)
from app.domain.generation import Role
from app.services import Services

_UNTITLED: Final = "(untitled)"
_WRITERS: Final = {Role.SYSTEM: "System", Role.USER: "You", Role.ASSISTANT: "Assistant"}
_REMARKS: Final = {
    MessageStatus.STREAMING: "still being written",
    MessageStatus.STOPPED: "stopped",
    MessageStatus.INTERRUPTED: "interrupted",
    MessageStatus.FAILED: "failed",
}


async def list_conversations(command: ListConversations, services: Services, output: Output) -> int:
    """One line each: number, last use, title."""
    found = await services.conversations.list()
    if command.json:
        output.document([_summary(summary) for summary in found])
        return DONE
    width = max((len(str(summary.id)) for summary in found), default=0)
    for summary in found:
        title = summary.title or _UNTITLED
        output.line(f"{summary.id:>{width}}  {_local(summary.updated_at)}  {title}")
    if not found:
        output.note("There are no conversations yet.")
    return DONE


async def show_conversation(command: ShowConversation, services: Services, output: Output) -> int:
    """Title and messages, from the first to the last that is shown in the window."""
    conversation = await services.conversations.open(command.conversation_id)
    path = await services.conversations.path(command.conversation_id)
    if command.json:
        output.document(_whole(conversation, path))
        return DONE
    output.line(conversation.title or _UNTITLED)
    for message in path:
        remark = _REMARKS.get(message.status)
        output.line()
        output.line(f"{_WRITERS[message.role]}{f' ({remark})' if remark else ''}:")
        output.line(message.text.rstrip("\n"))
    return DONE


async def search_conversations(
    command: SearchConversations, services: Services, output: Output
) -> int:
    """Two lines for each hit: where, and what was found."""
    found = await services.conversations.search(command.query)
    if command.json:
        output.document([_hit(hit) for hit in found])
        return DONE
    for hit in found:
        writer = _WRITERS[hit.role] if hit.role else "title"
        title = hit.title or _UNTITLED
        output.line(f"{hit.conversation_id}  {_local(hit.created_at)}  {title}  [{writer}]")
        output.snippet(f"    {' '.join(hit.snippet.split())}")
    if not found:
        output.note("Nothing was found.")
    return DONE


def _summary(summary: ConversationSummary) -> dict[str, Any]:
    return {
        "id": summary.id,
        "title": summary.title,
        "created_at": _utc(summary.created_at),
        "updated_at": _utc(summary.updated_at),
    }


def _whole(conversation: Conversation, path: list[Message]) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": _utc(conversation.created_at),
        "updated_at": _utc(conversation.updated_at),
        "system_prompt": conversation.params.system_prompt,
        "messages": [
            {
                "id": message.id,
                "role": message.role.value,
                "status": message.status.value,
                "created_at": _utc(message.created_at),
                "text": message.text,
                "reasoning": message.reasoning,
                "model": message.run.model_name if message.run else None,
            }
            for message in path
        ],
    }


def _hit(hit: SearchHit) -> dict[str, Any]:
    return {
        "conversation_id": hit.conversation_id,
        "message_id": hit.message_id,
        "title": hit.title,
        "role": hit.role.value if hit.role else None,
        "snippet": hit.snippet.replace(HIT_START, "").replace(HIT_END, ""),
        "created_at": _utc(hit.created_at),
    }


def _moment(milliseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)


def _utc(milliseconds: int) -> str:
    return _moment(milliseconds).isoformat(timespec="milliseconds")


def _local(milliseconds: int) -> str:
    return _moment(milliseconds).astimezone().strftime("%Y-%m-%d %H:%M")
