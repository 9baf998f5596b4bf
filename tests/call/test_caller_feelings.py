"""A call that listens for how its caller feels, and one whose models fail it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from models.emotion_encoder import EmotionEncoder, Encoding
from models.language.language import LanguageModel, LanguageReading
from models.prosody import VoiceEmotion
from models.speech import Delivery, Pcm
from tests.call.conftest import Speak
from tests.call.fakes import ScriptedRecognizer
from tests.call.session_kit import Begin, Call
from tests.emotion.feeling_kit import prosody
from voice_agent.call import events
from voice_agent.call.emotion_models import EmotionModels, EmotionNetworks
from voice_agent.call.stub_speech import StubVoice
from voice_agent.emotion.settings import EmotionPolicy, RiskPart, RiskSignalConfig
from voice_agent.reasoning.effects import Effect, Pace, Say, SayKind
from voice_agent.reasoning.signals import Emotion, RiskChanged, Signal, Started, Utterance

COMPLAINT = "i have been waiting for weeks and this is terrible i am really angry"
SPOKEN = "I have been waiting"

Make = Callable[..., EmotionModels]


@pytest.fixture(scope="module")
def networks() -> EmotionNetworks:
    return EmotionNetworks.load()


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Puts networks behind workers that end with the test."""
    made: list[EmotionModels] = []

    def put(networks: EmotionNetworks, **times: float) -> EmotionModels:
        made.append(EmotionModels(networks, **times))
        return made[-1]

    yield put
    for each in made:
        each.close()


async def short(signal: Signal) -> AsyncIterator[Effect]:
    """A conversation of few words."""
    match signal:
        case Started():
            yield Say("Hello.", SayKind.GREETING)
        case Utterance():
            yield Say("Sure.")


class Furious:
    """A prosody model to which everybody is furious."""

    def __init__(self, networks: EmotionNetworks) -> None:
        assert networks.prosody is not None
        self.identity = networks.prosody.identity
        self.learn = networks.prosody.learn

    def read(self, encoding: Encoding, baselines: Sequence[object]) -> list[Any]:
        del baselines
        return [prosody(VoiceEmotion.ANGRY, -0.9, 0.98) for _ in encoding.sounds]


def furious(networks: EmotionNetworks) -> EmotionNetworks:
    return replace(networks, prosody=Furious(networks))


