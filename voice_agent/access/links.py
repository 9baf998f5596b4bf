"""Links to recordings that open without a key: for one hour, one workspace, one call and one file."""

from __future__ import annotations

from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer

LIFETIME_S = 3600
LONGEST_SIGNATURE = 500
"""Characters; what is longer is no signature of ours."""


class RecordingLinks:
    """Signs and checks."""

    def __init__(self, key: str) -> None:
        """``key`` is the installation's signing key."""
        self._serializer = URLSafeTimedSerializer(key, salt="voice-agent recording")

    def sign(self, workspace_id: UUID, call_sid: str, filename: str) -> str:
        """The signature of a link to one file."""
        return str(self._serializer.dumps([str(workspace_id), call_sid, filename]))

    def is_good(self, signature: str, workspace_id: UUID, call_sid: str, filename: str) -> bool:
        """Whether ``signature`` was made for this very file, not longer than an hour ago."""
        if len(signature) > LONGEST_SIGNATURE:
            return False
        try:
            signed = self._serializer.loads(signature, max_age=LIFETIME_S)
        except BadSignature:
            return False
        return bool(signed == [str(workspace_id), call_sid, filename])
