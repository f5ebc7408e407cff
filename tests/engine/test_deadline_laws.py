"""A deadline passes everything through, whether a coroutine waits or not, and ends what waits too long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ringwall.engine.deadline import within

LONG_S = 30.0


async def at_once() -> None:
    """Suspends never."""


async def soon() -> None:
    """Suspends several times, once on a future of its own."""
    await asyncio.sleep(0)
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, None)
    await future
    await asyncio.sleep(0)


waits = pytest.mark.parametrize("wait", [at_once, soon])
Wait = Callable[[], Awaitable[None]]


@waits
def test_a_result_comes_through(wait: Wait):
    async def answer() -> str:
        await wait()
        return "fine"

    assert asyncio.run(within(answer(), LONG_S)) == "fine"


@waits
@pytest.mark.parametrize("error", [ValueError("a bug"), asyncio.CancelledError(), TimeoutError("its own"), KeyError()])
def test_an_error_comes_through_as_it_is(wait: Wait, error: BaseException):
    async def fail() -> None:
        await wait()
        raise error

    async def run() -> BaseException | None:
        try:
            await within(fail(), LONG_S)
        except BaseException as found:
            return found
        return None

    assert asyncio.run(run()) is error


def test_an_error_of_what_it_waits_for_reaches_it():
    async def catch() -> str:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_exception, ValueError("broken"))
        try:
            await future
        except ValueError as error:
            await asyncio.sleep(0)
            return str(error)
        return "nothing"

    assert asyncio.run(within(catch(), LONG_S)) == "broken"


def test_a_cancellation_reaches_it_and_comes_through():
    seen = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    async def run() -> bool:
        task = asyncio.ensure_future(within(wait(), LONG_S))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(run())
    assert seen == ["ended"]


def test_what_waits_too_long_is_ended_and_tidies_up():
    seen = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("ended")

    with pytest.raises(TimeoutError):
        asyncio.run(within(wait(), 0.01))
    assert seen == ["ended"]


def test_a_deadline_that_is_past_ends_what_waits_and_not_what_does_not():
    with pytest.raises(TimeoutError):
        asyncio.run(within(asyncio.Event().wait(), 0))
    asyncio.run(within(at_once(), 0))


def test_deadlines_nest_and_the_shorter_one_ends():
    async def outer() -> str:
        await asyncio.sleep(0)
        try:
            await within(asyncio.Event().wait(), 0.01)
        except TimeoutError:
            return "the inner one"
        return "none"

    assert asyncio.run(within(outer(), LONG_S)) == "the inner one"
