"""Facts for whoever listens, in the event loop's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Broadcast(Generic[T]):
    """Calls every listener with each fact, in the order of subscription.

    Confined to one thread. A listener that unsubscribes while a fact is told is still told it.
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[T], None]] = []

    def subscribe(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Hear every fact from now on; the returned call ends it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def publish(self, fact: T) -> None:
        """Tell everybody."""
        for listener in tuple(self._listeners):
            listener(fact)
