"""Who has the floor: the agent's speech as seen by turn-taking.

The caller may interrupt, murmur assent, cough, or start to answer while a protected sentence is still
playing. The floor knows what the agent is saying and has left to say, whether it may be interrupted now,
and does the stopping: at once and for everything, in the same tick as the decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from voice_agent.call.ledger import AgentUtterance
from voice_agent.call.mouth import Mouth


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """Turn-taking of a service, by the published names. Times in seconds unless named ``_ms``."""

    barge_in_min_speech_s: float = 0.3
    barge_in_cooldown_s: float = 1.0
    eot_threshold: float = 0.7
    eager_eot_threshold: float = 0.5
    eot_timeout_ms: int = 5000
    post_eot_pause_ms: int = 0


@dataclass(frozen=True, slots=True)
class Interruption:
    """What a barge-in cut off."""

    current: AgentUtterance | None
    discarded: tuple[AgentUtterance, ...]
    onset: float
    """``time.monotonic()`` of the caller's voice onset."""


class Floor:
    """The agent's side of turn-taking. All methods are synchronous and run on the event loop."""

    def __init__(
        self, mouth: Mouth, policy: TurnPolicy, on_interruption: Callable[[Interruption], None]
    ) -> None:
        self._mouth = mouth
        self.policy = policy
        self._on_interruption = on_interruption
        self.thinking = False
        """True while the reasoner works on a reply."""
        self.barge_in_enabled = True
        self._last_interruption = 0.0
        self._held_since: float | None = None

    @property
    def agent_has_it(self) -> bool:
        """True while the agent speaks, is about to speak, or works on what to say."""
        return self.thinking or bool(self._mouth.ledger.open)

    @property
    def agent_is_heard(self) -> bool:
        """True while sound of the agent is on the line."""
        return self._mouth.speaking

    @property
    def protected(self) -> bool:
        """True while what is being said must not be interrupted."""
        current = self._current()
        if not self.barge_in_enabled:
            return current is not None
        if current is None:
            return False
        if not current.interruptible:
            return True
        return current.started is not None and time.monotonic() - current.started < current.shield_s

    @property
    def cooling(self) -> bool:
        """True shortly after an interruption, when another one would be a stutter."""
        return time.monotonic() - self._last_interruption < self.policy.barge_in_cooldown_s

    def hold(self) -> None:
        """Perhaps an interruption: send no more for now. The network's buffer keeps the agent audible
        meanwhile."""
        if self._held_since is None and not self.protected:
            self._held_since = time.monotonic()
            self._mouth.hold()

    def release(self) -> None:
        """It was none: go on."""
        if self._held_since is not None:
            self._held_since = None
            self._mouth.release()

    @property
    def held_s(self) -> float:
        """How long the agent has been held back, 0 when it is not."""
        return 0.0 if self._held_since is None else time.monotonic() - self._held_since

    def interrupt(self, onset: float) -> None:
        """The caller takes the floor: stop everything that may be stopped, now. ``onset``: when the voice
        began."""
        current = self._current()
        self._held_since = None
        stopped = self._mouth.stop()
        if stopped:
            self._last_interruption = time.monotonic()
            cut = current if current in stopped else None
            self._on_interruption(Interruption(cut, tuple(u for u in stopped if u is not cut), onset))

    def give_up(self) -> None:
        """A person takes the floor: everything is stopped, protected or not."""
        self._held_since = None
        self._mouth.stop(protected=True)

    def _current(self) -> AgentUtterance | None:
        sounding = [u for u in self._mouth.ledger.open if u.sent]
        return sounding[0] if sounding else None
