"""The request signature, written from the published description only.

base64(HMAC-SHA1(auth token, URL + every key immediately followed by its value, keys in order)). Values of
a repeated key are de-duplicated and sorted; a GET request and a WebSocket handshake sign the bare URL.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

FormFields = Iterable[tuple[str, str]]


def sign(auth_token: str, url: str, fields: FormFields = ()) -> str:
    """The value of `X-Twilio-Signature`.

    Args:
        auth_token: the account's secret.
        url: the URL exactly as it stands in the configuration or TwiML; a fragment is left out.
        fields: the form fields of a POST body; none for GET and for WebSocket handshakes.
    """
    values: dict[str, set[str]] = {}
    for key, value in fields:
        values.setdefault(key, set()).add(value)
    signed = url.split("#", 1)[0] + "".join(
        key + value for key in sorted(values) for value in sorted(values[key])
    )
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
