"""A stock OpenAI client, a real gateway, and every kind of provider behind it, whole and streamed, texts and tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType

import openai
import pytest

from ringwall.compose.upstreams import WIRES
from tests import ledgers
from tests.process import Gateway
from tests.provider import Provider, http
from tests.providers import anthropic, cohere, gemini, mistral
from tests.providers.said import says

SECRET = "sk-upstream-credential-of-the-gateway"
CARD = "4111 1111 1111 1111"
FAKES: dict[str, ModuleType] = {fake.KIND: fake for fake in (anthropic, gemini, mistral, cohere)}
TOOL = {
    "type": "function",
    "function": {
        "name": "find",
        "description": "Finds.",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}


def test_every_kind_with_a_protocol_of_its_own_has_a_fake():
    assert {*FAKES, "openai"} == WIRES.keys()


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, Provider]]:
    made = {kind: Provider() for kind in FAKES}
    yield made
    for provider in made.values():
        provider.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, providers: dict[str, Provider]) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("providers")
    (folder / "secret").write_text(SECRET + "\n")
    upstreams = "\n".join(
        f'[upstreams.{kind}]\nkind = "{kind}"\nbase_url = "http://127.0.0.1:{each.port}{FAKES[kind].ROOT}"\n'
        f'private = true\ncredential = "file:{folder / "secret"}"'
        for kind, each in providers.items()
    )
    models = ", ".join(f'{kind} = {{ upstream = "{kind}", model = "theirs-1" }}' for kind in providers)
    until = (datetime.now(UTC) + timedelta(days=30)).date()
    (folder / "ringwall.toml").write_text(f"""
{upstreams}
[workloads.shop]
owner = "tests"
use_case = "acts"
models = {{ {models} }}
[workloads.shop.controls."identity_data.tool_permission"]
undeclared = "allow"
reason = "what reaches a provider is tested here"
until = {until}
""")
    made = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    yield made
    assert "Traceback" not in made.log
    assert made.stop() == 0
    assert ledgers.verified(made.data_dir).is_green


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=gateway.said["base_url"], api_key=gateway.said["api_key"], max_retries=0, timeout=30
    ) as made:
        yield made


def ask(client: openai.OpenAI, kind: str, messages=None, **more):
    messages = messages or [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which boots?"}]
    return client.chat.completions.create(model=kind, messages=messages, **more)


@pytest.mark.parametrize("kind", FAKES)
def test_a_text_comes_whole_and_streamed_and_hides_what_it_must(client, providers, kind):
    fake, provider = FAKES[kind], providers[kind]
    provider.behave = says(fake, f"These, with {CARD}.", reasoning="Boots it is.")
    whole = ask(client, kind)
    assert whole.choices[0].message.content == "These, with [CARD_NUMBER]."
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.completion_tokens == 5
    events = list(ask(client, kind, stream=True, stream_options={"include_usage": True}))
    assert (
        "".join(each.choices[0].delta.content or "" for each in events if each.choices)
        == whole.choices[0].message.content
    )
    assert events[-1].usage.completion_tokens == 5
    asked = provider.asked[-1]
    assert fake.credential(asked) == SECRET
    assert "theirs" not in whole.model_dump_json()


@pytest.mark.parametrize("kind", FAKES)
def test_a_call_goes_round_with_our_handle(client, providers, kind):
    fake, provider = FAKES[kind], providers[kind]
    provider.behave = says(fake, None, [("find", {"q": "boots"})])
    streamed = [
        call
        for event in ask(client, kind, tools=[TOOL], stream=True)
        for choice in event.choices
        for call in choice.delta.tool_calls or ()
    ]
    call = ask(client, kind, tools=[TOOL]).choices[0].message.tool_calls[0]
    for each in (call, *streamed):
        assert (each.function.name, json.loads(each.function.arguments)) == ("find", {"q": "boots"})
        assert each.id.startswith("call_")
    provider.behave = says(fake, "Red ones.")
    messages = [
        {"role": "user", "content": "Which boots?"},
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "red boots"},
    ]
    assert ask(client, kind, messages, tools=[TOOL], tool_choice="auto").choices[0].message.content == "Red ones."


@pytest.mark.parametrize("kind", FAKES)
def test_what_a_provider_has_no_place_for_is_refused_before_anything_is_sent(client, gateway, providers, kind):
    asked = len(providers[kind].asked)
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, kind, [{"role": "user", "content": "hi", "name": "ada"}])
    assert caught.value.code == "not_carried"
    assert "names of participants" in caught.value.message
    record = ledgers.record(gateway.data_dir, caught.value.response.headers["ringwall-record"])
    assert record["kind"] == "rejection"
    assert record["decision"]["upstream"] == kind
    assert len(providers[kind].asked) == asked


@pytest.mark.parametrize("kind", FAKES)
@pytest.mark.parametrize(
    "body",
    [b'{"type":"error","error":{"type":"x","message":"theirs"}}', b'{"error":{"message":"theirs"}}', b"<html>theirs",
     b'{"detail":"theirs"}', b'{"message":"theirs"}', b"{}"],
)  # fmt: skip
def test_an_error_of_any_protocol_is_the_providers_failure(client, providers, kind, body):
    for status in ("200 OK", "400 Bad Request", "529 Overloaded"):
        providers[kind].behave = http(body, status)
        for stream in (False, True):
            with pytest.raises(openai.APIStatusError) as caught:
                ask(client, kind, stream=stream)
            assert caught.value.status_code >= 500
            assert "theirs" not in caught.value.message
