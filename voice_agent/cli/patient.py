"""A robot patient: answers what it is asked, and speaks into the agent's speech where its script says so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from voice_agent.call.events import StateTransition
from voice_agent.cli.placing import GOES_ON, FollowedCall
from voice_agent.practice.scenario import CallerLine, Manner, ScriptedCaller

Pcm = npt.NDArray[np.int16]

PATIENCE_S = 45.0
"""A practice that says nothing for this long is hung up on."""

DENIAL = CallerLine("No.", ())
"""Said instead of a line when the agent reads back something else than was meant."""

SPELLED = re.compile(r"\b(?:[A-Za-z0-9][ ,.]+){3,}[A-Za-z0-9]\b")
"""Characters one by one, as an agent reads an identifier back."""

MOST_LINES = 40
MOST_REPETITIONS = 5
"""A patient who has said the same so often gives up."""


@dataclass(frozen=True, slots=True)
class Uttered:
    """Something that the patient said. ``start`` and ``end``: seconds since the answer."""

    line: CallerLine
    start: float
    end: float


@dataclass
class Patient:
    """Follows a script on one call.

    Attributes:
        call: the call.
        script: what to say when.
        voice: the sound of every line and of :data:`DENIAL`, by its words.
        identifier: the only characters that may be read back ("W314562").
        uttered: what was said so far.
        gave_up: why the patient hung up before the practice did; "" when that did not happen.
    """

    call: FollowedCall
    script: ScriptedCaller
    voice: Mapping[str, Pcm]
    identifier: str = ""
    uttered: list[Uttered] = field(default_factory=list)
    gave_up: str = ""
    _events_seen: int = 0
    _considered: str = ""
    """The sentence for which the script was asked whether to speak into it."""
    _waiting: CallerLine | None = None
    """What to say into that sentence, once enough of it was heard."""

    async def talk(self) -> None:
        """Keep the conversation up until the practice ends it, or patience does."""
        times_said: Counter[str] = Counter()
        while not self.gave_up:
            if not await self.call.until(self._has_cue, PATIENCE_S):
                if not self.call.phone.ended.is_set():
                    self.gave_up = f"heard nothing for {PATIENCE_S:.0f} s"
                return
            line = self._waiting if self._is_due() else self._answer()
            if line is None:
                self.call.begin_turn()  # nothing to say to that: wait for what comes next
                continue
            times_said[line.text] += 1
            if times_said[line.text] > MOST_REPETITIONS or len(self.uttered) >= MOST_LINES:
                self.gave_up = f"said {line.text!r} {times_said[line.text] - 1} times"
                return
            await self._say(line)

    def _has_cue(self) -> bool:
        for event in self.call.events[self._events_seen :]:
            if isinstance(event, StateTransition):
                self.script.entered(event.to_state)
        self._events_seen = len(self.call.events)
        self._consider_current()
        return self._is_due() or self.call.agent_finished

    def _consider_current(self) -> None:
        """Ask the script once per sentence, when it has become audible, whether to speak into it."""
        sentence = self.call.current
        if sentence is None or sentence.said.utterance_id != self._considered:
            self._waiting = None
        if sentence is None or sentence.said.kind in GOES_ON or not self.call.heard_of_current_s:
            return
        if sentence.said.utterance_id != self._considered:
            self._considered = sentence.said.utterance_id
            self._waiting = self.script.into_speech(sentence.state)

    def _is_due(self) -> bool:
        return self._waiting is not None and self.call.heard_of_current_s >= self._waiting.after_s

    def _answer(self) -> CallerLine | None:
        question = " ".join(sentence.said.text for sentence in self.call.turn)
        line = self.script.answer(self.call.state, question)
        read_back = SPELLED.search(question)
        if line is not None and read_back and re.sub(r"[ ,.]", "", read_back.group()) != self.identifier:
            return DENIAL
        return line

    async def _say(self, line: CallerLine) -> None:
        self._waiting = None
        start = self.call.phone.now
        await self.call.phone.say(self.voice[line.text])
        self.uttered.append(Uttered(line, start, self.call.phone.now))
        if line.manner is not Manner.BACKCHANNEL:
            self.call.begin_turn()
