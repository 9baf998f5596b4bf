"""A phone network, a line, a recognizer and a conversation small enough to see through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from models.expectation import Expectation
from models.speech import Pcm, SpeechError, Transcript
from telephony.g711 import encode_ulaw
from voice_agent.call.ports import AddedLeg, LegSink
from voice_agent.call.transfer import TransferResult
from voice_agent.operators.ports import CallUnreachable, OperatorLeg
from voice_agent.reasoning.effects import Effect
from voice_agent.reasoning.parts import RiskOverride
from voice_agent.reasoning.signals import Signal


class FakeNetwork:
    """The agent leg's stream: plays audio in real time, returns marks when it was played or cleared."""

    def __init__(self) -> None:
        self.stream_sid = "MZ" + "0" * 32
        self.sink: LegSink | None = None
        self.queue: list[tuple[str, bytes | str]] = []
        self.played = bytearray()
        self.sent_at: list[float] = []
        self.clears: list[float] = []
        self.closed: int | None = None
        self._task: asyncio.Task[None] | None = None

    def send_audio(self, payload: bytes) -> None:
        self.sent_at.append(time.monotonic())
        self.queue.append(("audio", payload))

    def send_mark(self, name: str) -> None:
        self.queue.append(("mark", name))

    def send_clear(self) -> None:
        self.clears.append(time.monotonic())
        marks = [str(m) for kind, m in self.queue if kind == "mark"]
        self.queue.clear()
        for mark in marks:
            asyncio.get_running_loop().call_soon(self._return, mark)

    def close(self, code: int = 1000) -> None:
        self.closed = code
        if self._task:
            self._task.cancel()

    def start(self, sink: LegSink) -> None:
        self.sink = sink
        self._task = asyncio.create_task(self._play())

    async def _play(self) -> None:
        due = time.monotonic()
        while True:
            while self.queue and self.queue[0][0] == "mark":
                self._return(str(self.queue.pop(0)[1]))
            if self.queue:
                payload = self.queue.pop(0)[1]
                assert isinstance(payload, bytes)
                self.played += payload
                due = max(due, time.monotonic()) + len(payload) / 8000
            else:
                due = time.monotonic() + 0.01
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _return(self, name: str) -> None:
        if self.sink is not None:
            self.sink.on_mark(name)


class CallerLeg:
    """The caller's tap: streams audio in real time, silence when there is nothing to say."""

    def __init__(self) -> None:
        self.stream_sid = "MZ" + "1" * 32
        self._sink: LegSink | None = None
        self._say: list[bytes] = []
        self._done = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.spoke_until = 0.0

    def send_audio(self, payload: bytes) -> None:
        raise AssertionError("nothing may be sent on a tap")

    send_mark = send_clear = send_audio  # type: ignore[assignment]

    def close(self, code: int = 1000) -> None:
        if self._task:
            self._task.cancel()

    def start(self, sink: LegSink) -> None:
        self._sink = sink
        self._task = asyncio.create_task(self._run())

    async def say(self, pcm: Pcm) -> None:
        """Speak, and return when the last sample was sent."""
        ulaw = encode_ulaw(pcm)
        self._say += [ulaw[i : i + 160].ljust(160, b"\xff") for i in range(0, len(ulaw), 160)]
        self._done.clear()
        await self._done.wait()
        self.spoke_until = time.monotonic()

    async def _run(self) -> None:
        start = time.monotonic()
        assert self._sink is not None
        for n in range(1_000_000):
            await asyncio.sleep(max(0.0, start + n * 0.02 - time.monotonic()))
            payload = self._say.pop(0) if self._say else b"\xff" * 160
            self._sink.on_media(n * 20, payload)
            if not self._say:
                self._done.set()


