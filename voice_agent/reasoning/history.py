"""The conversation as both sides know it: what the caller said, and of the agent's words only what was
heard."""

from __future__ import annotations

from dataclasses import dataclass, field

from voice_agent.reasoning.reasoner import Line, Speaker

MAX_LINES = 400
"""Older lines are dropped; a call of an hour stays well below."""


@dataclass(slots=True)
class History:
    """Lines in order. The agent's sentences of one turn form one line."""

    _lines: list[Line] = field(default_factory=list)
    _said: list[str] = field(default_factory=list)
    last_turn: str = ""
    """The agent's last turn in full, for "can you repeat that"."""
    unheard: str = ""
    """What of it the caller did not hear."""

    def agent_says(self, text: str) -> None:
        """The agent says a sentence; it counts as heard until :meth:`heard` tells otherwise."""
        self._said.append(text)
        self.unheard = ""

    def heard(self, heard: str, unheard: str) -> None:
        """What really reached the caller of the agent's open turn (or of the last one, when it was
        closed)."""
        if self._said:
            self.last_turn = " ".join(self._said)
            self._said = [heard] if heard else []
        else:
            for index in range(len(self._lines) - 1, -1, -1):
                if self._lines[index].speaker is Speaker.AGENT:
                    self._lines[index : index + 1] = [Line(Speaker.AGENT, heard)] if heard else []
                    break
        self.unheard = unheard
        self._close(keep_turn=True)

    def says(self, speaker: Speaker, text: str) -> None:
        """The caller or an operator says something: the agent's turn is over."""
        self._close()
        self._lines.append(Line(speaker, text))
        del self._lines[:-MAX_LINES]

    def _close(self, *, keep_turn: bool = False) -> None:
        if not self._said:
            return
        said = " ".join(self._said)
        if not keep_turn:
            self.last_turn = said
        self._lines.append(Line(Speaker.AGENT, said))
        self._said = []

    @property
    def repeatable(self) -> str:
        """What to say again when asked to repeat."""
        return " ".join(self._said) or self.last_turn

    def lines(self, newest: int | None = None) -> tuple[Line, ...]:
        """All lines, or the ``newest`` so many."""
        lines = [*self._lines]
        if self._said:
            lines.append(Line(Speaker.AGENT, " ".join(self._said)))
        return tuple(lines[-newest:] if newest is not None else lines)
