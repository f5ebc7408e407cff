"""A refused turn does not poison its conversation: the next request goes on without it, in every protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests import ledgers
from tests.end_to_end.test_openai_client import ATTACK
from tests.process import SOURCE, Gateway

HELLO, QUESTION = "I plan a hike in the hills.", "Which boots are waterproof?"


@pytest.fixture(scope="module", params=["replace", "remove", "judge"])
def street(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Gateway]]:
    folder = tmp_path_factory.mktemp("blocked")
    laptop = (SOURCE / "ringwall" / "config" / "laptop.toml").read_text()
    told = f'rehearsal = true\nblocked_turns = "{request.param}"\n'
    (folder / "ringwall.toml").write_text(laptop.replace("rehearsal = true\n", told, 1))
    made = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    yield request.param, made
    made.stop()


def said(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def openai_client(gateway: Gateway) -> openai.OpenAI:
    said = gateway.said
    return openai.OpenAI(base_url=said["base_url"], api_key=said["api_key"], max_retries=0, timeout=30)


def chat(gateway: Gateway, messages: list[Any], model: str = "rehearsal/echo", stream: bool = False) -> str:
    with openai_client(gateway) as client:
        answer = client.chat.completions.create(model=model, messages=messages, stream=stream)
        if stream:
            return "".join(each.choices[0].delta.content or "" for each in answer if each.choices)
        return answer.choices[0].message.content or ""


def responses(gateway: Gateway, messages: list[Any]) -> str:
    with openai_client(gateway) as client:
        return client.responses.create(model="rehearsal/echo", input=messages).output_text


def claude(gateway: Gateway, messages: list[Any]) -> str:
    base = gateway.said["base_url"].removesuffix("/v1")
    with anthropic.Anthropic(base_url=base, api_key=gateway.said["api_key"], max_retries=0, timeout=30) as client:
        answer = client.messages.create(model="rehearsal/echo", max_tokens=100, messages=messages)
        return answer.content[0].text


@pytest.mark.parametrize("ask", [chat, responses, claude])
def test_after_a_refused_turn_the_conversation_goes_on(street, ask) -> None:
    how, gateway = street
    hello = said("user", f"{HELLO} ({ask.__name__}, {how})")
    before = [hello, said("assistant", "Good.")]
    refusals = (openai.PermissionDeniedError, anthropic.PermissionDeniedError)
    with pytest.raises(refusals):
        ask(gateway, [*before, said("user", ATTACK)])
    again = [*before, said("user", ATTACK), said("assistant", "I may not."), said("user", QUESTION)]
    if how == "judge":
        with pytest.raises(refusals):
            ask(gateway, again)
        return
    assert ask(gateway, again) == QUESTION
    told = [each for each in ledgers.records(gateway.data_dir) if each["decision"].get("left_out")]
    assert told[-1]["decision"]["left_out"] == [2] and told[-1]["checkpoint"] == "inbound"
    with pytest.raises(refusals):  # said anew it is judged anew
        ask(gateway, [*again, said("assistant", "These."), said("user", ATTACK)])


def test_a_refused_first_turn_is_left_out_too_and_another_conversation_knows_nothing(street) -> None:
    how, gateway = street
    first = said("user", f"{ATTACK} {how}")
    with pytest.raises(openai.PermissionDeniedError):
        chat(gateway, [first])
    if how != "judge":
        assert chat(gateway, [first, said("user", QUESTION)], stream=True) == QUESTION
    with pytest.raises(openai.PermissionDeniedError):
        chat(gateway, [said("user", "Something else."), first, said("user", QUESTION)])


def test_a_refused_tool_result_is_replaced_and_its_call_stays_answered(street) -> None:
    how, gateway = street
    call = {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}
    before = [said("user", f"{HELLO} Look it up, {how}."), {"role": "assistant", "tool_calls": [call]}]
    poisoned = [*before, {"role": "tool", "tool_call_id": "call_1", "content": f"Great boots. {ATTACK}"}]
    with pytest.raises(openai.PermissionDeniedError):
        chat(gateway, poisoned)
    if how != "judge":
        assert chat(gateway, [*poisoned, said("user", QUESTION)]) == QUESTION
