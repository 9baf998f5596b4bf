"""What goes in: readings of the caller's voice and words, and what has happened on the call so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.language.language import LanguageReading
from models.prosody import ProsodyReading
from models.vocal_burst.vocal_burst import VocalBurstReading
from voice_agent.emotion.measures import VoiceMeasures


@dataclass(frozen=True, slots=True)
class VoiceReading:
    """One window of the caller's voice.

    Attributes:
        start, end: seconds on the call's clock; at most two seconds apart.
        prosody, burst: what the models heard, None where one could not be asked.
        measures: loudness, pitch and zero crossings, None for a window without voice.
        spoken: the window holds speech; False for a sound between words, in which only a burst counts.
    """

    start: float
    end: float
    prosody: ProsodyReading | None = None
    burst: VocalBurstReading | None = None
    measures: VoiceMeasures | None = None
    spoken: bool = True

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return max(0.0, self.end - self.start)


@dataclass(frozen=True, slots=True)
class WordsReading:
    """The words of one turn.

    Attributes:
        reading: what the language model makes of them.
        count: how many words.
        confidence: 0..1 of the recognizer; words that nobody is sure of say little of how somebody feels.
    """

    reading: LanguageReading
    count: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class CallContext:
    """What has happened so far, as far as it colours how a turn is to be read.

    Attributes:
        seconds: on the call.
        failed_tools: lookups in a row that failed or found nothing.
        loops: how often the most visited state of the graph was entered anew.
        barge_ins: times the caller interrupted.
        silence: seconds of silence before this turn.
        misheard: turns in a row that were not understood.
        words_before: words of earlier turns, oldest first (for short answers that become shorter).
    """

    seconds: float = 0.0
    failed_tools: int = 0
    loops: int = 0
    barge_ins: int = 0
    silence: float = 0.0
    misheard: int = 0
    words_before: tuple[int, ...] = field(default_factory=tuple)
