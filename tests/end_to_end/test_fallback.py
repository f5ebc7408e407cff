"""A provider dies; the next one answers in its place, judged and on record, and nobody's application changes."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import openai
import pytest

from tests import ledgers
from tests.process import Gateway, free_port
from tests.provider import STREAM_HEAD, Asked, Provider, delta, http, stream
from tests.provider import says as openai_says
from tests.providers import anthropic
from tests.providers.said import says


@pytest.fixture(scope="module")
def every() -> Iterator[dict[str, Provider]]:
    made = {name: Provider() for name in ("first", "second", "mortal0", "mortal1")}
    yield made
    for each in made.values():
        each.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, every: dict[str, Provider]) -> Iterator[Gateway]:
    tmp_path = tmp_path_factory.mktemp("fallback")
    until = (datetime.now(UTC) + timedelta(days=30)).date()
    (tmp_path / "forbid.cedar").write_text(
        '@id("not_there") forbid (principal, action == Ringwall::Action::"use_upstream", '
        'resource) when { resource.region == "us" && resource.model == "m" };'
    )
    (tmp_path / "ringwall.toml").write_text(f"""
[upstreams.first]
base_url = "{every["first"].url}"
private = true
read_s = 1.0
[upstreams.second]
kind = "anthropic"
base_url = "http://127.0.0.1:{every["second"].port}/v1"
private = true
region = "us"
[upstreams.mortal0]
base_url = "{every["mortal0"].url}"
private = true
[upstreams.mortal1]
base_url = "{every["mortal1"].url}"
private = true
[upstreams.dead]
base_url = "http://127.0.0.1:{free_port()}/v1"
private = true
[workloads.shop]
owner = "tests"
use_case = "answers"
path_prefix = "/shop"
[workloads.shop.models]
m = {{ targets = [{{ upstream = "first", model = "a" }}, {{ upstream = "second", model = "b" }}], retry_s = 3 }}
half = {{ targets = [{{ upstream = "first" }}, {{ upstream = "second" }}], order = "weighted" }}
dead = {{ targets = [{{ upstream = "dead" }}, {{ upstream = "second" }}] }}
alone = "first"
mortal0 = {{ targets = [{{ upstream = "mortal0" }}, {{ upstream = "second", model = "b" }}] }}
mortal1 = {{ targets = [{{ upstream = "mortal1" }}, {{ upstream = "second", model = "b" }}] }}
lost = {{ targets = [{{ upstream = "dead" }}] }}
[workloads.strict]
owner = "tests"
use_case = "answers"
policies = ["forbid.cedar"]
models = {{ m = {{ targets = [{{ upstream = "dead" }}, {{ upstream = "second" }}] }} }}
[controls."infrastructure.rate_limit"]
principal_requests = 100000
address_requests = 100000
reason = "tests ask often"
until = {until}
""")
    made = Gateway(tmp_path, ["--config", str(tmp_path / "ringwall.toml")]).start()
    yield made
    assert "Traceback" not in made.log
    assert made.stop() == 0
    assert ledgers.verified(made.data_dir).is_green


class Client:
    """A stock client of one workload."""

    def __init__(self, gateway: Gateway, workload: str) -> None:
        root = str(gateway.said["base_url"]).partition("/w/")[0].partition("/v1")[0]
        self._gateway = gateway
        self._url = f"{root}/w/{workload}/v1"

    def ask(self, model: str, **more) -> str:
        key = str(self._gateway.said["api_key"])
        with openai.OpenAI(base_url=self._url, api_key=key, max_retries=0, timeout=30) as client:
            asked = [{"role": "user", "content": "Which boots?"}]
            answer = client.chat.completions.create(model=model, messages=asked, **more)
            if not more.get("stream"):
                return answer.choices[0].message.content
            return "".join(each.choices[0].delta.content or "" for each in answer if each.choices)

    def records(self) -> list[dict]:
        """Those of the last request."""
        found = list(ledgers.records(self._gateway.data_dir))
        return [each for each in found if each["interaction"] == found[-1]["interaction"]]


@pytest.fixture
def shop(gateway: Gateway) -> Client:
    return Client(gateway, "shop")


@pytest.fixture
def providers(every: dict[str, Provider], shop: Client) -> dict[str, Provider]:
    """All alive and well, and asked nothing so far."""
    every["second"].behave = says(anthropic, "from the second")
    for name in ("first", "mortal0", "mortal1"):
        every[name].behave = openai_says("from the first")
    shop.ask("alone")
    for each in every.values():
        each.asked.clear()
    return every


@pytest.mark.parametrize("streamed", [False, True])
def test_a_killed_provider_is_replaced_and_the_record_says_by_whom(shop, gateway, providers, streamed):
    name = f"mortal{int(streamed)}"
    assert shop.ask(name, stream=streamed) == "from the first"
    providers[name].close()
    assert shop.ask(name, stream=streamed) == "from the second"
    told = [(each["kind"], each["outcome"]) for each in shop.records()]
    assert told[:4] == [
        ("decision", "proceeds"), ("decision", "sends"), ("failure", "proceeds"), ("decision", "sends"),
    ]  # fmt: skip
    failure = shop.records()[2]["decision"]
    assert (failure["upstream"], failure["next"], failure["code"]) == (name, "second", "upstream_unreachable")
    sent = [each["decision"]["target"]["upstream"] for each in shop.records() if each["outcome"] == "sends"]
    assert sent == [name, "second"]
    said = gateway.run("explain", shop.records()[0]["interaction"], "--data-dir", str(gateway.data_dir))
    assert "second as b" in said.stdout, said.stdout + said.stderr


@pytest.mark.parametrize(
    "behave",
    [http(b"theirs", "500 Oops"), http(b"theirs", "529 Overloaded"), http(b"theirs", "401 Who"),
     lambda sock, asked: sock.close(), stream(head=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")],
)  # fmt: skip
def test_a_provider_that_gives_no_answer_is_replaced(shop, providers, behave):
    providers["first"].behave = behave
    assert shop.ask("m") == "from the second"


def test_a_provider_that_says_when_to_come_back_is_asked_again_in_time(shop, providers):
    first, second = providers["first"], providers["second"]

    def once(sock: socket.socket, asked: Asked) -> None:
        first.behave = openai_says("from the first, later")
        http(b"", "429 Wait", "text/plain", "Retry-After: 1")(sock, asked)

    first.behave, second.behave = once, http(b"", "503 Busy", "text/plain", "Retry-After: 60")
    assert shop.ask("m") == "from the first, later"
    waits = [each["decision"]["wait_ms"] for each in shop.records() if each["kind"] == "failure"]
    assert waits == [0, 1000]


def test_what_begun_is_never_begun_again_elsewhere(shop, providers):
    providers["first"].behave = stream(delta(content="half a sentence that goes "), head=STREAM_HEAD)
    before = len(providers["second"].asked)
    with pytest.raises(openai.APIError):
        shop.ask("m", stream=True)
    assert len(providers["second"].asked) == before


@pytest.mark.parametrize("behave", [http(b"{}", "400 No"), http(b'{"choices": []}'), http(b"not json")])
def test_a_request_that_was_read_is_not_tried_elsewhere(shop, providers, behave):
    providers["first"].behave = behave
    with pytest.raises(openai.APIStatusError):
        shop.ask("m")
    assert providers["second"].asked == []


def test_the_next_target_is_judged_like_the_first(gateway, providers):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        Client(gateway, "strict").ask("m")
    assert caught.value.body["ringwall"]["control"] == "identity_data.endpoint_policy"
    assert caught.value.body["ringwall"]["checkpoint"] == "egress"
    assert providers["second"].asked == []


def test_one_that_is_dead_is_left_out_after_a_few(shop, providers):
    for _ in range(5):
        assert shop.ask("dead") == "from the second"
    last = [each for each in shop.records() if each["outcome"] == "sends"]
    assert len(last) == 1
    assert last[0]["decision"]["target"]["left_out"] == [["dead", "failing"]]
    with pytest.raises(openai.APIStatusError):
        shop.ask("lost")


def test_both_are_asked_by_weight(shop, providers):
    said = Counter(shop.ask("half") for _ in range(40))
    assert set(said) == {"from the first", "from the second"}
