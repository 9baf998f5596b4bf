"""Operators of a session on a fake network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from tests.call.session_kit import Call, greet_then_echo
from voice_agent.call import events
from voice_agent.call.ports import AddedLeg
from voice_agent.operators.ports import OperatorLeg, OperatorMode
from voice_agent.reasoning.effects import Effect, Say
from voice_agent.reasoning.signals import HandedBack, Signal

LISTEN, TAKEOVER = OperatorMode.LISTEN, OperatorMode.TAKEOVER
ANN = OperatorLeg("ann", "Ann", "client:ann")
BOB = OperatorLeg("bob", "Bob", "client:bob")
BACK = "I am back."


async def converse(signal: Signal) -> AsyncIterator[Effect]:
    """Greets, echoes, and says that it is back."""
    if isinstance(signal, HandedBack):
        yield Say(BACK)
    async for effect in greet_then_echo(signal):
        yield effect


def comes_in(call: Call, operator: OperatorLeg) -> None:
    """The signed callback says so."""
    call.session.operators.joined(operator.operator_id, AddedLeg("CF1", f"CA-{operator.operator_id}"))


async def in_charge(call: Call, operator: OperatorLeg = ANN) -> None:
    await call.session.operators.join(operator, TAKEOVER)
    comes_in(call, operator)
    await switched(call, operator, TAKEOVER)


async def switched(call: Call, operator: OperatorLeg, mode: OperatorMode) -> None:
    await call.wait_for(
        lambda e: (
            isinstance(e, events.OperatorModeSwitched)
            and e.operator_id == operator.operator_id
            and e.mode is mode
        )
    )


def told(call: Call, *kinds: type) -> list[Any]:
    return [s for s in call.conversation.signals if isinstance(s, kinds)]


def modes(call: Call) -> dict[str, OperatorMode]:
    return {each.operator_id: each.mode for each in call.session.operators.on_call}
