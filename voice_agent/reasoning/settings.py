"""The numbers of the engine: thresholds, patience, limits."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Recall = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""Passages for queries, best first."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How one conversation behaves. Defaults of the published interface where it names one.

    Attributes:
        facts: constants for templates, on top of the graph's own (a practice's name, its hours).
        heard_confidence: recognizer confidence (0..1) below which words are not acted on.
        read_back_confidence: the same for digits and letters: those that are not sure are read back, which
            costs a caller less than saying all of them again unheard.
        sure_confidence: below it, values are read back for confirmation even where the graph does not ask for
            it.
        sure_threshold: from it, an option wins over reading the words as a free value.
        offers: items of a list offered in one breath.
        silence_prompts: prompts before a silent call is ended.
        holds: silence signals tolerated after "hold on".
        filler_delay_ms, progress_interval_ms: waiting for a tool, unless its progress hint says otherwise.
        max_transitions: moves in one step before a loop in the graph is broken.
        max_response_sentences, max_response_words: of one reply by a language model.
        history_lines: lines of the conversation shown to a language model.
        close_timeout_s: how long closing waits for running tools.
        slow_pace: speed factor after "slow down".
        recall: looks into memory for recall states; without it they find nothing.
        clock: monotonic seconds; tests replace it.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    heard_confidence: float = 0.4
    read_back_confidence: float = 0.05
    sure_confidence: float = 0.65
    sure_threshold: float = 0.72
    offers: int = 3
    silence_prompts: int = 2
    holds: int = 4
    filler_delay_ms: int = 400
    progress_interval_ms: int = 5000
    max_transitions: int = 50
    max_response_sentences: int = 3
    max_response_words: int = 60
    history_lines: int = 40
    close_timeout_s: float = 15.0
    slow_pace: float = 0.85
    recall: Recall | None = None
    clock: Callable[[], float] = time.monotonic
