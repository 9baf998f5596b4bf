"""Commands to calls that another process carries: asked here, carried out there, answered within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import structlog
from pydantic import ValidationError

from voice_agent.call.tasks import CallTasks
from voice_agent.fleet.link import Link, channel_of
from voice_agent.fleet.messages import (
    Command,
    GuideAgent,
    Inject,
    JoinCall,
    LeaveCall,
    Order,
    Refusal,
    Reply,
    SwitchMode,
    message_adapter,
)
from voice_agent.operators.ports import (
    CallUnreachable,
    LiveCalls,
    NoSuchCall,
    OperatorBusy,
    OperatorError,
    OperatorLeg,
)

ANSWER_S = 8.0
"""A worker answers within milliseconds, plus what the phone network takes: three attempts of some seconds."""

MAX_AT_ONCE = 200
"""Commands that a worker works on at the same time; further ones are refused."""

FAILED = "the command failed there; look at the call before you try again"

log = structlog.get_logger(__name__)

_ERRORS: dict[Refusal, type[OperatorError]] = {
    Refusal.NO_SUCH_CALL: NoSuchCall,
    Refusal.BUSY: OperatorBusy,
    Refusal.UNREACHABLE: CallUnreachable,
    Refusal.IMPOSSIBLE: OperatorError,
}


class CommandPost:
    """Both ends of commands in one process: its own channel carries orders to it and answers to it.

    Args:
        local: carries out what others ask for.
        before_reply: called before an answer is sent; what a command has changed should be known first.
    """

    def __init__(
        self,
        process: str,
        link: Link,
        local: LiveCalls,
        *,
        before_reply: Callable[[], None] = lambda: None,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._process = process
        self._link = link
        self._local = local
        self._before_reply = before_reply
        self._answer_s = answer_s
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._working = CallTasks("of other processes")
        link.listen(channel_of(process), self._take)

    async def close(self) -> None:
        """Give up what is being worked on."""
        await self._working.cancel()

    async def ask(self, process: str, call_sid: str, order: Order) -> Reply:
        """Have ``process`` carry out an order for a call.

        Raises what the command raised there, or :class:`CallUnreachable` when nobody answers.
        """
        command = Command(id=uuid4().hex, reply_to=self._process, call_sid=call_sid, order=order)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = answer
        try:
            if not self._link.send(channel_of(process), command.model_dump_json().encode()):
                raise CallUnreachable(
                    "the bus between the processes is down; the call goes on with the agent"
                )
            async with asyncio.timeout(self._answer_s):
                reply = await answer
        except TimeoutError as error:
            raise CallUnreachable(
                f"the process that carries call {call_sid} does not answer; look at the call before you try"
                " again, it may still come true"
            ) from error
        finally:
            del self._waiting[command.id]
        if reply.refusal is not None:
            raise _ERRORS[reply.refusal](reply.reason)
        return reply

    def _take(self, content: bytes) -> None:
        try:
            message = message_adapter.validate_json(content)
        except ValidationError as error:
            log.warning("link_message_not_understood", errors=error.error_count())
            return
        if isinstance(message, Reply):
            waiting = self._waiting.get(message.id)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        elif isinstance(message, Command):
            if len(self._working) >= MAX_AT_ONCE:
                self._reply(message, Reply(id=message.id, refusal=Refusal.UNREACHABLE, reason="too busy"))
                return
            self._working.start(self._obey(message), f"command {message.order.command}")

    async def _obey(self, command: Command) -> None:
        try:
            reply = await self._carry_out(command)
        except OperatorError as error:
            reply = Reply(id=command.id, refusal=_refusal(error), reason=str(error))
        except Exception:
            log.exception("command_failed", call_sid=command.call_sid, command=command.order.command)
            reply = Reply(id=command.id, refusal=Refusal.UNREACHABLE, reason=FAILED)
        self._reply(command, reply)

    async def _carry_out(self, command: Command) -> Reply:
        live, sid, order = self._local, command.call_sid, command.order
        if isinstance(order, JoinCall):
            leg = OperatorLeg(order.operator_id, order.name, order.address, order.method)
            joined = await live.join(sid, leg, order.mode)
            return Reply(
                id=command.id,
                mode=joined.mode,
                conference_sid=joined.conference_sid,
                participant_call_sid=joined.participant_call_sid,
            )
        if isinstance(order, SwitchMode):
            return Reply(id=command.id, mode=await live.switch(sid, order.operator_id, order.mode))
        if isinstance(order, LeaveCall):
            await live.leave(sid, order.operator_id)
            return Reply(id=command.id)
        if isinstance(order, GuideAgent):
            return Reply(id=command.id, status=await live.guide(sid, order.operator_id, order.message))
        assert isinstance(order, Inject)
        return Reply(
            id=command.id, status=await live.inject(sid, order.message, order.event_type, order.sender)
        )

    def _reply(self, command: Command, reply: Reply) -> None:
        self._before_reply()
        self._link.send(channel_of(command.reply_to), reply.model_dump_json().encode())


def _refusal(error: OperatorError) -> Refusal:
    return next((kind for kind, raised in _ERRORS.items() if type(error) is raised), Refusal.IMPOSSIBLE)
