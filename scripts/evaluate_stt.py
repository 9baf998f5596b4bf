"""Try the recognizer and PocketSphinx side by side, on recordings of a folder and on voices nobody trained
on.

    python scripts/evaluate_stt.py FOLDER [--graph voice_agent/practice/graph.yaml] [--others SENTENCES.txt]
        [--lines band "noise 20 dB"] [--only own] [--out FIGURES.json]

FOLDER holds a labels.csv (path, transcript, kind, speaker, native_hz) and recordings; kinds ``digit`` and
``letter`` are single words, the others running speech. ``--others`` are sentences that no state expects,
one a
line; without them only the recordings are tried against a grammar they do not fit. Prints tables in markdown
and, of the recognizer's own, whether each goal is reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from training.edit_distance import distance
from training.read_back import ends_right
from training.stt_sets import LINES, Case, SyntheticCallers, intents_of, running, strings, words

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, SpeechError, Transcript
from models.stt import sphinx
from models.stt.decoding import UtteranceDecoder
from models.stt.ear import Ear
from models.stt.worker import Decoder

Begin = Callable[[Expectation], Decoder]

_PIECE: Final = SAMPLE_RATE // 10
_RESAMPLES: Final = 1000
_OPEN_CALLS, _OPEN_SECONDS = 4, 8


@dataclass
class Heard:
    """What came of one case."""

    case: Case
    transcript: Transcript
    working: float
    """CPU seconds while the caller spoke."""
    final: float
    """Wall seconds after the last sound."""

    @property
    def wrong(self) -> int:
        """Words wrong; "oh" and "zero" are one digit."""
        return distance(_words(self.case.said), _words(self.transcript.text))


@dataclass
class Row:
    """One line of a table: a figure of one recognizer, with its 95 % interval."""

    table: str
    group: str
    recognizer: str
    value: float
    low: float
    high: float
    count: int
    notes: dict[str, float] = field(default_factory=dict)


def _words(text: str) -> list[str]:
    return text.replace("zero", "oh").split()


def hear(begin: Begin, case: Case) -> Heard:
    """One utterance as in a call: a tenth of a second at a time, with partial transcripts."""
    utterance = begin(case.expectation)
    cpu = time.process_time()
    for at in range(0, len(case.pcm), _PIECE):
        utterance.feed(case.pcm[at : at + _PIECE])
        if at // _PIECE % 3 == 2:
            utterance.partial()
    cpu = time.process_time() - cpu
    wall = time.perf_counter()
    transcript = utterance.finish()
    return Heard(case, transcript, cpu, time.perf_counter() - wall)


def word_error(heard: Sequence[Heard]) -> float:
    """Wrong words in a hundred said."""
    return 100 * sum(h.wrong for h in heard) / max(1, sum(len(_words(h.case.said)) for h in heard))


def exact(heard: Sequence[Heard]) -> float:
    """Utterances in a hundred with every word right."""
    return 100 * sum(h.wrong == 0 for h in heard) / max(1, len(heard))


def accepted(heard: Sequence[Heard]) -> float:
    """Utterances in a hundred that were taken for what was expected."""
    return 100 * sum(h.transcript.accepted for h in heard) / max(1, len(heard))


def with_interval(
    table: str, group: str, name: str, heard: Sequence[Heard], figure: Callable[[Sequence[Heard]], float]
) -> Row:
    """The figure, and where it lies when utterances are drawn again by chance."""
    rng = np.random.default_rng(0)
    drawn = [figure([heard[i] for i in rng.integers(0, len(heard), len(heard))]) for _ in range(_RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Row(table, group, name, figure(heard), float(low), float(high), len(heard))


def by(heard: Iterable[Heard], key: Callable[[Case], str]) -> dict[str, list[Heard]]:
    """Grouped, with a group of all."""
    out: dict[str, list[Heard]] = {"all": []}
    for h in heard:
        out.setdefault(key(h.case), []).append(h)
        out["all"].append(h)
    return out


def right_intent(graph: Path) -> Callable[[Sequence[Heard]], float]:
    """Utterances in a hundred whose nearest example belongs to the intent that was meant, and accepted."""
    known = intents_of(graph)

    def figure(heard: Sequence[Heard]) -> float:
        right = 0
        for h in heard:
            said = h.transcript.text.split()
            far = [distance(text.split(), said) for _, text in known]
            # Some examples belong to two intents, of which the state has one.
            near = {intent for (intent, _), d in zip(known, far, strict=True) if d == min(far)}
            right += h.transcript.accepted and h.case.intent in near
        return 100 * right / max(1, len(heard))

    return figure


def after_read_back(begin: Begin, *sayings: Iterable[Case]) -> float:
    """Strings in a hundred that are right at once, or after a "no" to the read-back and saying them again."""
    right = [
        asyncio.run(ends_right(lambda case: hear(begin, case).transcript, iter(cases)))
        for cases in zip(*sayings, strict=True)
    ]
    return 100 * sum(right) / max(1, len(right))


def memory_of_a_call(begin: Begin, case: Case) -> float:
    """Megabytes that one more utterance holds while it is open, eight seconds of it heard: of Python and
    numpy, which is all that an utterance of our own has."""
    pcm = np.resize(case.pcm, _OPEN_SECONDS * SAMPLE_RATE)
    held: list[Decoder] = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(_OPEN_CALLS):
            utterance = begin(Expectation())
            for at in range(0, len(pcm), _PIECE):
                utterance.feed(pcm[at : at + _PIECE])
                utterance.partial()
            held.append(utterance)
        return (tracemalloc.get_traced_memory()[0] - before) / 1e6 / len(held)
    finally:
        tracemalloc.stop()


def evaluate(name: str, begin: Begin, args: argparse.Namespace) -> list[Row]:
    """All rows of one recognizer."""
    rows: list[Row] = []
    folder: Path = args.folder

    def told(table: str, groups: dict[str, list[Heard]], figure: Callable[[Sequence[Heard]], float]) -> None:
        for group, heard in groups.items():
            if heard:
                rows.append(with_interval(table, group, name, heard, figure))
                row = rows[-1]
                print(
                    f"{name}: {table}, {group}: {row.value:.1f} ({row.low:.0f}-{row.high:.0f}), {row.count}",
                    flush=True,
                )

    clean: list[Heard] = []
    for line in args.lines:
        heard = [hear(begin, case) for case in running(folder, line)]
        clean = clean or heard
        told(f"WER %, {line}", by(heard, lambda c: c.group), word_error)
    single = [hear(begin, case) for case in words(folder)]
    told("single words right %", by(single, lambda c: f"{c.group}, {c.speaker}"), exact)
    cases = list(strings(folder))
    spoken = [hear(begin, case) for case in cases]
    told("ten digits all right %", by(spoken, lambda c: c.speaker), exact)
    told("digits wrong %", by(spoken, lambda c: c.speaker), word_error)
    rows.append(
        Row(
            "strings right after one read-back %",
            "all",
            name,
            after_read_back(begin, cases, strings(folder, repeat=True)),
            0,
            0,
            len(spoken),
        )
    )
    if args.graph:
        callers = SyntheticCallers()
        meant = [hear(begin, case) for case in callers.intents(args.graph, args.synthetic)]
        told(
            "intent right %, voices not trained on", by(meant, lambda c: c.speaker), right_intent(args.graph)
        )
        told(
            "ten digits all right %, voices not trained on",
            by((hear(begin, c) for c in callers.numbers(48)), lambda c: c.speaker),
            exact,
        )
        expected = meant[0].case.expectation
        strange = [replace(h.case, expectation=expected) for h in clean if h.case.group != "digits"]
        told(
            "out of grammar accepted %, recordings",
            by((hear(begin, c) for c in strange), lambda c: c.group),
            accepted,
        )
        if args.others:
            sentences = [s for s in args.others.read_text().splitlines() if 3 <= len(s.split()) <= 12]
            others = [replace(c, expectation=expected) for c in callers.others(sentences, args.synthetic)]
            told(
                "out of grammar accepted %, voices not trained on",
                by((hear(begin, c) for c in others), lambda c: "other"),
                accepted,
            )
        clean += meant
    seconds = sum(h.transcript.audio_seconds for h in clean)
    finals = np.array([h.final for h in clean]) * 1000
    for group, value in (
        ("CPU while somebody speaks, % of a core", 100 * sum(h.working for h in clean) / seconds),
        ("final after the end of speech, ms, median", float(np.median(finals))),
        ("final after the end of speech, ms, 95 %", float(np.percentile(finals, 95))),
        ("memory, MB", psutil.Process().memory_info().rss / 1e6),
        # PocketSphinx has one utterance at a time, and its memory is not Python's.
        *((("memory of a call, MB", memory_of_a_call(begin, clean[0].case)),) if name == "own" else ()),
    ):
        rows.append(Row("cost", group, name, value, value, value, len(clean)))
        print(f"{name}: {group}: {value:.1f}", flush=True)
    return rows


def table(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The rows as markdown tables."""
    out: list[str] = []
    for title in dict.fromkeys(row.table for row in rows):
        own = [row for row in rows if row.table == title]
        out += ["", f"| {title} | {' | '.join(names)} | n |", f"|---|{'---|' * len(names)}---|"]
        for group in dict.fromkeys(row.group for row in own):
            cells = []
            for name in names:
                found = [r for r in own if r.group == group and r.recognizer == name]
                r = found[0] if found else None
                cells.append(
                    ""
                    if r is None
                    else f"{r.value:.1f}"
                    if r.low == r.high
                    else f"{r.value:.1f} ({r.low:.0f}-{r.high:.0f})"
                )
            count = max(r.count for r in own if r.group == group)
            out.append(f"| {group} | {' | '.join(cells)} | {count} |")
    return "\n".join(out)