class FakeOperatorLegs:
    """Legs that are called by nobody: a test says when they come in."""

    def __init__(self) -> None:
        self.added: list[str] = []
        self.removed: list[str] = []
        self.muted: list[tuple[str, bool]] = []
        self.refuses = False
        self.reachable = True
        self.never_unmutes = False
        self.obeys = asyncio.Event()
        """Mutes are answered once this is set."""
        self.obeys.set()

    async def add(self, operator: OperatorLeg) -> AddedLeg:
        self.added.append(operator.operator_id)
        if self.refuses:
            raise CallUnreachable("refused")
        return AddedLeg("CF1", f"CA-{operator.operator_id}")

    async def mute(self, operator_id: str, muted: bool) -> None:
        self.muted.append((operator_id, muted))
        await self.obeys.wait()
        if self.refuses or (self.never_unmutes and not muted):
            raise CallUnreachable("refused")

    def remove(self, operator_id: str) -> None:
        self.removed.append(operator_id)


class FakeLine:
    """The phone network's orders, written down."""

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()
        self.transfers: list[str] = []
        self.transfer_works = True
        self.operators = FakeOperatorLegs()
        self.agent_muted: list[bool] = []

    async def hang_up(self) -> None:
        self.hung_up.set()

    async def transfer(self, target: str) -> TransferResult:
        self.transfers.append(target)
        return TransferResult(self.transfer_works, "" if self.transfer_works else "no-answer")

    async def mute_agent(self, muted: bool) -> None:
        self.agent_muted.append(muted)


REFUSED = "(refused)"


class ScriptedUtterance:
    def __init__(self, recognizer: ScriptedRecognizer) -> None:
        self._recognizer = recognizer

    def feed(self, pcm: Pcm) -> None:
        self._recognizer.fed += len(pcm)

    async def glance(self) -> Transcript | None:
        """None, as most recognizers, unless the test lets it see."""
        self._recognizer.glances += 1
        text = self._recognizer.sees
        if text == REFUSED:
            return Transcript("", 0.0, accepted=False, source=self._recognizer.name)
        return Transcript(text, 0.9, source=self._recognizer.name) if text else None

    async def finish(self) -> Transcript:
        result = self._recognizer.results.pop(0) if self._recognizer.results else ""
        if isinstance(result, Exception):
            raise result
        if result == "hang":
            await asyncio.sleep(3600)
        return Transcript(result, 0.9 if result else 0.0, accepted=bool(result), source=self._recognizer.name)

    def cancel(self) -> None:
        pass


class ScriptedRecognizer:
    """Answers with what the test gave it, in order; ``""`` hears nothing, ``"hang"`` never answers."""

    def __init__(self, results: Iterable[str | Exception] = (), name: str = "scripted") -> None:
        self.name = name
        self.results: list[str | Exception] = list(results)
        self.fed = 0
        self.sees = ""
        """What is found at every pause, "" to say nothing before the end, REFUSED for nothing usable."""
        self.glances = 0
        self.expectations: list[Expectation] = []

    async def start(self) -> None:
        pass

    def open(
        self, expectation: Expectation, on_partial: Callable[[Transcript], None] | None = None
    ) -> ScriptedUtterance:
        del on_partial
        if self.results and isinstance(self.results[0], ConnectionError):
            self.results.pop(0)
            raise SpeechError("cannot be opened")
        self.expectations.append(expectation)
        return ScriptedUtterance(self)

    async def close(self) -> None:
        pass


class ScriptedConversation:
    """Calls a function of the test for every signal; it yields effects (and may sleep or raise)."""

    def __init__(self, answer: Callable[[Signal], AsyncIterator[Effect]]) -> None:
        self._answer = answer
        self.signals: list[Signal] = []
        self.closed = False

    @property
    def state(self) -> str:
        return "test"

    @property
    def expectation(self) -> Expectation:
        return Expectation()

    @property
    def escalation_config(self) -> RiskOverride | None:
        return None

    async def step(self, signal: Signal) -> AsyncIterator[Effect]:
        self.signals.append(signal)
        async for effect in self._answer(signal):
            yield effect

    def snapshot(self) -> dict[str, Any]:
        return {}

    async def close(self) -> None:
        self.closed = True
