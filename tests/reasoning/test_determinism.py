"""The same signals give the same effects, whenever and wherever, and a step is little work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.reasoning.conftest import (
    GRAPHS,
    NOW,
    Calls,
    MakeTalk,
    Talk,
    Ticks,
    graph_of,
    of_kind,
    without_times,
)
from voice_agent.reasoning.effects import Effect, Navigation, ToolCompleted
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.engine import GraphConversation
from voice_agent.reasoning.settings import EngineSettings
from voice_agent.reasoning.signals import (
    Caller,
    Channel,
    Emotion,
    External,
    HandedBack,
    Heard,
    OperatorTookOver,
    Signal,
    Silence,
    Started,
    Utterance,
    Via,
)
from voice_agent.reasoning.similarity import HashingEncoder

CALL: Sequence[Signal] = (
    Started(Caller("+14155550134"), Channel.VOICE, NOW),
    Utterance("i'd like to move my thursday appointment to friday"),
    Utterance("what are your hours"),
    Utterance("march second nineteen eighty four"),
    Emotion("frustration", -0.6, 0.7),
    Utterance("oh i lost my insurance card"),
    Heard("What's the", "member ID on your card?", interrupted=True),
    Utterance("w two zero four one seven seven", barge_in=True),
    Utterance("no w two zero five one seven seven"),
    Utterance("yes"),
    Silence(8.0, 1),
    Utterance("do you have anything else"),
    Utterance("purple elephants"),
    Utterance("next monday"),
    External("say we close early", kind="guidance"),
    OperatorTookOver("Ann"),
    Utterance("thanks ann"),
    HandedBack("Ann"),
    Utterance("the eleven o'clock one"),
)


async def play(talk: Talk, signals: Sequence[Signal]) -> list[Effect]:
    effects: list[Effect] = []
    for signal in signals:
        effects += await talk.send(signal)
    durations = [effect for effect in effects if isinstance(effect, ToolCompleted)]
    assert all(effect.duration_ms > 0 for effect in durations)
    return without_times(effects)


async def test_two_conversations_with_the_same_signals_are_the_same(talk_over: MakeTalk) -> None:
    graph = graph_of((GRAPHS / "small.yaml").read_text())
    first = await play(talk_over(graph), CALL)
    second = await play(talk_over(graph), CALL)
    assert first == second
    assert len(first) > 60


def test_the_same_words_are_said_in_another_process_with_another_hash_seed() -> None:
    root = Path(__file__).parents[2]
    heard = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-m", "tests.reasoning.test_determinism"],
            cwd=root, env=environment, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        heard.append(done.stdout)
    assert heard[0] == heard[1]
    assert "See you on Monday" in heard[0]


class CountingEncoder(HashingEncoder):
    """Counts the sentences it is asked to encode."""

    def __init__(self) -> None:
        self.sentences = 0

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        self.sentences += len(sentences)
        return super().encode(sentences)


async def test_a_step_is_a_bounded_amount_of_work(talk_over: MakeTalk) -> None:
    encoder = CountingEncoder()
    talk = talk_over(graph_of((GRAPHS / "small.yaml").read_text()), reasoner=EmbeddedReasoner(encoder))
    for signal in CALL:
        before = encoder.sentences
        effects = await talk.send(signal)
        assert encoder.sentences - before < 600
        assert len(effects) < 20


async def test_the_record_tells_how_a_step_was_decided(small: Talk) -> None:
    await small.start()
    await small.hear("i need to reschedule")
    navigation = of_kind(small.effects, Navigation)[-1]
    assert (navigation.model, navigation.state, navigation.used_fallback) == ("embedded", "identify", False)
    assert navigation.total_ms == pytest.approx(navigation.nav_ms + navigation.render_ms)


async def test_a_snapshot_tells_where_the_call_is(small: Talk) -> None:
    await small.start()
    await small.hear("i'd like to move my thursday appointment to friday")
    snapshot = small.conversation.snapshot()
    assert snapshot["state"] == "identify"
    assert snapshot["visited"] == ["greet", "identify"]
    assert snapshot["asked"] == "dob"
    assert snapshot["fields"]["day"]["value"] == "2026-11-27"


words = st.sampled_from(
    [
        "yes",
        "no",
        "i",
        "need",
        "to",
        "reschedule",
        "friday",
        "monday",
        "march",
        "second",
        "nineteen",
        "eighty",
        "four",
        "the",
        "first",
        "one",
        "hold",
        "on",
        "person",
        "what",
        "are",
        "your",
        "hours",
        "lost",
        "my",
        "insurance",
        "card",
        "w",
        "two",
        "zero",
        "four",
        "bye",
        "actually",
        "never",
        "mind",
        "repeat",
        "start",
        "over",
        "um",
    ]
)
utterances = st.builds(
    Utterance,
    text=st.lists(words, max_size=12).map(" ".join) | st.text(max_size=40),
    confidence=st.floats(0, 1),
    accepted=st.booleans(),
    via=st.sampled_from(Via),
    barge_in=st.booleans(),
)
signals = st.one_of(
    utterances,
    utterances,
    st.builds(Silence, seconds=st.just(8.0), count=st.integers(1, 5)),
    st.builds(Heard, heard=st.text(max_size=20), unheard=st.text(max_size=20), interrupted=st.booleans()),
    st.builds(External, message=st.text(max_size=30), kind=st.sampled_from(["guidance", "external_event"])),
    st.builds(OperatorTookOver, operator=st.just("Ann")),
    st.builds(HandedBack, operator=st.just("Ann")),
    st.builds(Emotion, dominant=st.just("anger"), valence=st.floats(-1, 1), arousal=st.floats(0, 1)),
    st.just(Started(Caller(), Channel.VOICE, NOW)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(signals, max_size=12))
async def test_no_sequence_of_signals_breaks_a_conversation(
    talk_over: MakeTalk, sequence: list[Signal]
) -> None:
    talk = talk_over(graph_of((GRAPHS / "small.yaml").read_text()), calls=Calls())
    await talk.start()
    for signal in sequence:
        effects = await talk.send(signal)
        assert len(effects) < 60
    talk.conversation.snapshot()
    assert talk.state in {state.name for state in graph_of((GRAPHS / "small.yaml").read_text()).states}


async def _print_a_call() -> None:
    from voice_agent.reasoning.effects import Say

    talk = GraphConversation(
        graph_of((GRAPHS / "small.yaml").read_text()),
        Calls().registry,
        EmbeddedReasoner(),
        conversation_id="c1",
        settings=EngineSettings(clock=Ticks()),
    )
    for signal in CALL:
        async for effect in talk.step(signal):
            if isinstance(effect, Say):
                sys.stdout.write(effect.text + "\n")


if __name__ == "__main__":
    import asyncio

    asyncio.run(_print_a_call())