@dataclass(frozen=True)
class Goal:
    """A figure to reach."""

    table: str
    group: str
    limit: float
    at_most: bool


GOALS: Final = (
    Goal("WER %, band", "all", 30.0, True),
    Goal("WER %, noise 20 dB", "all", 45.0, True),
    Goal("ten digits all right %", "all", 75.0, False),
    Goal("digits wrong %", "all", 3.0, True),
    Goal("strings right after one read-back %", "all", 98.0, False),
    Goal("intent right %, voices not trained on", "all", 97.0, False),
    Goal("out of grammar accepted %, recordings", "all", 10.0, True),
    Goal("out of grammar accepted %, voices not trained on", "all", 10.0, True),
    Goal("cost", "CPU while somebody speaks, % of a core", 8.0, True),
    Goal("cost", "memory of a call, MB", 5.0, True),
    Goal("cost", "final after the end of speech, ms, 95 %", 150.0, True),
)


def goals(rows: Sequence[Row]) -> str:
    """Which goals are reached, as a markdown table."""
    out = ["", "| goal | limit | measured | reached |", "|---|---|---|---|"]
    for goal in GOALS:
        for row in rows:
            if (row.table, row.group, row.recognizer) == (goal.table, goal.group, "own"):
                reached = row.value <= goal.limit if goal.at_most else row.value >= goal.limit
                sign = "at most" if goal.at_most else "at least"
                title = f"{goal.table}: {goal.group}"
                out.append(
                    f"| {title} | {sign} {goal.limit:g} | {row.value:.1f} | {'yes' if reached else 'no'} |"
                )
    return "\n".join(out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--graph", type=Path)
    parser.add_argument("--others", type=Path)
    parser.add_argument("--lines", nargs="+", choices=list(LINES), default=["band", "noise 20 dB"])
    parser.add_argument("--synthetic", type=int, default=144, help="synthetic utterances of each kind")
    parser.add_argument("--only", choices=["own", "PocketSphinx"])
    parser.add_argument("--out", type=Path, help="write all rows as JSON")
    args = parser.parse_args()
    rows: list[Row] = []
    names = [args.only] if args.only else ["own", "PocketSphinx"]
    for name in names:
        rows += evaluate(name, beginning(name), args)
    print(table(rows, names))
    print(goals(rows))
    if args.out:
        args.out.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def beginning(name: str) -> Begin:
    """What begins an utterance of a recognizer."""
    if name == "PocketSphinx":
        models = sphinx.Models()
        return lambda expectation: sphinx.UtteranceDecoder(models, expectation)
    try:
        ear = Ear()
    except SpeechError as error:
        raise SystemExit(str(error)) from error
    return lambda expectation: UtteranceDecoder(ear, expectation)


if __name__ == "__main__":
    main()
