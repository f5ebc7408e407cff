"""Key sets: rotation, outages, floods of forged ids, and keys that are of no use."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from ringwall.dataplane.gateway.keysets import (
    FIRST_RETRY_S,
    FRESH_S,
    MAX_KEYS,
    RETRY_S,
    STALE_S,
    CachedKeySets,
    read_jwks,
)
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.identity import TrustedIssuer

ISSUER = TrustedIssuer("https://id.example", frozenset({"ringwall"}), jwks_uri="https://id.example/jwks")
ONE = ECKey.generate_key("P-256", {"kid": "one"})
TWO = ECKey.generate_key("P-256", {"kid": "two"})


def jwks(*keys: Any) -> bytes:
    return json.dumps({"keys": [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]}).encode()


class Site:
    """An issuer's site: what it publishes, whether it is up, and how often it was asked."""

    def __init__(self, body: bytes) -> None:
        self.body, self.up, self.asked, self.gate = body, True, 0, asyncio.Event()
        self.gate.set()

    async def fetch(self, url: str, *, limit_bytes: int, timeout_s: float) -> bytes:
        assert url == ISSUER.jwks_uri
        self.asked += 1
        await self.gate.wait()
        if not self.up:
            raise InternalError("unreachable", code="unreachable")
        return self.body


class FakeClock:
    now_s = 1000.0

    def now_us(self) -> int:
        return int(self.now_s * 1_000_000)

    def monotonic(self) -> float:
        return self.now_s


class Scene:
    def __init__(self, *keys: Any) -> None:
        self.site, self.clock = Site(jwks(*keys)), FakeClock()
        self.sets = CachedKeySets([ISSUER], outbound=self.site, clock=self.clock)

    async def has(self, kid: str) -> bool:
        return await self.sets.key(ISSUER.issuer, kid, "ES256") is not None


def test_keys_are_fetched_once_and_kept_while_fresh() -> None:
    async def play() -> None:
        scene = Scene(ONE)
        assert scene.site.asked == 0
        assert [await scene.has("one") for _ in range(3)] == [True] * 3
        scene.clock.now_s += FRESH_S - 1
        assert await scene.has("one")
        assert scene.site.asked == 1

    asyncio.run(play())


def test_a_new_key_is_found_when_a_token_names_it() -> None:
    async def play() -> None:
        scene = Scene(ONE)
        assert await scene.has("one")
        scene.site.body = jwks(ONE, TWO)
        scene.clock.now_s += RETRY_S
        assert await scene.has("two")
        assert scene.site.asked == 2

    asyncio.run(play())


def test_a_flood_of_forged_ids_asks_the_issuer_once() -> None:
    async def play() -> None:
        scene = Scene(ONE)
        assert await scene.has("one")
        scene.clock.now_s += RETRY_S
        assert not any([await scene.has(f"forged-{each}") for each in range(50)])
        assert scene.site.asked == 2
        assert await scene.has("one")

    asyncio.run(play())


def test_a_key_that_is_gone_is_gone_and_one_that_stayed_is_the_same_object() -> None:
    async def play() -> None:
        scene = Scene(ONE, TWO)
        before = await scene.sets.key(ISSUER.issuer, "two", "ES256")
        scene.site.body = jwks(TWO)
        scene.clock.now_s += FRESH_S + 1
        assert await scene.has("one")  # served while it is renewed
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not await scene.has("one")
        assert await scene.sets.key(ISSUER.issuer, "two", "ES256") is before

    asyncio.run(play())


def test_old_keys_serve_through_an_outage_but_not_for_ever() -> None:
    async def play() -> None:
        scene = Scene(ONE)
        assert await scene.has("one")
        scene.site.up = False
        scene.clock.now_s += STALE_S - 1
        assert await scene.has("one")
        scene.clock.now_s += 2
        with pytest.raises(InternalError):
            await scene.has("one")
        scene.site.up = True
        scene.clock.now_s += RETRY_S
        assert await scene.has("one")

    asyncio.run(play())


