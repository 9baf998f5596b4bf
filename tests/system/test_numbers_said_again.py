"""A state that asks for a number, a voice that says it, and everything between: said wrong, refused, said
again."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import soxr

from models.expectation import AnswerKind
from models.speech import Delivery, Pcm
from models.stt.decoding import UtteranceDecoder
from models.stt.ear import Ear
from models.tts.flite import FliteLibrary
from voice_agent.reasoning.effects import Say
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.engine import GraphConversation
from voice_agent.reasoning.loader import read_graph
from voice_agent.reasoning.signals import Caller, Channel, Signal, Started, Utterance
from voice_agent.reasoning.tools import ToolRegistry

GRAPH = """
new_user_initial_state: form
returning_user_initial_state: form
terminal_state: bye
states:
  - name: form
    type: data_collection
    objective: learn a number
    fields:
      - {key: phone, type: phone, label: phone number, confirm: true, ask_prompt: "What's your number?"}
    on_complete: bye
  - {name: bye, type: action, objective: end, actions: [Bye.], say_on_entry: Bye.}
"""


class Caller8k:
    """Somebody who speaks to the agent through the embedded recognizer."""

    def __init__(self) -> None:
        graph = read_graph(GRAPH).graph
        assert graph is not None
        self.ear, self.voice = Ear(), FliteLibrary("slt")
        self.agent = GraphConversation(
            graph, ToolRegistry([]), EmbeddedReasoner(), conversation_id="said-again"
        )

    async def send(self, signal: Signal) -> str:
        effects = [effect async for effect in self.agent.step(signal)]
        return " ".join(effect.text for effect in effects if isinstance(effect, Say))

    async def say(self, *pieces: str) -> str:
        expectation = self.agent.expectation
        utterance = UtteranceDecoder(self.ear, expectation)
        utterance.feed(np.concatenate([self._sound(piece) for piece in ("", *pieces, "")]))
        heard = utterance.finish()
        return await self.send(
            Utterance(
                heard.text, heard.confidence, heard.accepted, heard.alternatives, expectation=expectation
            )
        )

    def _sound(self, text: str) -> Pcm:
        pause = np.zeros(1200, np.int16)
        if not text:
            return pause
        samples, rate = self.voice.speak(text, Delivery())
        narrow = soxr.resample(samples.astype(np.float32), rate, 8000)
        return np.concatenate([(16000 * narrow / np.abs(narrow).max()).astype(np.int16), pause])


def digits(said: str) -> str:
    return "".join(re.findall(r"\d", said))


async def test_a_number_that_was_said_wrong_is_refused_said_again_and_kept() -> None:
    caller = Caller8k()
    await caller.send(Started(Caller(), Channel.VOICE, datetime(2026, 1, 5, 9, tzinfo=UTC)))
    wrong = ["three", "one", "zero", "five", "five", "five", "zero", "one", "three", "nine"]
    right = ["three", "one", "zero", "five", "five", "five", "zero", "one", "three", "four"]
    assert digits(await caller.say(*wrong)) == "3105550139"
    assert AnswerKind.YES_NO in caller.agent.expectation.kinds
    assert caller.agent.expectation.digits == 10
    await caller.say("no")
    assert caller.agent.expectation.kinds[0] is AnswerKind.DIGITS
    assert digits(await caller.say(*right)) == "3105550134"
    await caller.say("yes")
    assert caller.agent.snapshot()["fields"]["phone"]["value"] == "+13105550134"
    await caller.agent.close()


async def test_a_number_is_put_right_by_its_end() -> None:
    caller = Caller8k()
    await caller.send(Started(Caller(), Channel.VOICE, datetime(2026, 1, 5, 9, tzinfo=UTC)))
    await caller.say("three one zero", "five five five", "zero one three nine")
    assert digits(await caller.say("no, it ends in three four")) == "3105550134"
    await caller.agent.close()
