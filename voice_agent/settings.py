"""Settings of a process, from the environment and a ``.env`` file.

Twilio's own names are used for what belongs to Twilio; everything of ours begins with ``VOICE_AGENT_``.
Secrets have no other source. With nothing set at all, the whole system runs on loopback against the local
emulator.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Role(StrEnum):
    """What a process of an installation does."""

    ALL = "all"
    """Carries calls and shows the console."""
    CALLS = "calls"
    """Carries calls."""
    CONSOLE = "console"
    """Shows the console, answers the API, and places calls on the others."""

    @property
    def carries_calls(self) -> bool:
        """Whether calls are given to it."""
        return self is not Role.CONSOLE

    @property
    def watches_others(self) -> bool:
        """Whether it follows the calls of other processes."""
        return self is not Role.CALLS


def _own(name: str) -> AliasChoices:
    return AliasChoices(f"VOICE_AGENT_{name}", name.lower())


class Settings(BaseSettings):
    """Everything that differs between two installations."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", populate_by_name=True
    )

    # Twilio
    twilio_account_sid: str = Field(
        "", validation_alias=AliasChoices("TWILIO_ACCOUNT_SID", "twilio_account_sid")
    )
    twilio_auth_token: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("TWILIO_AUTH_TOKEN", "twilio_auth_token")
    )
    twilio_app_sid: str = Field("", validation_alias=AliasChoices("TWILIO_APP_SID", "twilio_app_sid"))
    twilio_api_base_url: str = Field(
        "", validation_alias=AliasChoices("TWILIO_API_BASE_URL", "twilio_api_base_url")
    )
    public_base_url: str = Field("", validation_alias=AliasChoices("PUBLIC_BASE_URL", "public_base_url"))
    """Origin under which Twilio reaches us (``https://voice.example.org``): signatures are checked against
    it."""
    twilio_api_key_sid: str = Field(
        "", validation_alias=AliasChoices("TWILIO_API_KEY_SID", "twilio_api_key_sid")
    )
    twilio_api_key_secret: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("TWILIO_API_KEY_SECRET", "twilio_api_key_secret")
    )
    """With both, operators can join from a browser: they sign the browser's tokens."""

    # Access
    secret_key: SecretStr = Field(SecretStr(""), validation_alias=_own("SECRET_KEY"))
    """Signs links to recordings; at least 32 random characters, the same in every process. Empty means one in
    the data directory."""
    rate_limit_storage: str = Field("", validation_alias=_own("RATE_LIMIT_STORAGE"))
    """Where requests are counted: ``async+redis://...`` for several processes, empty for this one alone."""

    # Storage
    data_dir: Path = Field(Path(".data"), validation_alias=_own("DATA_DIR"))
    database_url: str = Field("", validation_alias=_own("DATABASE_URL"))
    """``postgresql+psycopg://...``; empty means SQLite under the data directory."""

    # Several processes
    role: Role = Field(Role.ALL, validation_alias=_own("ROLE"))
    """What this process is for; anything but ``all`` needs PostgreSQL."""
    worker_url: str = Field("", validation_alias=_own("WORKER_URL"))
    """Origin under which Twilio and the other processes reach this very process; empty means the public
    one."""
    bus_url: str = Field("", validation_alias=_own("BUS_URL"))
    """PostgreSQL for messages between processes, without a pooler in between; empty means the database."""
    phone_url: str = Field("", validation_alias=_own("PHONE_URL"))
    """``ws://`` address of the softphone of a local network that was started by itself."""

    # Speech
    stt: str = Field("embedded", validation_alias=_own("STT"))
    """``embedded``, ``moonshine`` (local, fetched), ``deepgram`` or the name of any pipecat STT service."""
    tts: str = Field("embedded", validation_alias=_own("TTS"))
    """``embedded``, ``kokoro`` (local, fetched), ``cartesia`` or the name of any pipecat TTS service."""
    stt_api_key: SecretStr = Field(SecretStr(""), validation_alias=_own("STT_API_KEY"))
    tts_api_key: SecretStr = Field(SecretStr(""), validation_alias=_own("TTS_API_KEY"))
    stt_options: dict[str, str] = Field(default_factory=dict, validation_alias=_own("STT_OPTIONS"))
    tts_options: dict[str, str] = Field(default_factory=dict, validation_alias=_own("TTS_OPTIONS"))
    stt_workers: int = Field(2, ge=1, le=64, validation_alias=_own("STT_WORKERS"))
    tts_workers: int = Field(1, ge=1, le=16, validation_alias=_own("TTS_WORKERS"))

    emotion: bool = Field(True, validation_alias=_own("EMOTION"))
    """Whether callers are listened to for how they feel; a service may switch it off for itself too."""

    # Reasoning
    llm_model: str = Field("", validation_alias=_own("LLM_MODEL"))
    """Name of the model; empty means the embedded reasoner alone."""
    llm_base_url: str = Field("", validation_alias=_own("LLM_BASE_URL"))
    llm_api_key: SecretStr = Field(SecretStr(""), validation_alias=_own("LLM_API_KEY"))
    llm_first_token_timeout_s: float = Field(1.5, gt=0, validation_alias=_own("LLM_FIRST_TOKEN_TIMEOUT_S"))
    llm_timeout_s: float = Field(8.0, gt=0, validation_alias=_own("LLM_TIMEOUT_S"))

    # Calls
    services_dir: Path | None = Field(None, validation_alias=_own("SERVICES_DIR"))
    """Folder of further services; the example practice is always there."""
    max_call_duration_s: float = Field(1800.0, gt=0, validation_alias=_own("MAX_CALL_DURATION_S"))
    max_calls: int = Field(60, ge=1, validation_alias=_own("MAX_CALLS"))
    max_loop_lag_ms: float = Field(60.0, gt=0, validation_alias=_own("MAX_LOOP_LAG_MS"))
    """Above this p99 lag of the event loop a process that carries calls refuses further ones. Three media
    frames: the agent's audio is sent so far ahead that nobody hears it yet."""
    max_cpu_percent: float = Field(85.0, gt=0, validation_alias=_own("MAX_CPU_PERCENT"))
    """Percent of one core, which is all that an event loop can use."""
    overload_forward_to: str = Field("", validation_alias=_own("OVERLOAD_FORWARD_TO"))
    """E.164 number to which refused calls are dialled; empty means a polite busy."""
    drain_timeout_s: float = Field(120.0, ge=0, validation_alias=_own("DRAIN_TIMEOUT_S"))
    recordings: bool = Field(True, validation_alias=_own("RECORDINGS"))
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=_own("LOG_LEVEL")
    )

    @property
    def uses_emulator(self) -> bool:
        """True when neither a Twilio account nor a base URL is given: the local emulator is started."""
        return not self.twilio_account_sid and not self.twilio_api_base_url

    @property
    def effective_database_url(self) -> str:
        """The database to use, with its async driver spelled out."""
        url = self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'voice_agent.db').absolute()}"
        for plain, driver in (
            ("postgres://", "postgresql+psycopg://"),
            ("postgresql://", "postgresql+psycopg://"),
        ):
            if url.startswith(plain):
                return driver + url.removeprefix(plain)
        return url

    @property
    def recordings_dir(self) -> Path:
        """Where recordings of calls lie."""
        return self.data_dir / "recordings"

    @property
    def models_dir(self) -> Path:
        """Where models lie that were fetched or placed by hand."""
        return self.data_dir / "models"