class RecordingVoice(StubVoice):
    """Remembers how it was asked to speak."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Delivery]] = []

    def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        self.asked.append((text, delivery))
        return super().synthesize(text, delivery)


async def after_one_turn(call: Call, speak: Speak) -> None:
    await call.heard_whole("Hello.")
    await call.caller.say(await speak(SPOKEN))
    await call.heard_whole("Sure.")


async def test_a_turn_is_told_in_all_its_parts(
    begin: Begin, speak: Speak, make: Make, networks: EmotionNetworks
) -> None:
    call = await begin(short, ScriptedRecognizer([COMPLAINT]), emotion=make(networks))
    await after_one_turn(call, speak)
    emotion = next(e for e in call.all(events.EmotionMeasured) if e.turn_index == 1)
    assert emotion.total_segments >= 1
    assert emotion.turn_valence < 0
    assert emotion.models
    assert emotion.evidence
    assert emotion.snapshot_ms <= 160
    assert [e.turn_index for e in call.all(events.CompoundEmotion)] == [1]
    assert [e.turn_index for e in call.all(events.EmpathyClassified)] == [1]
    assert call.all(events.VoiceContextApplied)[0].reasoning
    risk = call.all(events.RiskScored)[0]
    assert risk.risk_score == pytest.approx(sum(s.weighted for s in risk.signals) / 100, abs=0.001)


async def test_anger_is_known_before_it_is_answered_and_the_answer_is_spoken_calmly(
    begin: Begin, speak: Speak, make: Make, networks: EmotionNetworks
) -> None:
    voice = RecordingVoice()
    call = await begin(short, ScriptedRecognizer([COMPLAINT]), emotion=make(furious(networks)), voice=voice)
    await after_one_turn(call, speak)
    told = [type(s) for s in call.conversation.signals]
    assert told.index(Emotion) < told.index(Utterance)
    emotion = next(s for s in call.conversation.signals if isinstance(s, Emotion))
    assert (emotion.dominant, emotion.details["acknowledge"]) == ("angry", True)
    (_, greeting), (_, reply) = voice.asked
    assert (greeting.rate, greeting.emotion) == (1.0, "friendly")
    assert (reply.rate, reply.volume, reply.emotion) == (0.92, 0.95, "calm")


async def test_a_sensitive_topic_is_spoken_with_care_before_anybody_reacts(begin: Begin) -> None:
    async def results(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say("Hello.", SayKind.GREETING)
            yield Say("Your biopsy results are here.", SayKind.REPLY)

    voice = RecordingVoice()
    options = {"emotion": EmotionPolicy(sensitive_topics=("biopsy",))}
    call = await begin(results, voice=voice, service_options=options)
    await call.heard_whole("Your biopsy results are here.")
    assert [(d.emotion, d.rate) for _, d in voice.asked] == [("friendly", 1.0), ("sympathetic", 0.92)]
    assert "biopsy" in call.all(events.VoiceContextApplied)[0].reasoning


async def test_a_caller_who_wants_it_slower_gets_it_slower_but_not_below_the_services_limit(
    begin: Begin, speak: Speak
) -> None:
    async def slows(signal: Signal) -> AsyncIterator[Effect]:
        match signal:
            case Started():
                yield Say("Hello.", SayKind.GREETING)
            case Utterance():
                yield Pace(0.5, "the caller asked for it")
                yield Say("Sure.")

    voice = RecordingVoice()
    call = await begin(slows, ScriptedRecognizer(["slower please"]), voice=voice)
    await after_one_turn(call, speak)
    assert voice.asked[-1][1].rate == 0.8
    assert "asked for it" in call.all(events.VoiceContextApplied)[-1].reasoning


async def test_a_risk_over_the_threshold_asks_for_a_person_and_tells_the_reasoner(
    begin: Begin, speak: Speak, make: Make, networks: EmotionNetworks
) -> None:
    touchy = RiskSignalConfig(
        weights={RiskPart.EMOTION: 1.0}, monitor_threshold=10, alert_threshold=20, auto_escalate_threshold=30
    )
    call = await begin(
        short,
        ScriptedRecognizer([COMPLAINT, COMPLAINT]),
        emotion=make(furious(networks)),
        service_options={"emotion": EmotionPolicy(risk=touchy)},
        anyone_free=True,
    )
    await after_one_turn(call, speak)
    wanted = await call.wait_for(lambda e: isinstance(e, events.EscalationRequested))
    assert (wanted.trigger, wanted.hard) == ("risk", False)
    assert wanted.risk_score == call.all(events.RiskScored)[0].risk_score
    assert "valence" in wanted.reason
    assert [s.level for s in call.conversation.signals if isinstance(s, RiskChanged)] == ["escalate"]
    await call.caller.say(await speak(SPOKEN))
    await call.wait_for(lambda e: isinstance(e, events.RiskScored) and e.turn_index == 2)
    assert len(call.all(events.EscalationRequested)) == 1


async def test_a_service_that_switches_it_off_is_not_listened_to(
    begin: Begin, speak: Speak, make: Make, networks: EmotionNetworks
) -> None:
    off = EmotionPolicy(enabled=False, risk=RiskSignalConfig(enabled=False))
    call = await begin(
        short,
        ScriptedRecognizer([COMPLAINT]),
        emotion=make(networks),
        service_options={"emotion": off},
    )
    await after_one_turn(call, speak)
    kinds = {e.type for e in call.seen}
    assert kinds.isdisjoint({"emotion", "compound_emotion", "empathy_classified", "risk"})


class Slow:
    """The encoder, a hundred times."""

    def __init__(self, encoder: EmotionEncoder | None) -> None:
        assert encoder is not None
        self._encoder = encoder
        self.identity = encoder.identity
        self.runs = 0
        self.often = threading.Event()
        """Set after more than a hundred runs."""

    def encode(self, windows: Sequence[Pcm]) -> Encoding:
        for _ in range(99):
            self._encoder.encode(windows)
            self.runs += 1
            if self.runs > 100:
                self.often.set()
        return self._encoder.encode(windows)


class SlowWords:
    """The language model, a hundred times."""

    def __init__(self, language: LanguageModel | None) -> None:
        assert language is not None
        self._language = language
        self.identity = language.identity

    def run(self, texts: Sequence[str]) -> list[LanguageReading]:
        for _ in range(99):
            self._language.run(texts)
        return self._language.run(texts)


async def test_models_a_hundred_times_slower_delay_no_reply(
    begin: Begin, speak: Speak, make: Make, networks: EmotionNetworks
) -> None:
    slow = replace(networks, encoder=Slow(networks.encoder), language=SlowWords(networks.language))
    latencies: dict[bool, list[float]] = {False: [], True: []}
    for with_models in (False, True):
        call = await begin(
            short,
            ScriptedRecognizer([COMPLAINT] * 3),
            emotion=make(slow) if with_models else None,
        )
        await call.heard_whole("Hello.")
        for turn in (1, 2):
            await call.caller.say(await speak(SPOKEN))
            await call.wait_for(
                lambda e, n=turn: isinstance(e, events.AgentTranscript) and e.turn_index == n  # type: ignore[misc]
            )
        latencies[with_models] = [e.e2e_ttfb_ms for e in call.all(events.Latency) if not e.is_greeting]
    assert await asyncio.to_thread(slow.encoder.often.wait, 60)
    assert min(latencies[True]) <= min(latencies[False]) + 100


async def test_a_model_that_hangs_is_left_alone_and_the_call_goes_on(
    begin: Begin, speak: Speak, make: Make, networks: EmotionNetworks
) -> None:
    free = threading.Event()

    class Hanging(Slow):
        def encode(self, windows: Sequence[Pcm]) -> Encoding:
            free.wait(60)
            return networks.encoder.encode(windows)

    hanging = make(replace(networks, encoder=Hanging(networks.encoder)), deadline_s=1.0)
    try:
        call = await begin(short, ScriptedRecognizer([COMPLAINT] * 6), emotion=hanging)
        await call.heard_whole("Hello.")
        turn = 0
        while not any(e.part == "emotion" for e in call.all(events.Degraded)):
            turn += 1
            await call.caller.say(await speak(SPOKEN))
            await call.wait_for(lambda e, n=turn: isinstance(e, events.RiskScored) and e.turn_index == n)  # type: ignore[misc]
            await call.wait_for(
                lambda e, n=turn: isinstance(e, events.AgentTranscript) and e.turn_index == n  # type: ignore[misc]
            )
    finally:
        free.set()
    degraded = [e for e in call.all(events.Degraded) if e.part == "emotion"]
    assert [(e.rung, e.reason) for e in degraded] == [("neutral_baseline", "emotion_encoder")]
    last = [e for e in call.all(events.EmotionMeasured) if e.turn_index][-1]
    assert last.total_segments == 0
    assert last.turn_valence < 0  # the words are still read


async def test_without_any_weights_the_caller_is_neutral_and_the_call_goes_on(
    begin: Begin, speak: Speak, make: Make, tmp_path: Any
) -> None:
    call = await begin(short, ScriptedRecognizer([COMPLAINT]), emotion=make(EmotionNetworks.load(tmp_path)))
    await after_one_turn(call, speak)
    emotion = call.all(events.EmotionMeasured)[0]
    assert (emotion.dominant, emotion.turn_valence, emotion.models) == ("neutral", 0.0, {})
    assert [e.reason for e in call.all(events.Degraded)] == ["emotion_encoder, language"]


async def test_threads_end_with_the_models(networks: EmotionNetworks) -> None:
    before = set(threading.enumerate())
    models = EmotionModels(networks)
    await models.read("call", "hello there")
    started = set(threading.enumerate()) - before
    assert [thread.name for thread in started] == ["model-language"]
    models.close()
    for thread in started:
        await asyncio.to_thread(thread.join, 2)
        assert not thread.is_alive()
