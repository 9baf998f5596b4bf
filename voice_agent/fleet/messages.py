"""What processes say to each other: events of calls, commands to a call, and answers to commands."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from voice_agent.call.events import CallEvent
from voice_agent.operators.ports import ConnectionMethod, DeliveryStatus, OperatorMode


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Happened(_Message):
    """Events of calls that ``process`` carries, in order."""

    kind: Literal["happened"] = "happened"
    process: str
    events: list[CallEvent]


class JoinCall(_Message):
    """See :meth:`voice_agent.operators.ports.LiveCalls.join`."""

    command: Literal["join"] = "join"
    operator_id: str
    name: str
    address: str
    method: ConnectionMethod
    mode: OperatorMode


class SwitchMode(_Message):
    """See :meth:`voice_agent.operators.ports.LiveCalls.switch`."""

    command: Literal["switch"] = "switch"
    operator_id: str
    mode: OperatorMode


class LeaveCall(_Message):
    """See :meth:`voice_agent.operators.ports.LiveCalls.leave`."""

    command: Literal["leave"] = "leave"
    operator_id: str


class GuideAgent(_Message):
    """See :meth:`voice_agent.operators.ports.LiveCalls.guide`."""

    command: Literal["guide"] = "guide"
    operator_id: str
    message: str


class Inject(_Message):
    """See :meth:`voice_agent.operators.ports.LiveCalls.inject`."""

    command: Literal["inject"] = "inject"
    message: str
    event_type: Literal["external_event", "guidance"]
    sender: str


Order = Annotated[JoinCall | SwitchMode | LeaveCall | GuideAgent | Inject, Field(discriminator="command")]


class Command(_Message):
    """An order for a call; the answer goes to ``reply_to`` under the same ``id``."""

    kind: Literal["command"] = "command"
    id: str
    reply_to: str
    call_sid: str
    order: Order


class Refusal(StrEnum):
    """Why a command was not carried out, as an exception of :mod:`voice_agent.operators.ports`."""

    NO_SUCH_CALL = "no_such_call"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    IMPOSSIBLE = "impossible"


class Reply(_Message):
    """What became of a command. Which fields are set depends on the command; ``refusal`` excludes them."""

    kind: Literal["reply"] = "reply"
    id: str
    refusal: Refusal | None = None
    reason: str = ""
    mode: OperatorMode | None = None
    conference_sid: str = ""
    participant_call_sid: str = ""
    status: DeliveryStatus | None = None


Message = Annotated[Happened | Command | Reply, Field(discriminator="kind")]
message_adapter: TypeAdapter[Message] = TypeAdapter(Message)
