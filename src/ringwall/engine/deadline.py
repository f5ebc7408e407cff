"""How is a deadline kept at no cost for what does not wait?

Most controls answer without ever waiting for anything, and a timer for each checkpoint would cost more than they do.
So a coroutine is first driven by hand; only one that really suspends gets a timer, and is carried on under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class _CarriedOn:
    """A coroutine that has already suspended once, as something that can be awaited."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        """Suspend where it has suspended, and pass on to it whatever comes: a result, an error, a cancellation."""
        coroutine, waits_for = self._coroutine, self._waits_for
        try:
            while True:
                try:
                    sent = yield waits_for
                except BaseException as error:
                    waits_for = coroutine.throw(error)
                else:
                    waits_for = coroutine.send(sent)
        except StopIteration as done:
            return done.value


async def within(coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
    """The coroutine's result.

    Raises:
        TimeoutError: It suspended, and did not end in time. What never suspends is not interrupted.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    async with asyncio.timeout(seconds):
        carried: T = await _CarriedOn(coroutine, waits_for)
        return carried
