"""Checks of what lies outside: the language model, the Twilio account, and our address as Twilio sees it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from voice_agent.cli.checks.finding import Finding, Verdict
from voice_agent.settings import Settings

REACH_TIMEOUT_S = 4.0

_SIDS = {"TWILIO_ACCOUNT_SID": "AC", "TWILIO_APP_SID": "AP"}


def language_model(settings: Settings) -> Finding:
    """Which reasoner answers."""
    subject = "reasoning"
    if not settings.llm_model:
        return Finding(subject, Verdict.NOTE, "the embedded reasoner alone (no VOICE_AGENT_LLM_MODEL)")
    has_key = bool(settings.llm_api_key.get_secret_value())
    if not has_key and not settings.llm_base_url:
        return Finding(
            subject,
            Verdict.WEAK,
            f"{settings.llm_model}, without a key",
            "set VOICE_AGENT_LLM_API_KEY, or VOICE_AGENT_LLM_BASE_URL of a server that wants none",
        )
    where = settings.llm_base_url or "the provider's own address"
    return Finding(
        subject, Verdict.GOOD, f"{settings.llm_model} at {where}, key {'set' if has_key else 'not set'}"
    )


def twilio(settings: Settings) -> Iterator[Finding]:
    """Form of the credentials, and variables of Twilio's library that break local addresses."""
    subject = "phone network"
    if settings.uses_emulator:
        yield Finding(
            subject, Verdict.NOTE, "the local emulator (no TWILIO_ACCOUNT_SID): nobody outside can call"
        )
    else:
        given = {"TWILIO_ACCOUNT_SID": settings.twilio_account_sid, "TWILIO_APP_SID": settings.twilio_app_sid}
        wrong = [
            f"{name} is {'empty' if not given[name] else 'not ' + prefix + ' and 32 hexadecimal digits'}"
            for name, prefix in _SIDS.items()
            if not re.fullmatch(prefix + r"[0-9a-f]{32}", given[name])
        ]
        if not settings.twilio_auth_token.get_secret_value():
            wrong.append("TWILIO_AUTH_TOKEN is empty")
        if wrong:
            yield Finding(subject, Verdict.MISSING, "; ".join(wrong), "copy them from the Twilio console")
        else:
            where = settings.twilio_api_base_url or "Twilio"
            yield Finding(subject, Verdict.GOOD, f"account {settings.twilio_account_sid[:6]}... at {where}")
    for name in ("TWILIO_EDGE", "TWILIO_REGION"):
        if os.environ.get(name):
            yield Finding(
                name,
                Verdict.WEAK,
                "changes the host of every request, local addresses included",
                f"unset {name}",
            )


async def public_address(settings: Settings, *, offline: bool) -> Finding:
    """Whether Twilio could reach us under ``PUBLIC_BASE_URL`` and its signatures would fit."""
    subject = "public address"
    url = settings.public_base_url
    if not url:
        if settings.uses_emulator:
            return Finding(subject, Verdict.NOTE, "not needed with the local emulator")
        return Finding(
            subject, Verdict.MISSING, "PUBLIC_BASE_URL is empty", "set it to the https address of this server"
        )
    wrong = "; ".join(_wrong_with(url, local=bool(settings.twilio_api_base_url)))
    if wrong:
        return Finding(
            subject, Verdict.MISSING, f"{url}: {wrong}", "e.g. PUBLIC_BASE_URL=https://voice.example.org"
        )
    if offline:
        return Finding(subject, Verdict.GOOD, f"{url} (not asked: offline)")
    reached = await _status_of(url)
    if isinstance(reached, str):
        return Finding(
            subject,
            Verdict.WEAK,
            f"{url} was not reached from here: {reached}",
            "start the server and its reverse proxy or tunnel, then look again",
        )
    return Finding(subject, Verdict.GOOD, f"{url} answers with status {reached}")


def _wrong_with(url: str, *, local: bool) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        yield str(error)
        return
    if parts.scheme != "https" and not local:
        yield "Twilio opens media streams to https origins only"
    if not parts.hostname:
        yield "there is no host in it"
    if port is not None and not local:
        # With a port in the URL, Twilio's own library computes another signature than Twilio sent.
        yield "leave the port out, signatures of media streams do not fit with one"
    if parts.path not in ("", "/") or parts.query:
        yield "give the origin alone, without path or query"


async def _status_of(url: str) -> int | str:
    import httpx

    try:
        async with httpx.AsyncClient(timeout=REACH_TIMEOUT_S) as client:
            return (await client.get(url)).status_code
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
