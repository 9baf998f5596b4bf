"""The numbers of the engine: thresholds, patience, limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How one conversation behaves. Defaults of the published interface where it names one.

    Attributes:
        facts: constants for templates, on top of the graph's own (a practice's name, its hours).
        heard_confidence: recognizer confidence (0..1) below which words are not acted on.
        sure_confidence: below it, values are read back for confirmation even where the graph does not ask for it.
        match_threshold: similarity (0..1) from which a sentence of the caller means an option.
        sure_threshold: from it, an option wins over reading the words as a free value.
        match_margin: two options closer than this are put to the caller as a question.
        offers: items of a list offered in one breath.
        silence_prompts: prompts before a silent call is ended.
        holds: silence signals tolerated after "hold on".
        filler_delay_ms, progress_interval_ms: waiting for a tool, unless its progress hint says otherwise.
        max_transitions: moves in one step before a loop in the graph is broken.
        max_response_sentences, max_response_words: of one reply by a language model.
        history_lines: lines of the conversation shown to a language model.
        close_timeout_s: how long closing waits for running tools.
        clock: monotonic seconds; tests replace it.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    heard_confidence: float = 0.4
    sure_confidence: float = 0.65
    match_threshold: float = 0.52
    sure_threshold: float = 0.72
    match_margin: float = 0.06
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
    clock: Callable[[], float] = time.monotonic
