"""What was granted is carried out, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from ringwall.engine.granting import lent
from ringwall.model.verdict import Grant
from tests.fakes import MemoryLeases, interaction, text_part


def test_without_a_grant_nothing_is_leased():
    leases = MemoryLeases()

    async def main():
        async with lent(leases, interaction(text_part("x")), [Grant("unseal", "k")]) as context:
            return dict(context)

    assert asyncio.run(main()) == {} and leases.taken == []


def test_a_lease_ends_with_an_error_and_with_a_cancellation():
    leases = MemoryLeases()

    async def main(error):
        async with lent(leases, interaction(text_part("x")), [Grant("lease", "c"), Grant("lease", "c")]):
            raise error

    for error in (ValueError("x"), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            asyncio.run(main(error))
    assert leases.given_back == ["lease-1", "lease-2"]
