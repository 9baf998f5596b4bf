"""Budgets of calls, measured from outside and printed as a table; the exit status is 1 when one is exceeded.

    python scripts/bench_calls.py                     everything, several minutes on a quiet machine
    python scripts/bench_calls.py --calls 1,10 --seconds 8 --growth 0 --embedded ""
    python scripts/bench_calls.py --peer FOLDER       beside a peer, in the same run (its server.py)

The server runs in a process of its own, pinned to a core when there are two; the load generator plays the
phone network and is pinned to the other. Callers ask a question, hear the answer, interrupt every second one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil
from bench.caller import Seen
from bench.figures import Figures, percentile
from bench.load import Load, Window, to_peer, to_practice
from bench.network import BenchNetwork
from bench.servers import peer, practice
from bench.single import growth_mb, recording_skew_ms
from bench.speech import QUESTION, detections, spoken, telephone_frames

REPLY_P50_MS = {"stub": 200.0, "embedded": 450.0}
REPLY_P95_MS = {"stub": None, "embedded": 700.0}
REPLY_P95_GROWTH = 1.5
"""How much the slow replies may slow down between one call and sixty on one core."""

GREETING_P95_MS = 300.0
LAST_FRAME_P95_MS = 150.0
CPU_PERCENT_PER_CALL = 1.3
RSS_MB_PER_CALL = 3.0
REPLIES_AT = 10
MANY_CALLS = 60
BUDGETS_OF_COST_AT = 40
"""Calls at which CPU and memory are judged."""

FEW_CALLS = 5
GROWTH_MB = 10.0
SKEW_MS = 20.0
DETECTED_PERCENT = 97.5
"""78 of 80."""

GENERATOR_LATE_S = 0.05
"""A generator that falls behind further than this measures itself."""


class Bench:
    """One run with its arguments."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self._arguments = arguments
        self._folder = folder
        self._figures = Figures()
        self._question: list[bytes] = []
        self._one_call_p95_ms: float | None = None
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._server_core = cores[1] if len(cores) > 1 and not arguments.no_pinning else None
        if self._server_core is not None:
            psutil.Process().cpu_affinity([cores[0]])

    async def run(self) -> Figures:
        """All that was asked for."""
        (clip,) = await spoken([QUESTION])
        self._question = telephone_frames(clip)
        await self._detect()
        peers = await self._peer_windows()
        await self._under_load("stub", self._arguments.calls, peers)
        await self._under_load("embedded", self._arguments.embedded, {})
        return self._figures

    async def _detect(self) -> None:
        heard, said, alarms, minutes = await detections(self._arguments.digits)
        share = 100 * heard / said
        name = f"short words detected, of {said}"
        self._figures.add(name, share, "%", budget=DETECTED_PERCENT, at_least=True)
        self._figures.add(f"false alarms in {minutes:.0f} min of noise", alarms, budget=0)

    async def _under_load(self, speech: str, counts: Sequence[int], peers: dict[int, Window]) -> None:
        if not counts:
            return
        network = BenchNetwork()
        await network.start()
        # The embedded recognizer and voice have processes of their own: they may use every core.
        core = self._server_core if speech == "stub" else None
        async with practice(network, self._folder / speech, speech=speech, core=core) as meter:
            idle = meter.look().rss
            self._figures.add(f"{speech}: resident, idle", idle / 2**20, "MB")
            if speech == "stub":
                skew = await recording_skew_ms(network, self._question)
                self._figures.add("recording skew", skew, "ms", budget=SKEW_MS)
                if calls := self._arguments.growth:
                    grown = await growth_mb(network, meter, calls, self._question)
                    self._figures.add(f"growth over {calls} calls", grown, "MB", budget=GROWTH_MB)
                    idle = meter.look().rss
            load = Load(self._question, to_practice(network))
            for count in counts:
                await load.grow_to(count)
                window = await load.measure(meter, self._arguments.warm, self._seconds(count))
                self._tell(speech, window, peers.get(count))
                self._tell_cost(speech, window, idle, peers.get(count))
            await load.stop()
            await network.close()
        self._figures.add(f"{speech}: breaches of contract", len(network.violations), budget=0)
        for violation in sorted(set(network.violations)):
            print(f"  {violation}")

    async def _peer_windows(self) -> dict[int, Window]:
        folder: Path | None = self._arguments.peer
        if folder is None:
            return {}
        windows: dict[int, Window] = {}
        log = self._folder / "peer.log"
        async with peer(folder, self._arguments.peer_mode, log, core=self._server_core) as (meter, port):
            load = Load(self._question, to_peer(port))
            for count in self._arguments.calls:
                await load.grow_to(count)
                windows[count] = await load.measure(meter, self._arguments.warm, self._seconds(count))
            await load.stop()
        return windows

    def _seconds(self, calls: int) -> float:
        """A few calls need longer until enough of them were answered and interrupted."""
        return float(self._arguments.seconds) * (3 if calls < FEW_CALLS else 1)

    def _tell(self, speech: str, window: Window, beside: Window | None) -> None:
        seen = window.seen
        theirs = beside.seen if beside else Seen()
        name = f"{speech}, {window.calls} calls: "
        median = REPLY_P50_MS[speech] if window.calls <= REPLIES_AT else None
        slow = REPLY_P95_MS[speech]
        if speech == "stub" and window.calls == MANY_CALLS and self._one_call_p95_ms is not None:
            slow = REPLY_P95_GROWTH * self._one_call_p95_ms
        if window.calls == 1:
            self._one_call_p95_ms = _ms(percentile(seen.replies, 95))
        for what, values, q, budget, other in (
            ("reply after end of speech, p50", seen.replies, 50, median, theirs.replies),
            ("reply after end of speech, p95", seen.replies, 95, slow, theirs.replies),
            ("greeting after the answer, p95", window.greetings, 95, GREETING_P95_MS, []),
            (
                "last frame after an interruption, p95",
                *(seen.last_frames, 95, LAST_FRAME_P95_MS, theirs.last_frames),
            ),
            ("silent after an interruption, p95", seen.stops, 95, None, theirs.stops),
        ):
            value, peers = _ms(percentile(values, q)), _ms(percentile(other, q))
            self._figures.add(name + what, value, "ms", budget=budget, peer=peers)
        count = len(theirs.replies) if beside else None
        self._figures.add(name + "replies", len(seen.replies), peer=count)
        strict = 0.0 if speech == "stub" else None
        self._figures.add(name + "questions without an answer", seen.unanswered, budget=strict)
        self._figures.add(name + "interruptions without effect", seen.unstopped, budget=strict)
        if window.generator_late_max_s > GENERATOR_LATE_S:
            late = 1000 * window.generator_late_max_s
            print(f"  {name}the generator itself was up to {late:.0f} ms late")

    def _tell_cost(self, speech: str, window: Window, idle: int, beside: Window | None) -> None:
        name = f"{speech}, {window.calls} calls: "
        judged = speech == "stub" and window.calls == BUDGETS_OF_COST_AT
        self._figures.add(
            name + "CPU of a core per call",
            window.cpu_percent / window.calls,
            "%",
            budget=CPU_PERCENT_PER_CALL if judged else None,
            peer=beside.cpu_percent / beside.calls if beside else None,
        )
        resident = (window.after.rss - idle) / 2**20 / window.calls
        budget = RSS_MB_PER_CALL if judged else None
        self._figures.add(name + "resident per call", resident, "MB", budget=budget)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


def _counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=_counts, default=[1, 10, 40, 60], help="with stub speech")
    parser.add_argument("--embedded", type=_counts, default=[1, 10], help="with the embedded speech")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured per step")
    parser.add_argument("--warm", type=float, default=8.0, help="let settle before")
    parser.add_argument("--growth", type=int, default=100, help="short calls for the growth of memory")
    parser.add_argument("--digits", type=Path, help="folder of recorded digits (wav) for short words")
    parser.add_argument("--peer", type=Path, help="folder of a peer with a server.py")
    parser.add_argument("--peer-mode", default="stock")
    parser.add_argument("--no-pinning", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="voice-agent-bench-") as folder:
        figures = asyncio.run(Bench(arguments, Path(folder)).run())
    figures.show()
    return 0 if figures.all_ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
