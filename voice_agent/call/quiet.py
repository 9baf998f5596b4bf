"""How long it has been quiet on a call, and whose turn it is to end that."""

from __future__ import annotations

import time

from voice_agent.call.agent_voice import AgentVoice
from voice_agent.call.ending import Ending
from voice_agent.call.floor import Floor
from voice_agent.call.ledger import PlaybackLedger
from voice_agent.call.listening import CallerListening


class CallQuiet:
    """Implements :class:`voice_agent.call.watch.Quiet`. All instants are ``time.monotonic()``."""

    def __init__(
        self,
        floor: Floor,
        ledger: PlaybackLedger,
        caller: CallerListening,
        ending: Ending,
        agent: AgentVoice,
    ) -> None:
        self._floor = floor
        self._ledger = ledger
        self._caller = caller
        self._ending = ending
        self._agent = agent
        self.begun = False
        """The caller is there."""
        self._owed_since: float | None = None
        self._last_activity = 0.0

    def begin(self) -> None:
        """Caller and agent can hear each other from now on."""
        self.begun = True
        self.turn_over(time.monotonic())

    def turn_over(self, voice_end: float) -> None:
        """The caller's turn was taken; the voice ended then."""
        self._owed_since = self._last_activity = voice_end

    def owe(self) -> None:
        """The agent has something to answer to from now on."""
        self._owed_since = time.monotonic()

    def agent_was_heard(self) -> None:
        """A sentence of the agent is over."""
        self._last_activity = time.monotonic()

    @property
    def owes_reply_since(self) -> float | None:
        """Since when the caller waits for a sound of the agent; None while nothing is owed."""
        if not self.begun or self._owed_since is None or self._caller.speaking or not self._agent.is_free:
            return None
        if self._ledger.open or not self._floor.thinking:
            return None  # what is decided comes at once; a filler would only be spoken after it
        return max(self._owed_since, self._heard_last)

    @property
    def quiet_since(self) -> float | None:
        """Since when both are silent and it is the caller's turn; None otherwise."""
        busy = self._floor.agent_has_it or self._caller.speaking or self._ending.pending
        if not self.begun or busy or self._caller.keying or not self._agent.is_free:
            return None
        return self._heard_last

    @property
    def awaits_person(self) -> bool:
        """True while the agent has stopped its turns and a person is called."""
        return self._agent.awaits_person

    @property
    def waits_since(self) -> float | None:
        """Since when both are silent while a person is called; None otherwise."""
        heard = self._ledger.open or self._caller.speaking or self._caller.keying
        return self._heard_last if self.awaits_person and not heard else None

    @property
    def _heard_last(self) -> float:
        return max(self._last_activity, self._caller.last_activity)
