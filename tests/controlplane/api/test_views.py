"""What leaves the stores for the API holds no secret."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from ringwall.controlplane.api import views
from tests.controlplane.api.office import Place


def test_times_are_utc() -> None:
    assert views.moment(1_700_000_000_000_000) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_a_key_without_its_digest(place: Place) -> None:
    secret, made = place.api_keys.create("a", subject="s", workloads=["w"], created_by="me", lifetime_s=60)
    text = msgspec.json.encode(views.key_view(made)).decode()
    assert secret.split("_", 2)[2] not in text and made.row.secret_sha256.hex() not in text
    assert '"expires":"' in text and '"revoked":null' in text


def test_a_person_without_the_second_factor(place: Place) -> None:
    user = place.users.create("ada", password="correct horse battery")
    place.users.set_totp(user.subject, b"sealed-secret", step=1)
    found = place.users.get("ada")
    assert found is not None
    view = views.person_view(found)
    assert view.enrolled and b"sealed" not in msgspec.json.encode(view)
