"""An image is refused until a control reads it, or the organisation lets its type pass unread: then it travels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import openai
import pytest

from tests import ledgers
from tests.process import Gateway
from tests.provider import Provider, says

PIXEL = "data:image/png;base64,iVBORw0KGgo="
LEAVE = f'reason = "the mock-up tool needs pictures"\nuntil = {(datetime.now(UTC) + timedelta(days=30)).date()}'


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "ringwall.toml").write_text(f"""
[upstreams.fake]
base_url = "{provider.url}"
private = true
[workloads.mockups]
owner = "tests"
use_case = "answers"
models = {{ m = "fake" }}
[workloads.mockups.controls."application.prompt_attack"]
unread = ["image/png"]
{LEAVE}
[workloads.mockups.controls."identity_data.sensitive_data"]
unread = ["image/png"]
{LEAVE}
""")
    made = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    yield made
    assert made.stop() == 0


def show(gateway: Gateway, url: str) -> openai.types.chat.ChatCompletion:
    client = openai.OpenAI(base_url=gateway.said["base_url"], api_key=gateway.said["api_key"], max_retries=0)
    pieces = [{"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": pieces}])  # type: ignore[arg-type]


def test_a_picture_of_a_type_that_may_pass_reaches_the_provider_and_the_record_says_unread(gateway, provider):
    provider.behave = says("a pixel")
    assert show(gateway, PIXEL).choices[0].message.content == "a pixel"
    assert provider.asked[-1].json["messages"][0]["content"][1] == {"type": "image_url", "image_url": {"url": PIXEL}}
    kinds = [
        found["kind"]
        for each in ledgers.records(gateway.data_dir)
        for judgement in each["decision"].get("judgements", [])
        for found in judgement.get("evidence", [])
    ]
    assert "unread_media" in kinds


@pytest.mark.parametrize("url", [PIXEL.replace("png", "gif"), PIXEL.replace("png", "jpeg")])
def test_another_type_is_still_refused(gateway, url):
    with pytest.raises(openai.PermissionDeniedError):
        show(gateway, url)
