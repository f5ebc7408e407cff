"""The address that was judged is the one that is connected to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from ringwall.dataplane.egress.network import Network, resolve
from ringwall.dataplane.gateway.addresses import RefusedAddressError
from tests.dataplane.egress.doors import far


@pytest.mark.parametrize(
    ("address", "private", "reached"),
    [
        ("93.184.216.34", (), True),
        ("127.0.0.1", (), False),
        ("10.1.2.3", (), False),
        ("10.1.2.3", ("10.1.2.0/24",), True),
        ("10.1.3.3", ("10.1.2.0/24",), False),
        ("169.254.169.254", (), False),
        ("169.254.169.254", ("169.254.0.0/16",), False),  # a network is not enough for it
        ("169.254.169.254", ("169.254.169.254/32",), True),  # by explicit entry only
        ("fd00:ec2::254", ("fd00::/8",), False),
        ("::ffff:127.0.0.1", (), False),
        ("64:ff9b::7f00:1", (), False),
        ("0.0.0.0", ("0.0.0.0/8",), False),
    ],
)
def test_private_addresses_are_reached_by_entry_only(address: str, private: tuple[str, ...], reached: bool) -> None:
    assert Network(private).may_reach(ip_address(address)) is reached


def test_a_name_is_asked_once_and_the_judged_address_connected_to() -> None:
    async def main() -> None:
        answers = [["127.0.0.1"], ["10.0.0.1"]]  # rebinding: the second answer is another one

        async def rebinding(host: str, port: int) -> Sequence[str]:
            return answers.pop(0)

        async with far(echo=True) as there:
            network = Network(("127.0.0.0/8",), resolver=rebinding)
            _, writer = await network.connect("shop.example", there.port)
            assert writer.get_extra_info("peername")[0] == "127.0.0.1"
            writer.close()
            with pytest.raises(RefusedAddressError):
                await network.connect("shop.example", there.port)

    asyncio.run(main())


def test_of_two_addresses_the_allowed_one_is_taken() -> None:
    async def main() -> None:
        async def both(host: str, port: int) -> Sequence[str]:
            return ["169.254.169.254", "127.0.0.1"]

        async with far(echo=True) as there:
            _, writer = await Network(("127.0.0.0/8",), resolver=both).connect("shop.example", there.port)
            assert writer.get_extra_info("peername")[0] == "127.0.0.1"
            writer.close()

    asyncio.run(main())


def test_a_destination_that_is_not_there_is_an_error_and_a_slow_name_server_too() -> None:
    async def main() -> None:
        async def slow(host: str, port: int) -> Sequence[str]:
            await asyncio.sleep(60)
            return []

        async def odd(host: str, port: int) -> Sequence[str]:
            return ["not an address"]

        async with far() as there:
            free = there.port
        with pytest.raises(OSError):
            await Network(("127.0.0.0/8",)).connect("127.0.0.1", free)
        with pytest.raises(TimeoutError):
            await Network(connect_s=0.05, resolver=slow).connect("shop.example", 80)
        with pytest.raises(OSError):
            await Network(resolver=odd).connect("shop.example", 80)

    asyncio.run(main())


def test_the_system_knows_this_machine() -> None:
    assert "127.0.0.1" in asyncio.run(resolve("localhost", 80))