def test_without_any_keys_it_refuses_and_tries_again_soon() -> None:
    async def play() -> None:
        scene = Scene(ONE)
        scene.site.up = False
        for _ in range(5):
            with pytest.raises(InternalError):
                await scene.has("one")
        assert scene.site.asked == 1
        scene.site.up = True
        scene.clock.now_s += FIRST_RETRY_S
        assert await scene.has("one")

    asyncio.run(play())


def test_many_who_wait_cause_one_fetch_and_one_who_leaves_does_not_end_it() -> None:
    async def play() -> None:
        scene = Scene(ONE)
        scene.site.gate.clear()
        waiting = [asyncio.ensure_future(scene.has("one")) for _ in range(10)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        scene.site.gate.set()
        assert await asyncio.gather(*waiting[1:]) == [True] * 9
        assert scene.site.asked == 1

    asyncio.run(play())


def test_closing_gives_up_what_is_under_way() -> None:
    async def play() -> None:
        scene = Scene(ONE)
        scene.site.gate.clear()
        waiting = asyncio.ensure_future(scene.has("one"))
        await asyncio.sleep(0)
        await scene.sets.aclose()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(play())


def test_a_broken_document_does_not_replace_good_keys() -> None:
    async def play() -> None:
        scene = Scene(ONE)
        assert await scene.has("one")
        scene.site.body = b"<html>"
        scene.clock.now_s += FRESH_S + 1
        assert await scene.has("one")
        await asyncio.sleep(0)
        assert await scene.has("one")

    asyncio.run(play())


def test_an_issuer_that_is_not_trusted_has_no_keys() -> None:
    async def play() -> None:
        assert await Scene(ONE).sets.key("https://evil.example", "one", "ES256") is None

    asyncio.run(play())


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [1, null, {}]}', b"[" * 100_000,
     jwks(*[{"kty": "EC", "kid": str(each)} for each in range(MAX_KEYS + 1)])],
)  # fmt: skip
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"key"):
        read_jwks(body, {})


WEAK = {"kty": "RSA", "kid": "weak", "e": "AQAB", "n": "x" * 171}


@pytest.mark.parametrize(
    "key",
    [
        OctKey.generate_key(256, {"kid": "k"}).as_dict(private=True),
        ECKey.generate_key("P-256", {"kid": "k"}).as_dict(private=True),
        {**ONE.as_dict(private=False), "kid": "k", "use": "enc"},
        {**ONE.as_dict(private=False), "kid": "k", "key_ops": ["sign"]},
        {**ONE.as_dict(private=False), "kid": ""},
        {**ONE.as_dict(private=False), "kid": "k", "x": "AAAA"},
        {**WEAK, "kid": "k"},
    ],
)
def test_a_key_that_is_of_no_use_is_left_out(key: dict[str, Any]) -> None:
    assert set(read_jwks(jwks(ONE, key), {})) == {"one"}


def test_an_id_that_stands_twice_is_nobodys() -> None:
    assert set(read_jwks(jwks(ONE, TWO, {**TWO.as_dict(private=False), "kid": "one"}), {})) == {"two"}


def test_a_key_fits_its_algorithm_only() -> None:
    async def play() -> None:
        rsa, ed = RSAKey.generate_key(2048, {"kid": "rsa"}), OKPKey.generate_key("Ed25519", {"kid": "ed"})
        scene = Scene(
            ONE, rsa, ed, ECKey.generate_key("P-384", {"kid": "p384"}), OKPKey.generate_key("X25519", {"kid": "x"})
        )
        fits = {"one": {"ES256"}, "rsa": {"RS256", "PS256"}, "ed": {"Ed25519", "EdDSA"}, "p384": {"ES384"}, "x": set()}
        for kid, good in fits.items():
            for algorithm in ("ES256", "ES384", "RS256", "PS256", "Ed25519", "EdDSA", "HS256", "none"):
                found = await scene.sets.key(ISSUER.issuer, kid, algorithm)
                assert (found is not None) == (algorithm in good), (kid, algorithm)

    asyncio.run(play())


def test_an_inline_set_without_a_usable_key_is_refused() -> None:
    with pytest.raises(ConfigError):
        CachedKeySets(
            [TrustedIssuer("https://i.example", frozenset({"a"}), jwks='{"keys": []}')],
            outbound=Site(b""),
            clock=FakeClock(),
        )
