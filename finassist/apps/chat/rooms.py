"""Conversations that are open in panels: their turns are taken in order, and every panel sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Protocol
from weakref import WeakSet, WeakValueDictionary

from finassist.answer import Answer
from finassist.sessions.store import Store


class Guest(Protocol):
    """A panel, as others on the same conversation see it."""

    @property
    def shown(self) -> bool:
        """Whether somebody can see it: its cell may have been cleared, or run again."""
        ...

    def others_came(self) -> None:
        """Another panel came onto a page: who else is still on one?"""

    def others_changed(self) -> None:
        """Another panel came, went, began or ended a turn."""

    def others_answered(self, answer: Answer) -> None:
        """Another panel has got an answer."""

    def others_deleted(self) -> None:
        """Another panel has deleted the conversation."""


class Room:
    """One conversation, for the panels of this process that are open on it."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._guests: WeakSet[Guest] = WeakSet()

    def join(self, guest: Guest) -> None:
        """From now on `guest` hears of what others do."""
        self._guests.add(guest)
        self.changed(guest)

    def leave(self, guest: Guest) -> None:
        """From now on it does not."""
        self._guests.discard(guest)
        self.changed(guest)

    def others(self, guest: Guest) -> list[Guest]:
        """Everybody else."""
        return [each for each in list(self._guests) if each is not guest]

    def company(self, guest: Guest) -> int:
        """How many others somebody can see."""
        return sum(each.shown for each in self.others(guest))

    def came(self, guest: Guest) -> None:
        """Somebody can see `guest` from now on."""
        for each in self.others(guest):
            each.others_came()

    def changed(self, guest: Guest) -> None:
        """Tell the others to look again."""
        for each in self.others(guest):
            each.others_changed()


_rooms: WeakValueDictionary[Hashable, Room] = WeakValueDictionary()


def room_of(store: Store, session_id: str) -> Room:
    """The room of a conversation: the same for two workflows on one file."""
    place: Hashable = str(store.file.sync.db_file) if store.file else id(store.sync or store.native)
    room = _rooms.get((place, session_id))
    if room is None:
        room = _rooms[place, session_id] = Room()
    return room
