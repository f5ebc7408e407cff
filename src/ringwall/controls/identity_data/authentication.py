"""Did whoever asks prove who they are, well enough for this workload?

* The credential was checked before any control was asked; what that came to is the fact `Identity`. This control judges
  it: verified, of an accepted kind, for this workload, young enough, and with the demanded factors.
* Factors (`amr`, RFC 8176, or an accepted `acr`) are demanded of people. A program has no second factor: it is held by
  policy, by scope and by the life of its credential.
* The refusal tells the caller what to do, and an attacker nothing: an unknown key and a wrong secret read the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringwall.model.control import Control, Settings, Stricter, setting
from ringwall.model.facts import Identity, Source
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, PrincipalKind, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationSettings(Settings):
    """What a workload may set."""

    credentials: tuple[str, ...] = setting(
        Stricter.SUBSET, "Kinds of credentials that are accepted: api_key, access_token, process_token."
    )
    methods: tuple[str, ...] = setting(
        Stricter.SUPERSET, "Authentication methods (amr) that a person's access token must all vouch for."
    )
    contexts: tuple[str, ...] = setting(
        Stricter.SUBSET, "Authentication contexts (acr) that are accepted in place of the demanded methods."
    )
    keys_for_people: bool = setting(
        Stricter.FALSE, "Whether an API key is enough for a person, although it proves no second factor."
    )
    max_age_s: int = setting(
        Stricter.LOWER, "How long ago an access token may have been issued.", unit="seconds", least=1
    )


class Authentication(Control):
    """Judges what checking the caller's credential came to."""

    id = ControlId("identity_data.authentication")
    settings_type = AuthenticationSettings
    checkpoints = frozenset({Checkpoint.INBOUND})
    needs = frozenset({Identity, Source})

    def __init__(self, settings: AuthenticationSettings) -> None:
        self._settings = settings
        self._methods = frozenset(settings.methods)

    async def examine(self, vantage: Vantage) -> Verdict:
        """The first reason to refuse, or Allow."""
        identity, principal = vantage.facts[Identity], vantage.interaction.principal
        if not identity.verified or not principal.verified:
            return _deny(vantage, identity.problem or "missing")
        if identity.credential not in self._settings.credentials:
            return _deny(vantage, "credential_refused")
        if identity.credential == "process_token" and not _is_local(vantage.facts[Source]):
            return _deny(vantage, "not_on_loopback")
        if identity.workloads is not None and vantage.interaction.workload not in identity.workloads:
            return _deny(vantage, "wrong_workload")
        if identity.credential == "access_token" and not (
            identity.age_s is not None and identity.age_s <= self._settings.max_age_s
        ):
            return _deny(vantage, "too_old")
        if principal.kind is PrincipalKind.PERSON and not self._is_strong(identity):
            return _deny(vantage, "mfa_required")
        return Allow(vantage.everything)

    def _is_strong(self, identity: Identity) -> bool:
        """True when the credential proves enough for a person."""
        if identity.credential == "process_token":
            return True  # made on this machine, for one process, by the person who started it
        if identity.credential == "api_key":
            return self._settings.keys_for_people or not self._methods
        return self._methods <= identity.methods or identity.context in self._settings.contexts


def _is_local(source: Source) -> bool:
    """True on this machine, and not through a proxy on it either."""
    return source.peer.is_loopback and source.address.is_loopback


_NEW_TOKEN = "get a new access token and try again"  # noqa: S105  # a sentence, not a secret
_REMEDIES = {
    "missing": "no credential was presented; send an API key or an access token in the Authorization header",
    "clock_skew": "the request was not signed in the last five minutes; set the clock of the machine that signs",
    "presigned": "presigned addresses are not accepted here; sign the request in its Authorization header",
    "session_token": "session tokens are not accepted here; use the access key of an API key of this gateway",
    "unsigned_header": "a header that must be signed is not: host, x-amz-date, every x-amz-* and x-amzn-bedrock-* one",
    "unsigned_payload": "the body must be signed; unsigned and streamed payloads are not accepted here",
    "wrong_scope": "the signature must be for the service bedrock, and for the day of its x-amz-date",
    "malformed": "the credential cannot be read; send it unchanged, as it was issued",
    "unknown_key": "this API key is not valid; check it, or ask the owner of this application for a new one",
    "expired": "the credential has expired; get a new one and try again",
    "revoked": "the credential was revoked; ask the owner of this application for a new one",
    "unknown_issuer": "the token was not issued by an identity provider that is trusted here",
    "wrong_audience": f"the token was issued for another service; {_NEW_TOKEN}",
    "wrong_client": "the token was issued to a program that is not admitted here",
    "wrong_type": f"this is not an access token of an accepted type; {_NEW_TOKEN}",
    "id_token_refused": "this is an ID token; send the access token instead",
    "algorithm_refused": "the token is signed in a way that is not accepted here",
    "header_refused": "the token's header holds a field that is not accepted here",
    "unknown_signing_key": f"the token is signed with a key that its issuer does not publish; {_NEW_TOKEN}",
    "bad_signature": f"the token's signature is not valid; {_NEW_TOKEN}",
    "not_yet_valid": "the token is not valid yet; check the clock of the machine that issued it",
    "lifetime_refused": "the token lives longer than is accepted here; ask your identity provider for shorter ones",
    "keys_unavailable": "credentials cannot be checked at this moment; try again soon",
    "credential_refused": "this kind of credential is not accepted by this application",
    "not_on_loopback": "this credential is valid on the machine that issued it only",
    "wrong_workload": "this credential is not valid for this application",
    "too_old": f"the token was issued too long ago for this application; {_NEW_TOKEN}",
    "mfa_required": "this application asks for a second factor; log in again with one",
}


_WRONG = ("wrong_secret", "wrong_signature")


def _deny(vantage: Vantage, problem: str) -> Deny:
    # Operators tell a wrong secret from an unknown key by the evidence; the caller cannot.
    code = "unknown_key" if problem in _WRONG else problem if problem in _REMEDIES else "malformed"
    kind = DenyKind.UNAUTHENTICATED
    if code == "keys_unavailable":
        kind = DenyKind.UNAVAILABLE
    elif code == "wrong_workload":
        kind = DenyKind.FORBIDDEN
    evidence = problem if problem in _REMEDIES or problem in _WRONG else "malformed"
    return Deny(vantage.everything, code, _REMEDIES[code], kind, (Evidence(evidence),))


CONTROL = Authentication
