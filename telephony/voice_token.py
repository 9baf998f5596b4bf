"""Tokens that make a browser a telephone: Twilio's AccessToken with a grant for voice.

Source: https://www.twilio.com/docs/iam/access-tokens
"""

from __future__ import annotations

from typing import Final

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant

LIFETIME_S: Final = 3600
"""The SDK asks for a new one before; a call that goes on is not cut off."""


def voice_access_token(
    account_sid: str,
    api_key_sid: str,
    api_key_secret: str,
    *,
    identity: str,
    app_sid: str = "",
    lifetime_s: int = LIFETIME_S,
) -> str:
    """A signed token with which a browser can be rung as ``client:<identity>``.

    Args:
        identity: letters, digits and underscores.
        app_sid: the application that answers when the browser itself dials; "" lets it only be rung.
    """
    token = AccessToken(account_sid, api_key_sid, api_key_secret, identity=identity, ttl=lifetime_s)
    token.add_grant(VoiceGrant(incoming_allow=True, outgoing_application_sid=app_sid or None))
    return str(token.to_jwt())
