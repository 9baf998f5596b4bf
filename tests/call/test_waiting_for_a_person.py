"""How long somebody is waited for, and that nobody is left with a promise: requests that follow others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.telephony.recorder import Recorder
from voice_agent.call.escalation import EscalationGrounds, EscalationPolicy, Escalations
from voice_agent.call.events import CallEvent, EscalationRequested
from voice_agent.call.log import CallLog
from voice_agent.call.tasks import CallTasks
from voice_agent.store.bus import EventBus

CHEST_PAIN = EscalationGrounds("chest_pain", 1.0, "clinical")


class Desk:
    """Escalations of one call, and what became of them. ``silenced`` counts how often the agent stopped."""

    def __init__(self, *, anyone_free: bool, patience_s: float) -> None:
        log, self.tasks = CallLog("CA" + "0" * 32, EventBus()), CallTasks("CA" + "0" * 32)
        self.anyone_free = anyone_free
        self.silenced = 0
        self.nobody: Recorder[bool] = Recorder()
        self.requested: list[EscalationRequested] = []
        log.follow(self._note)
        self.escalations = Escalations(
            log,
            self.tasks,
            EscalationPolicy(patience_s),
            anyone_free=self._anyone_free,
            on_hard=self._silence,
            on_nobody=self.nobody.add,
        )

    def ask(self, *, hard: bool = False, promised: bool = False, trigger: str = "risk") -> None:
        self.escalations.request(trigger, f"because of {trigger}", hard=hard, promised=promised)

    async def told_of_nobody(self, times: int) -> list[bool]:
        """What was told each time, once it was told so often."""
        await self.nobody.until(lambda _: True, count=times)
        return self.nobody.items

    def _note(self, event: CallEvent) -> None:
        if isinstance(event, EscalationRequested):
            self.requested.append(event)

    def _silence(self) -> None:
        self.silenced += 1

    async def _anyone_free(self) -> bool:
        return self.anyone_free


@pytest.fixture
async def empty() -> AsyncIterator[Desk]:
    """Nobody is on duty, and a caller would wait for a long time."""
    desk = Desk(anyone_free=False, patience_s=60.0)
    yield desk
    await desk.tasks.cancel()


@pytest.fixture
async def busy() -> AsyncIterator[Desk]:
    """Somebody is free and does not come."""
    desk = Desk(anyone_free=True, patience_s=0.05)
    yield desk
    await desk.tasks.cancel()


async def test_a_promise_is_taken_back_at_once_when_nobody_is_on_duty(empty: Desk) -> None:
    empty.ask(trigger="max_turns", promised=True)
    assert await empty.told_of_nobody(1) == [True]


async def test_a_promise_on_top_of_a_quiet_request_is_kept_or_taken_back(empty: Desk) -> None:
    empty.ask(trigger="risk")
    empty.ask(trigger="caller", promised=True)
    assert await empty.told_of_nobody(1) == [True]
    assert [e.trigger for e in empty.requested] == ["risk", "caller"]
    assert len({e.escalation_id for e in empty.requested}) == 1


async def test_every_promise_is_answered_for_itself(empty: Desk) -> None:
    empty.ask(promised=True)
    await empty.told_of_nobody(1)
    empty.ask(promised=True)
    assert await empty.told_of_nobody(2) == [True, True]
    assert len(empty.requested) == 2


async def test_a_hard_request_after_nobody_came_silences_and_frees_the_agent_again(empty: Desk) -> None:
    empty.ask(hard=True)
    await empty.told_of_nobody(1)
    empty.ask(hard=True)
    assert await empty.told_of_nobody(2) == [False, False]
    assert empty.silenced == 2


async def test_a_hard_request_is_not_swallowed_by_the_quiet_one_that_goes_before_it(empty: Desk) -> None:
    empty.ask(hard=True)
    await empty.told_of_nobody(1)
    empty.ask(trigger="safety")
    empty.ask(trigger="safety", hard=True)
    assert await empty.told_of_nobody(2) == [False, False]


async def test_a_quiet_request_that_is_repeated_is_waited_for_anew_without_a_word_to_operators(
    busy: Desk,
) -> None:
    busy.ask()
    await busy.told_of_nobody(1)
    busy.ask()
    assert await busy.told_of_nobody(2) == [False, False]
    assert len(busy.requested) == 1


async def test_a_promise_that_was_taken_back_is_none_of_the_next_request(busy: Desk) -> None:
    busy.ask(promised=True)
    await busy.told_of_nobody(1)
    busy.ask()
    assert await busy.told_of_nobody(2) == [True, False]


async def test_a_promise_stays_one_when_the_request_hardens(empty: Desk) -> None:
    empty.anyone_free = True
    empty.ask(promised=True)
    await asyncio.sleep(0)
    empty.anyone_free = False
    empty.ask(hard=True)
    assert await empty.told_of_nobody(1) == [True]


async def test_a_safety_finding_is_told_to_operators_while_somebody_else_is_waited_for(empty: Desk) -> None:
    empty.anyone_free = True
    empty.ask(trigger="graph", hard=True)
    for hard in (False, True):
        empty.escalations.request("safety", "chest pain", hard=hard, grounds=CHEST_PAIN)
    assert [(e.trigger, e.concept, e.hard) for e in empty.requested] == [
        ("graph", "", True),
        ("safety", "chest_pain", True),
    ]


async def test_what_operators_know_is_not_replaced_by_something_milder(empty: Desk) -> None:
    empty.escalations.request("safety", "chest pain", hard=True, grounds=CHEST_PAIN)
    await empty.told_of_nobody(1)
    empty.ask(trigger="caller", promised=True)
    assert [(e.trigger, e.concept, e.hard) for e in empty.requested] == [("safety", "chest_pain", True)] * 2
