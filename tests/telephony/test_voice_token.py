"""Tokens that make a browser a telephone."""

from __future__ import annotations

import time

import jwt
import pytest

from telephony.voice_token import voice_access_token

SECRET = "s" * 32


def claims(**more: str) -> dict[str, object]:
    token = voice_access_token("AC1", "SK1", SECRET, identity="operator_7", **more)  # type: ignore[arg-type]
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "HS256", "cty": "twilio-fpa;v=1"}
    found: dict[str, object] = jwt.decode(token, SECRET, algorithms=["HS256"])
    return found


def test_the_token_is_for_one_identity_of_one_account_for_an_hour() -> None:
    found = claims()
    assert (found["iss"], found["sub"]) == ("SK1", "AC1")
    assert found["exp"] == pytest.approx(time.time() + 3600, abs=30)
    assert found["grants"] == {"identity": "operator_7", "voice": {"incoming": {"allow": True}}}


def test_an_application_lets_the_browser_dial() -> None:
    grants = claims(app_sid="AP1")["grants"]
    assert isinstance(grants, dict)
    assert grants["voice"]["outgoing"] == {"application_sid": "AP1"}
