"""Escalations of a call: soft and hard, answered and not; and where a transfer goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tests.call.conftest import Speak
from tests.call.fakes import ScriptedRecognizer
from tests.call.session_kit import Begin, Call
from voice_agent.call import events
from voice_agent.call.escalation import EscalationPolicy
from voice_agent.call.forwarding import ForwardDirectory, ForwardTarget
from voice_agent.call.operator_events import EscalationEvent
from voice_agent.call.ports import AddedLeg, LegRole
from voice_agent.call.watch import WatchPolicy
from voice_agent.operators.ports import EscalationStatus, OperatorLeg, OperatorMode
from voice_agent.reasoning.effects import Effect, Escalate, Say, SayKind, Transfer
from voice_agent.reasoning.signals import (
    HandedBack,
    NotReached,
    Signal,
    Started,
    TransferWithdrawn,
    Utterance,
)

ANN = OperatorLeg("ann", "Ann", "client:ann")
QUICK = {"escalation": EscalationPolicy(patience_s=0.4)}
COMING = "Somebody will be with you."
SORRY = "Nobody is there, I am sorry."


def wants_a_person(*, trigger: str = "graph", hard: bool = False, promised: bool = False) -> Any:
    async def answer(signal: Signal) -> AsyncIterator[Effect]:
        match signal:
            case Started():
                yield Say(COMING, SayKind.GREETING)
                yield Escalate("asked for a person", trigger, hard, promised)
            case NotReached():
                yield Say(SORRY)
            case HandedBack():
                yield Say("I am back.")
            case Utterance(text=text):
                yield Say(f"You said: {text}.")

    return answer


def steps(call: Call) -> list[str]:
    return [e.status for e in call.seen if isinstance(e, EscalationEvent)]


async def takes_over(call: Call) -> None:
    await call.session.operators.join(ANN, OperatorMode.TAKEOVER)
    call.session.operators.joined("ann", AddedLeg("CF1", "CA-ann"))
    await call.wait_for(lambda e: isinstance(e, events.OperatorModeSwitched))


async def test_a_soft_request_is_told_and_the_agent_goes_on(begin: Begin, speak: Speak) -> None:
    call = await begin(wants_a_person(), ScriptedRecognizer(["what are your hours"]), anyone_free=True)
    requested = await call.wait_for(lambda e: isinstance(e, events.EscalationRequested))
    assert (requested.trigger, requested.reason, requested.hard) == ("graph", "asked for a person", False)
    assert requested.escalation_id
    await call.heard_whole(COMING)
    await call.caller.say(await speak("What are your hours?"))
    await call.heard_whole("You said: what are your hours.")


async def test_after_a_hard_request_the_agents_turns_are_over_until_somebody_hands_back(
    begin: Begin, speak: Speak
) -> None:
    call = await begin(
        wants_a_person(hard=True), ScriptedRecognizer(["what are your hours"]), anyone_free=True
    )
    await call.heard_whole(COMING)
    await call.caller.say(await speak("What are your hours?"))
    await call.wait_for(lambda e: isinstance(e, events.TurnCompleted))
    await takes_over(call)
    await call.session.operators.leave("ann")
    await call.heard_whole("I am back.")
    assert not [
        e for e in call.all(events.AgentTranscript) if "You said" in e.heard or "listening" in e.heard
    ]
    assert steps(call) == ["requested", "connected", "handback", "completed"]
    connected = call.all(events.EscalationConnected)[0]
    assert connected.operator_id == "ann"
    assert connected.wait_seconds > 0
    completed = call.all(events.EscalationCompleted)[0]
    assert completed.handle_time_seconds >= 0
    assert len({e.escalation_id for e in call.seen if isinstance(e, EscalationEvent)}) == 1


async def test_with_nobody_on_duty_a_hard_request_is_answered_honestly_at_once(begin: Begin) -> None:
    call = await begin(wants_a_person(hard=True), anyone_free=False)
    await call.heard_whole(COMING)
    await call.heard_whole(SORRY)
    assert [s for s in call.conversation.signals if isinstance(s, NotReached)] == [
        NotReached("operator", promised=False)
    ]
    assert call.session.escalations.status is EscalationStatus.REQUESTED


async def test_a_caller_whom_nobody_can_join_is_told_so_whoever_is_free(begin: Begin) -> None:
    call = await begin(wants_a_person(hard=True), anyone_free=True, attach=False)
    call.line.operators.reachable = False
    call.network.start(call.session.attach(LegRole.DUPLEX, 1, call.network))
    call.session.caller_joined()
    await call.heard_whole(SORRY)


async def test_a_caller_who_waits_for_a_person_hears_that_the_line_is_alive(
    begin: Begin, speak: Speak
) -> None:
    watch = WatchPolicy(waiting_after_s=0.3, waiting_interval_s=0.6, waiting=("Still here.", "Please wait."))
    call = await begin(
        wants_a_person(hard=True), ScriptedRecognizer(["hello are you there"]), anyone_free=True, watch=watch
    )
    await call.heard_whole(COMING)
    first = await call.heard_whole("Still here.")
    second = await call.heard_whole("Please wait.")
    assert second.seq > first.seq
    assert call.session.escalations.status is EscalationStatus.REQUESTED


async def test_who_asks_while_waiting_whether_anybody_is_there_is_answered(
    begin: Begin, speak: Speak
) -> None:
    watch = WatchPolicy(waiting_after_s=60.0, waiting_interval_s=60.0, waiting=("Still here.",))
    call = await begin(
        wants_a_person(hard=True), ScriptedRecognizer(["hello are you there"]), anyone_free=True, watch=watch
    )
    await call.heard_whole(COMING)
    await call.caller.say(await speak("Hello? Are you there?"))
    await call.heard_whole("Still here.")
    assert not [e for e in call.all(events.AgentTranscript) if "You said" in e.heard]


async def test_when_nobody_comes_in_time_the_agent_says_so_and_the_request_stays(begin: Begin) -> None:
    call = await begin(wants_a_person(promised=True), anyone_free=True, service_options=QUICK)
    await call.heard_whole(SORRY)
    assert [s for s in call.conversation.signals if isinstance(s, NotReached)] == [
        NotReached("operator", promised=True)
    ]
    assert steps(call) == ["requested"]
    await takes_over(call)
    assert steps(call) == ["requested", "connected"]


async def test_an_operator_who_is_there_is_not_spoken_of_as_missing(begin: Begin) -> None:
    call = await begin(wants_a_person(promised=True), anyone_free=True, service_options=QUICK)
    await call.wait_for(lambda e: isinstance(e, events.EscalationRequested))
    await takes_over(call)
    await asyncio.sleep(0.6)
    assert not [s for s in call.conversation.signals if isinstance(s, NotReached)]


async def test_asking_again_changes_nothing_unless_it_is_harder(begin: Begin) -> None:
    call = await begin(wants_a_person(), anyone_free=True)
    await call.wait_for(lambda e: isinstance(e, events.EscalationRequested))
    first = call.session.escalations.current
    assert call.session.escalations.request("risk", "a high score") == first
    harder = call.session.escalations.request("risk", "a very high score", hard=True)
    assert first is not None
    assert (harder.escalation_id, harder.hard, harder.trigger) == (first.escalation_id, True, "risk")
    await call.wait_for(lambda e: isinstance(e, events.EscalationRequested) and e.hard)
    assert steps(call) == ["requested", "requested"]


async def test_a_call_that_ends_completes_what_was_connected(begin: Begin) -> None:
    call = await begin(wants_a_person(), anyone_free=True)
    await call.heard_whole(COMING)
    await takes_over(call)
    await call.session.end("caller_hangup")
    await call.wait_for(lambda e: isinstance(e, events.SessionEnd))
    assert steps(call) == ["requested", "connected", "completed"]


async def test_a_request_after_the_hand_back_is_a_new_one(begin: Begin) -> None:
    call = await begin(wants_a_person(), anyone_free=True)
    await call.heard_whole(COMING)
    await takes_over(call)
    await call.session.operators.switch("ann", OperatorMode.LISTEN)
    again = call.session.escalations.request("caller", "asked again")
    await call.wait_for(
        lambda e: isinstance(e, events.EscalationRequested) and e.escalation_id == again.escalation_id
    )
    assert steps(call) == ["requested", "connected", "handback", "completed", "requested"]


# -- transfers


def transferring(target: str) -> Any:
    async def answer(signal: Signal) -> AsyncIterator[Effect]:
        match signal:
            case Started():
                yield Say("Let me put you through to them right away.", SayKind.GREETING)
                yield Transfer(target)
            case NotReached(who="transfer"):
                yield Say(SORRY)
            case Utterance():
                yield Say("Of course.")

    return answer


PLACES = ForwardDirectory({"Front desk": "+14155550188"}, forward_to="+14155550199")


def test_a_target_is_a_number_a_place_or_the_services_own_forwarding() -> None:
    assert PLACES.resolve("+14155550177") == ForwardTarget("+14155550177")
    assert PLACES.resolve("+14155550188") == ForwardTarget("+14155550188", "Front desk")
    assert PLACES.resolve(" front DESK ") == ForwardTarget("+14155550188", "Front desk")
    assert PLACES.resolve("Billing") == ForwardTarget("+14155550199", "Billing")
    assert PLACES.resolve("") == ForwardTarget("+14155550199")
    assert ForwardDirectory().resolve("Billing") is None


async def test_a_transfer_by_name_waits_for_the_last_word_and_tells_where_it_went(begin: Begin) -> None:
    call = await begin(transferring("front desk"), service_options={"directory": PLACES})
    assert call.line.transfers == []
    resolved = await call.wait_for(lambda e: isinstance(e, events.ForwardCallResolved))
    assert call.line.transfers == ["+14155550188"]
    assert call.all(events.AgentTranscript)[0].unheard == ""
    assert (resolved.location_name, resolved.target_number) == ("Front desk", "+14155550188")
    assert (resolved.result, resolved.error, resolved.should_disconnect) == ("forwarded", "", True)


async def test_a_transfer_that_is_not_answered_comes_back_with_the_reason(begin: Begin) -> None:
    call = await begin(transferring("+14155550177"))
    call.line.transfer_works = False
    await call.heard_whole(SORRY)
    [resolved] = call.all(events.ForwardCallResolved)
    assert (resolved.result, resolved.error) == ("failed", "no-answer")


async def test_a_transfer_to_a_place_nobody_knows_fails_without_moving_the_caller(begin: Begin) -> None:
    call = await begin(transferring("Billing"))
    await call.heard_whole(SORRY)
    assert call.line.transfers == []
    [resolved] = call.all(events.ForwardCallResolved)
    assert (resolved.location_name, resolved.result) == ("Billing", "failed")


async def test_a_caller_who_speaks_up_is_not_transferred(begin: Begin, speak: Speak) -> None:
    call = await begin(transferring("+14155550177"), ScriptedRecognizer(["no wait one more thing"]))
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    await call.caller.say(await speak("No wait, wait, one more thing please"))
    await call.heard_whole("Of course.")
    assert call.line.transfers == []
    [resolved] = call.all(events.ForwardCallResolved)
    assert resolved.result == "withdrawn"
    kinds = [type(s) for s in call.conversation.signals if isinstance(s, TransferWithdrawn | Utterance)]
    assert kinds == [TransferWithdrawn, Utterance]
