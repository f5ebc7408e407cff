from __future__ import annotations

import asyncio

import pytest

from ringwall.engine.deadline import within


def test_what_never_waits_is_done_at_once_and_never_late():
    async def answer():
        return 5

    async def scenario():
        return await within(answer(), 0)

    assert asyncio.run(scenario()) == 5


def test_what_waits_is_carried_on_where_it_stood():
    async def answer():
        first = await asyncio.sleep(0, "a")
        second = await asyncio.sleep(0.001, "b")
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, "c")
        async with asyncio.timeout(1):
            return first + second + await future

    assert asyncio.run(_within(answer(), 5)) == "abc"


async def _within(coroutine, seconds):
    return await within(coroutine, seconds)


def test_what_waits_too_long_is_interrupted_and_may_clean_up():
    cleaned = []

    async def slow():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    with pytest.raises(TimeoutError):
        asyncio.run(_within(slow(), 0.01))
    assert cleaned == [True]


@pytest.mark.parametrize("waits", [False, True])
def test_an_error_comes_out_as_it_is(waits):
    async def wrong():
        if waits:
            await asyncio.sleep(0)
        raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(_within(wrong(), 1))


def test_an_error_of_what_is_waited_for_is_thrown_in():
    async def careful():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_exception, ValueError("x"))
        try:
            await future
        except ValueError:
            return "caught"

    assert asyncio.run(_within(careful(), 1)) == "caught"


def test_a_cancellation_from_outside_is_no_timeout():
    async def scenario():
        task = asyncio.ensure_future(within(asyncio.sleep(60), 30))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_a_timeout_inside_is_its_own():
    async def inner():
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)
        except TimeoutError:
            return "inner"

    assert asyncio.run(_within(inner(), 5)) == "inner"
