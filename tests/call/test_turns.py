"""Turn-taking alone: frames in, turns out, through pipecat's own turn processor."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.turns.user_turn_processor import UserTurnProcessor
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from models.expectation import AnswerKind, Expectation
from models.speech import Transcript
from voice_agent.call.ear import HeardSpeech
from voice_agent.call.floor import Floor, Interruption, TurnPolicy
from voice_agent.call.frames import SignalFrame, SpeechProgressFrame, SpeechVerdictFrame
from voice_agent.call.ledger import AgentUtterance, PlaybackLedger
from voice_agent.call.mouth import Mouth
from voice_agent.call.turns import AnswerStopStrategy, BargeInStartStrategy
from voice_agent.reasoning.signals import Utterance


@dataclass
class Talk:
    """Turn-taking with an agent that may be speaking."""

    expectation: Expectation = field(default_factory=Expectation)
    agent: AgentUtterance | None = None
    interruptions: list[Interruption] = field(default_factory=list)
    turns: list[tuple[Utterance, str]] = field(default_factory=list)
    unanswered: list[tuple[str, bool]] = field(default_factory=list)
    heard: int = 0

    async def run(self, *frames: Frame) -> list[Frame]:
        mouth = Mouth(PlaybackLedger(lambda _: None), on_audio=lambda *_: None, on_discard=lambda _: None)
        if self.agent is not None:
            mouth.ledger.begin(self.agent)
        floor = Floor(mouth, TurnPolicy(), self._interrupted)
        start = BargeInStartStrategy(floor, self._words)
        self.stop = AnswerStopStrategy(
            floor,
            expectation=lambda: self.expectation,
            newest=lambda: self.heard,
            on_words=self._words,
            on_turn=self._turn,
        )
        processor = UserTurnProcessor(
            user_turn_strategies=UserTurnStrategies(start=[start], stop=[self.stop])
        )
        down, _ = await run_test(
            processor,
            frames_to_send=list(frames),
            pipeline_params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
        )
        return list(down)

    def words(
        self, text: str, *, accepted: bool = True, continues: bool = False, seconds: float = 0.5
    ) -> TranscriptionFrame:
        transcript = Transcript(text, 0.9 if text else 0.0, accepted=accepted and bool(text))
        heard = HeardSpeech(self.heard, transcript, 0.0, seconds, 20.0, continues)
        return TranscriptionFrame(text=text, user_id="", timestamp="", result=heard, finalized=True)

    def voice(self) -> Frame:
        self.heard += 1
        return VADUserStartedSpeakingFrame(start_secs=0.1)

    def _interrupted(self, interruption: Interruption) -> None:
        self.interruptions.append(interruption)
        self.stop.barge_in = True

    def _words(self, heard: HeardSpeech, backchannel: bool) -> None:
        self.unanswered.append((heard.transcript.text, backchannel))

    def _turn(self, utterance: Utterance, reason: str, verdict: float | None, voice_end: float) -> int:
        del verdict, voice_end
        self.turns.append((utterance, reason))
        return len(self.turns)


def quiet() -> Frame:
    return VADUserStoppedSpeakingFrame(stop_secs=0.2)


def speaking(name: str = "a1", *, interruptible: bool = True) -> AgentUtterance:
    return AgentUtterance(name, "We have several times", interruptible=interruptible, sent=4000)


PAUSE = SleepFrame(0.05)


async def test_complete_answer_ends_the_turn_at_once() -> None:
    talk = Talk(Expectation((AnswerKind.YES_NO,)))
    down = await talk.run(talk.voice(), PAUSE, quiet(), talk.words("yes please"), PAUSE)
    assert [(u.text, why) for u, why in talk.turns] == [("yes please", "complete_answer")]
    assert any(isinstance(f, SignalFrame) for f in down)


async def test_turn_model_ends_a_turn_that_sounds_finished() -> None:
    talk = Talk()
    verdict = SpeechVerdictFrame(probability=0.9, speech=1)
    await talk.run(talk.voice(), PAUSE, quiet(), talk.words("i have a question"), verdict, PAUSE)
    assert talk.turns[0][1] == "smart_turn"


async def test_unfinished_sounding_pause_lets_the_caller_go_on() -> None:
    talk = Talk()
    first = talk.voice()
    words = talk.words("i need to move my")
    verdict = SpeechVerdictFrame(probability=0.1, speech=1)
    more = talk.voice()
    rest = talk.words("thursday appointment")
    done = SpeechVerdictFrame(probability=0.95, speech=2)
    await talk.run(first, PAUSE, quiet(), words, verdict, PAUSE, more, PAUSE, quiet(), rest, done, PAUSE)
    assert [u.text for u, _ in talk.turns] == ["i need to move my thursday appointment"]


async def test_silence_after_an_unfinished_sounding_turn_ends_it() -> None:
    talk = Talk()
    verdict = SpeechVerdictFrame(probability=0.3, speech=1)
    await talk.run(talk.voice(), PAUSE, quiet(), talk.words("well maybe"), verdict, SleepFrame(1.7))
    assert talk.turns[0][1] == "timeout"


async def test_digits_wait_for_the_rest_and_end_with_the_last() -> None:
    talk = Talk(Expectation((AnswerKind.DIGITS,), digits=6))
    first, words = talk.voice(), talk.words("four one five")
    verdict = SpeechVerdictFrame(probability=0.99, speech=1)
    more = talk.voice()
    whole = talk.words("four one five two two two", continues=True)
    await talk.run(first, PAUSE, quiet(), words, verdict, SleepFrame(0.3), more, PAUSE, quiet(), whole, PAUSE)
    assert [(u.text, why) for u, why in talk.turns] == [("four one five two two two", "complete_answer")]


async def test_assent_over_the_agent_is_no_turn() -> None:
    talk = Talk(agent=speaking())
    down = await talk.run(talk.voice(), PAUSE, quiet(), talk.words("mm-hmm"), PAUSE)
    assert talk.turns == []
    assert talk.unanswered == [("mm-hmm", True)]
    assert not any(isinstance(f, InterruptionFrame) for f in down)


async def test_courtesy_behind_an_answer_is_no_turn() -> None:
    talk = Talk(agent=speaking())
    words = talk.words("please")
    words.result = replace(words.result, afterthought=True)
    down = await talk.run(talk.voice(), PAUSE, quiet(), words, PAUSE)
    assert talk.turns == []
    assert talk.unanswered == [("please", True)]
    assert not any(isinstance(f, InterruptionFrame) for f in down)


async def test_cough_over_the_agent_is_no_turn() -> None:
    talk = Talk(agent=speaking())
    await talk.run(talk.voice(), PAUSE, quiet(), talk.words("", seconds=0.2), PAUSE)
    assert talk.turns == []
    assert not talk.interruptions


@pytest.mark.parametrize(("seconds", "partial"), [(1.1, ""), (0.4, "wait a minute")])
async def test_lasting_voice_or_clear_words_interrupt(seconds: float, partial: str) -> None:
    talk = Talk(agent=speaking())
    frames = [talk.voice(), PAUSE]
    if partial:
        frames += [InterimTranscriptionFrame(text=partial, user_id="", timestamp=""), PAUSE]
    down = await talk.run(*frames, SpeechProgressFrame(seconds=seconds), PAUSE)
    assert len(talk.interruptions) == 1
    assert any(isinstance(f, InterruptionFrame) for f in down)


@pytest.mark.parametrize(("seconds", "interrupts"), [(1.2, False), (1.6, True)])
async def test_a_long_hum_is_none_where_the_recognizer_would_have_told_words(
    seconds: float, interrupts: bool
) -> None:
    talk = Talk(agent=speaking())
    partial = InterimTranscriptionFrame(text="uh huh", user_id="", timestamp="")
    murmur = [talk.voice(), PAUSE, partial, PAUSE, quiet(), talk.words("uh huh"), PAUSE]
    await talk.run(*murmur, talk.voice(), PAUSE, SpeechProgressFrame(seconds=seconds), PAUSE)
    assert bool(talk.interruptions) is interrupts


async def test_early_murmur_in_a_partial_does_not_interrupt() -> None:
    talk = Talk(agent=speaking())
    partial = InterimTranscriptionFrame(text="uh huh", user_id="", timestamp="")
    await talk.run(talk.voice(), PAUSE, partial, PAUSE, SpeechProgressFrame(seconds=0.5), PAUSE)
    assert not talk.interruptions


async def test_words_behind_a_short_voice_still_interrupt() -> None:
    talk = Talk(Expectation((AnswerKind.PHRASES,)), agent=speaking())
    verdict = SpeechVerdictFrame(probability=0.9, speech=1)
    await talk.run(talk.voice(), PAUSE, quiet(), talk.words("no friday"), verdict, PAUSE)
    assert len(talk.interruptions) == 1
    assert talk.turns[0][0].barge_in


async def test_protected_sentence_is_not_interrupted() -> None:
    talk = Talk(agent=speaking(interruptible=False))
    verdict = SpeechVerdictFrame(probability=0.9, speech=1)
    going_on = SpeechProgressFrame(seconds=2.0)
    await talk.run(talk.voice(), PAUSE, going_on, quiet(), talk.words("my name is"), verdict, PAUSE)
    assert not talk.interruptions
    assert [u.text for u, _ in talk.turns] == ["my name is"]


async def test_words_that_nobody_could_make_out_are_a_turn_to_be_asked_about() -> None:
    talk = Talk()
    verdict = SpeechVerdictFrame(probability=0.9, speech=1)
    await talk.run(talk.voice(), PAUSE, quiet(), talk.words("", seconds=1.5), verdict, PAUSE)
    assert [(u.text, u.accepted) for u, _ in talk.turns] == [("", False)]
