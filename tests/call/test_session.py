"""A session on a fake network: real voice activity and turn-taking, scripted words and answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from models.expectation import AnswerKind, Expectation
from models.speech import SpeechError
from tests.call.conftest import Speak
from tests.call.fakes import FakeNetwork, ScriptedRecognizer
from tests.call.session_kit import GREETING, INFO, Begin, greet_then_echo
from voice_agent.call import events
from voice_agent.call.ports import LegRole
from voice_agent.call.voice_activity import STOP_S
from voice_agent.call.watch import WatchPolicy
from voice_agent.reasoning.effects import Effect, End, Expect, Say, SayKind, Transfer
from voice_agent.reasoning.signals import Heard, NotReached, Signal, Silence, Started, Utterance


async def test_greeting_waits_for_the_caller_and_then_starts_at_once(begin: Begin) -> None:
    call = await begin(greet_then_echo, attach=False)
    call.network.start(call.session.attach(LegRole.AGENT, 1, call.network))
    await call.wait_for(lambda e: isinstance(e, events.AgentTranscriptDelta))
    assert not call.network.sent_at
    call.caller.start(call.session.attach(LegRole.TAP, 1, call.caller))
    answered = time.monotonic()
    call.session.caller_joined()
    latency = await call.wait_for(lambda e: isinstance(e, events.Latency))
    assert latency.is_greeting
    assert call.network.sent_at[0] - answered < 0.3


async def test_words_of_the_caller_are_answered(begin: Begin, speak: Speak) -> None:
    call = await begin(greet_then_echo, ScriptedRecognizer(["i need an appointment"]))
    await call.heard_whole(GREETING)
    await call.caller.say(await speak("I need an appointment"))
    reply = await call.heard_whole("You said: i need an appointment.")
    assert reply.turn_index == 1
    words = call.all(events.UserTranscript)[-1]
    assert words.transcript == "i need an appointment"
    assert call.all(events.TurnCompleted)[0].turn_index == 1
    assert call.all(events.Latency)[-1].e2e_ttfb_ms > 0


async def test_an_answer_that_is_complete_before_a_pause_is_taken_without_waiting_for_its_end(
    begin: Begin, speak: Speak
) -> None:
    async def asks(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Expect(Expectation((AnswerKind.YES_NO,)))
            yield Say(GREETING, SayKind.GREETING)
        elif isinstance(signal, Utterance):
            yield Say(f"You said: {signal.text}.")

    recognizer = ScriptedRecognizer(["never asked"])
    recognizer.sees = "yes please"
    call = await begin(asks, recognizer)
    await call.heard_whole(GREETING)
    await call.caller.say(await speak("Yes please"))
    await call.heard_whole("You said: yes please.")
    stopped, taken = call.all(events.SpeechStopped)[0], call.all(events.TurnCompleted)[0]
    assert taken.reason == "complete_answer"
    assert stopped.t - stopped.speech_end < STOP_S
    assert recognizer.glances
    assert recognizer.results == ["never asked"]


async def test_words_before_a_pause_that_answer_nothing_wait_for_the_end(begin: Begin, speak: Speak) -> None:
    recognizer = ScriptedRecognizer(["i need an appointment"])
    call = await begin(greet_then_echo, recognizer)
    await call.heard_whole(GREETING)
    await call.caller.say(await speak("I need an appointment"))
    await call.heard_whole("You said: i need an appointment.")
    stopped = call.all(events.SpeechStopped)[-1]
    assert stopped.t - stopped.speech_end >= STOP_S - 0.05


async def test_interruption_clears_and_what_was_not_played_counts_as_unheard(
    begin: Begin, speak: Speak
) -> None:
    call = await begin(greet_then_echo, ScriptedRecognizer(["no wait i want to cancel"]))
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    await call.caller.say(await speak("No, wait, I want to cancel my appointment please"))
    barge_in = await call.wait_for(lambda e: isinstance(e, events.BargeIn))
    assert barge_in.interrupted_text == GREETING
    assert len(call.network.clears) == 1
    await call.heard_whole("You said: no wait i want to cancel.")
    greeting = call.all(events.AgentTranscript)[0]
    assert greeting.interrupted
    assert greeting.heard
    assert greeting.unheard
    assert f"{greeting.heard} {greeting.unheard}" == GREETING
    heard = [s for s in call.conversation.signals if isinstance(s, Heard)]
    assert heard[0].unheard == greeting.unheard
    assert next(s for s in call.conversation.signals if isinstance(s, Utterance)).barge_in


async def test_murmur_of_assent_does_not_stop_the_agent(begin: Begin, speak: Speak) -> None:
    async def long_greeting(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            for n in range(3):
                yield Say(f"This is sentence {n}.", SayKind.GREETING)

    call = await begin(long_greeting, ScriptedRecognizer(["mm-hmm"]))
    await call.wait_for(lambda e: isinstance(e, events.AgentTranscript))
    await call.caller.say((await speak("okay"))[:5600])
    await call.wait_for(lambda e: isinstance(e, events.UserTranscript) and e.is_backchannel)
    await call.heard_whole("This is sentence 2.")
    assert not call.network.clears
    assert not call.all(events.BargeIn)
    gaps = [b - a for a, b in zip(call.network.sent_at, call.network.sent_at[1:], strict=False)]
    assert len(call.network.played) >= 3 * 16000
    assert max(gaps) < 1.3


async def test_protected_sentence_is_not_stopped_but_the_words_are_answered(
    begin: Begin, speak: Speak
) -> None:
    async def protected(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say("If this is an emergency, hang up and dial 911.", interruptible=False)
        elif isinstance(signal, Utterance):
            yield Say("Thank you.")

    call = await begin(protected, ScriptedRecognizer(["i need to move my appointment"]))
    await call.wait_for(lambda e: isinstance(e, events.AgentTranscriptDelta))
    await call.caller.say(await speak("I need to move my appointment"))
    await call.heard_whole("Thank you.")
    assert not call.network.clears
    assert call.all(events.AgentTranscript)[0].unheard == ""


async def test_call_ends_by_itself_after_the_last_word_was_heard(begin: Begin) -> None:
    async def goodbye(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say("Goodbye.", SayKind.GOODBYE)
            yield End("terminal_state")

    call = await begin(goodbye)
    async with asyncio.timeout(6):
        await call.line.hung_up.wait()
    assert call.all(events.AgentTranscript)[0].heard == "Goodbye."
    assert len(call.network.played) >= 15_000
    await call.session.end("caller_hangup")
    end = await call.wait_for(lambda e: isinstance(e, events.SessionEnd))
    assert end.completion_reason == "terminal_state"


async def test_goodbye_is_taken_back_when_the_caller_interrupts_it(begin: Begin, speak: Speak) -> None:
    async def goodbye(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say("Goodbye then, and thank you for calling.", SayKind.GOODBYE)
            yield End()
        elif isinstance(signal, Utterance):
            yield Say("Of course.")

    call = await begin(goodbye, ScriptedRecognizer(["wait one more thing"]))
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    await call.caller.say(await speak("wait wait wait, one more thing please"))
    await call.heard_whole("Of course.")
    assert not call.line.hung_up.is_set()


async def test_transfer_happens_after_the_last_word_and_failure_comes_back(begin: Begin) -> None:
    async def transfer(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say("Let me put you through.")
            yield Transfer("+14155550199")
        elif isinstance(signal, NotReached):
            yield Say("I could not reach them.")

    call = await begin(transfer)
    call.line.transfer_works = False
    await call.heard_whole("Let me put you through.")
    await call.heard_whole("I could not reach them.")
    assert call.line.transfers == ["+14155550199"]


async def test_slow_reasoner_is_covered_by_a_filler_in_time(begin: Begin, speak: Speak) -> None:
    async def slow(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Utterance):
            await asyncio.sleep(6.5)
            yield Say("Here is your answer.")

    call = await begin(slow, ScriptedRecognizer(["what are your hours"]))
    await call.wait_for(lambda e: isinstance(e, events.SessionInfo))
    await call.caller.say(await speak("What are your hours?"))
    await call.heard_whole("Here is your answer.")
    spoken = sorted(call.all(events.AgentTranscript), key=lambda e: e.start)
    speech_end = call.all(events.TurnCompleted)[0].speech_end
    assert spoken[0].kind == "filler"
    assert spoken[0].start - speech_end <= 1.5
    edges = [speech_end, *[t for e in spoken for t in (e.start, e.end)]]
    assert max(b - a for a, b in zip(edges[::2], edges[1::2], strict=False)) <= 4.0


async def test_broken_reasoner_still_says_something(begin: Begin, speak: Speak) -> None:
    async def broken(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Utterance):
            raise RuntimeError(f"nobody may read {signal.text}")
        yield Say("Hello.")

    call = await begin(broken, ScriptedRecognizer(["hello there"]))
    await call.heard_whole("Hello.")
    with structlog.testing.capture_logs() as logs:
        await call.caller.say(await speak("Hello there"))
        await call.wait_for(lambda e: isinstance(e, events.AgentTranscript) and "say that again" in e.heard)
    [degraded] = call.all(events.Degraded)
    assert degraded.part == "reasoner"
    assert re.fullmatch(r"RuntimeError at call/test_session\.py:\d+", degraded.reason)
    [failed] = [entry for entry in logs if entry["event"] == "step_failed"]
    assert failed["call_sid"] == INFO.call_sid
    assert (failed["signal"], failed["error"]) == ("Utterance", "RuntimeError")
    assert degraded.reason.endswith(failed["at"])
    assert "hello there" not in str(logs)


async def test_a_reasoner_that_goes_on_breaking_ends_the_call_with_an_honest_word(
    begin: Begin, speak: Speak
) -> None:
    async def broken(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Utterance):
            raise RuntimeError("boom")
        if isinstance(signal, Started):
            yield Say("Hello.")

    call = await begin(broken, ScriptedRecognizer(["hello there"] * 3))
    await call.heard_whole("Hello.")
    sentence = await speak("Hello there")
    for apologies in (1, 2):
        await call.caller.say(sentence)
        await call.wait_for(
            lambda _, due=apologies: (  # type: ignore[misc]
                sum("again, please" in said.heard for said in call.all(events.AgentTranscript)) == due
            )
        )
    await call.caller.say(sentence)
    await asyncio.wait_for(call.line.hung_up.wait(), 20)
    last = call.all(events.AgentTranscript)[-1]
    assert "call 911" in last.heard
    assert not last.unheard


@pytest.mark.parametrize("fault", [SpeechError("dead"), ConnectionError(), "hang"])
async def test_failing_recognizer_is_replaced_within_the_turn(begin: Begin, speak: Speak, fault: Any) -> None:
    first = ScriptedRecognizer([fault], name="cloud")
    second = ScriptedRecognizer(["move my appointment"], name="embedded")
    call = await begin(greet_then_echo, first, second)
    await call.heard_whole(GREETING)
    await call.caller.say(await speak("move my appointment"))
    await call.heard_whole("You said: move my appointment.")
    assert second.fed >= 4000
    degraded = call.all(events.Degraded)[0]
    assert (degraded.part, degraded.rung) == ("stt", "embedded")


async def test_no_recognizer_left_means_asking_again(begin: Begin, speak: Speak) -> None:
    async def ask_again(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Utterance):
            yield Say("Sorry, could you repeat that?" if not signal.accepted else "Fine.")

    call = await begin(ask_again, ScriptedRecognizer([SpeechError("dead")]))
    await call.wait_for(lambda e: isinstance(e, events.SessionInfo))
    await call.caller.say(await speak("I would like an appointment please"))
    await call.heard_whole("Sorry, could you repeat that?")


async def test_silence_is_prompted_and_counted(begin: Begin) -> None:
    async def prompt(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say("Hello.")
        elif isinstance(signal, Silence):
            yield Say(f"Are you there? {signal.count}")
            if signal.count == 2:
                yield End("abandoned")

    call = await begin(prompt, watch=WatchPolicy(silence_check_s=0.5))
    async with asyncio.timeout(12):
        await call.line.hung_up.wait()
    assert [e.count for e in call.all(events.SilenceCheck)] == [1, 2]


async def test_maximum_duration_ends_the_call(begin: Begin) -> None:
    call = await begin(greet_then_echo, watch=WatchPolicy(max_call_duration_s=0.5))
    async with asyncio.timeout(5):
        await call.line.hung_up.wait()
    await call.session.end("caller_hangup")
    assert (await call.wait_for(lambda e: isinstance(e, events.SessionEnd))).completion_reason == "timeout"


async def test_speech_goes_on_in_a_new_agent_socket_where_the_old_one_broke_off(begin: Begin) -> None:
    call = await begin(greet_then_echo)
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    assert call.network.sink is not None
    call.network.close()
    call.network.sink.on_closed("lost")
    second = FakeNetwork()
    second.start(call.session.attach(LegRole.AGENT, 2, second))
    await call.heard_whole(GREETING)
    assert len(call.network.played) + len(second.played) >= 16_000
    second.close()


async def test_numbers_can_be_keyed(begin: Begin) -> None:
    from telephony.dtmf import HIGH, KEYS, LOW

    async def ask(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Expect(Expectation((AnswerKind.DIGITS,), digits=4))
        elif isinstance(signal, Utterance):
            yield Say(f"{signal.via}: {signal.text}")

    import numpy as np

    def tone(key: str) -> Any:
        row, column = divmod(KEYS.index(key), 4)
        t = np.arange(800) / 8000
        wave = np.sin(2 * np.pi * LOW[row] * t) + np.sin(2 * np.pi * HIGH[column] * t)
        return np.concatenate([(6000 * wave).astype(np.int16), np.zeros(800, np.int16)])

    call = await begin(ask, ScriptedRecognizer())
    await call.wait_for(lambda e: isinstance(e, events.SessionInfo))
    await call.caller.say(np.concatenate([tone(key) for key in "4071"]))
    await call.heard_whole("keypad: 4071")


async def test_nothing_is_left_running_after_the_end(begin: Begin) -> None:
    before = {t for t in asyncio.all_tasks() if not t.done()}
    call = await begin(greet_then_echo, ScriptedRecognizer(["hello"]))
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    await asyncio.gather(*(call.session.end("caller_hangup") for _ in range(3)))
    call.caller.close()
    call.network.close()
    await asyncio.sleep(0.05)
    left = {t.get_name() for t in asyncio.all_tasks() if not t.done() and t not in before}
    assert not [name for name in left if name.startswith(("call-", "end-of-turn", "speech"))], left
    assert call.conversation.closed
    assert len(call.all(events.SessionEnd)) == 1


async def test_turn_that_the_reasoner_leaves_unanswered_is_not_met_with_silence(
    begin: Begin, speak: Speak
) -> None:
    async def mute(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say("Hello.")

    call = await begin(mute, ScriptedRecognizer(["yes"]))
    await call.heard_whole("Hello.")
    await call.caller.say(await speak("Yes, I think so"))
    await call.wait_for(lambda e: isinstance(e, events.AgentTranscript) and "listening" in e.heard)
