"""Stock botocore raises the right exception for every refusal and failure, whole and in the middle of a stream."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import EventStreamError
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.bedrock_errors import exception_of, render_error, render_error_event
from ringwall.dataplane.wire.door import Said
from ringwall.model.verdict import DenyKind
from tests.dataplane.wire.botocore_reader import MODEL, events, whole

MODELLED = {
    shape.name: shape.metadata["error"]["httpStatusCode"] for shape in MODEL.operation_model("Converse").error_shapes
}
TOLD = [
    (Said(400, "m", "invalid_request"), "ValidationException"),
    (Said(403, "m", "x", kind=DenyKind.CONTENT), "AccessDeniedException"),
    (Said(403, "m", "x", kind=DenyKind.FORBIDDEN), "AccessDeniedException"),
    (Said(404, "m", "model_not_found"), "ResourceNotFoundException"),
    (Said(413, "m", "too_large"), "ValidationException"),
    (Said(415, "m", "unsupported_media_type"), "ValidationException"),
    (Said(429, "m", "x", kind=DenyKind.EXHAUSTED), "ThrottlingException"),
    (Said(500, "m", "x"), "InternalServerException"),
    (Said(502, "m", "upstream_broken"), "ModelErrorException"),
    (Said(503, "m", "busy"), "ServiceUnavailableException"),
    (Said(503, "m", "x", kind=DenyKind.UNAVAILABLE), "ServiceUnavailableException"),
    (Said(504, "m", "upstream_late"), "ModelTimeoutException"),
]


@pytest.mark.parametrize(("said", "name"), TOLD, ids=lambda each: each if isinstance(each, str) else each.code)
def test_the_exception_is_one_of_the_operations_own_with_its_status(said, name):
    status, body, headers = render_error(said)
    assert status == MODELLED[name]
    error = whole(body, status=status, headers=headers)["Error"]
    assert (error["Code"], error["Message"]) == (name, "m")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("unknown_key", "UnrecognizedClientException"),
        ("revoked", "UnrecognizedClientException"),
        ("missing", "MissingAuthenticationTokenException"),
        ("expired", "ExpiredTokenException"),
        ("clock_skew", "InvalidSignatureException"),
        ("mfa_required", "UnrecognizedClientException"),
    ],
)
def test_who_could_not_be_verified_is_told_as_aws_tells_it(code, name):
    status, body, headers = render_error(Said(401, "m", code, kind=DenyKind.UNAUTHENTICATED))
    assert (status, whole(body, status=status, headers=headers)["Error"]["Code"]) == (403, name)


def test_what_is_ours_stands_beside_and_holds_no_empty_fields():
    said = Said(403, "m", "c", None, "application.x", "inbound", "rec_1", DenyKind.CONTENT)
    ours = {"code": "c", "control": "application.x", "checkpoint": "inbound", "record": "rec_1"}
    assert json.loads(render_error(said)[1]) == {"message": "m", "ringwall": ours}


@pytest.mark.parametrize("operation", ["ConverseStream", "InvokeModelWithResponseStream"])
@pytest.mark.parametrize(("said", "name"), TOLD, ids=lambda each: each if isinstance(each, str) else each.code)
def test_in_the_middle_of_a_stream_it_is_one_of_the_streams_own(said, name, operation):
    with pytest.raises(EventStreamError) as caught:
        events(render_error_event(said), operation)
    output = MODEL.operation_model(operation).output_shape
    stream = output.members[output.event_stream_name or "body"]
    error = caught.value.response["Error"]
    assert error["Code"] in stream.members and error["Message"] == "m"
    assert error["Code"] in ("validationException", f"{name[0].lower()}{name[1:]}", "modelStreamErrorException")


@given(st.integers(400, 599), st.sampled_from([None, *DenyKind]), st.text(max_size=10), st.text(max_size=50))
def test_every_status_has_an_exception(status, kind, code, message):
    said = Said(status, message, code, kind=kind)
    told, body, headers = render_error(said)
    assert 400 <= told < 600 and headers[0][1].decode() == exception_of(said)
    assert json.loads(body)["message"] == message
