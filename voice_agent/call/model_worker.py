"""One model on one thread for all calls, behind a short queue and a circuit breaker.

Whoever asks never waits for the model to be free: questions lie in a queue per call that drops its oldest,
a batch of them goes to the thread, and an answer that does not come in time is none. A model that fails or
is late twice in a row is left alone for ten seconds and then tried once. A thread that does not come back
is left to itself and replaced; while three of them hang there is no further attempt.

The numeric libraries free the interpreter lock while they compute, so a thread costs the event loop little
(``scripts/bench_emotion.py`` prints how much). Everything but the model itself runs on the event loop:
nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog

from voice_agent.call.faults import kind_of

log = structlog.get_logger(__name__)

FAILURES = 2
"""Published: so many failures in a row open the breaker."""

RECOVERY_S = 10.0
"""Published: after so long it is tried again."""

DEADLINE_S = 1.0
"""A batch that takes longer has failed: the next window is there already."""

BATCH = 4
"""Questions that go to the thread at once. More would make the first wait for the last."""

QUEUED = 256
"""Questions of all calls together."""

THREADS = 3
"""Threads that may hang at the same time."""

Q = TypeVar("Q")
A = TypeVar("A")


class Breaker(StrEnum):
    """State of the circuit breaker."""

    CLOSED = "closed"
    OPEN = "open"
    TRIAL = "trial"
    """Half open: one batch is on its way to find out."""
    GIVEN_UP = "given_up"
    """Too many threads hang in it."""


@dataclass(eq=False)
class _Asked(Generic[Q, A]):
    call: str
    question: Q
    answer: asyncio.Future[A | None]


@dataclass(eq=False)
class _Batch(Generic[Q, A]):
    asked: list[_Asked[Q, A]]
    over: bool = False
    timer: asyncio.TimerHandle | None = None


@dataclass
class WorkerFigures:
    """What became of nothing since the start: ``dropped`` questions without a batch, ``failed`` batches."""

    dropped: int = 0
    failed: int = 0


class ModelWorker(Generic[Q, A]):
    """Asks one model. All methods belong to the event loop.

    Args:
        run: the model; takes a batch, gives an answer for each, on the worker's thread.
        per_call: questions of one call that may wait; a further one takes the oldest's place.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Sequence[Q]], Sequence[A]],
        *,
        per_call: int,
        deadline_s: float = DEADLINE_S,
        recovery_s: float = RECOVERY_S,
    ) -> None:
        self.name = name
        self.figures = WorkerFigures()
        self._run = run
        self._per_call = per_call
        self._deadline_s = deadline_s
        self._recovery_s = recovery_s
        self._waiting: list[_Asked[Q, A]] = []
        self._running: _Batch[Q, A] | None = None
        self._inbox: SimpleQueue[_Batch[Q, A] | None] | None = None
        self._failures = 0
        self._known_errors: set[str] = set()
        """Kinds and places of failures so far: each is logged when it is new."""
        self._hung = 0
        self._open_until = 0.0
        self._trying = False
        self._closed = False

    @property
    def breaker(self) -> Breaker:
        """Whether the model is asked at all now."""
        if self._hung >= THREADS:
            return Breaker.GIVEN_UP
        if self._trying:
            return Breaker.TRIAL
        return Breaker.OPEN if time.monotonic() < self._open_until else Breaker.CLOSED

    async def ask(self, call: str, question: Q) -> A | None:
        """The model's answer; None when there is none: dropped, failed, late, or not asked at all."""
        if self._closed or self.breaker in (Breaker.OPEN, Breaker.GIVEN_UP):
            return None
        answer: asyncio.Future[A | None] = asyncio.get_running_loop().create_future()
        self._make_room(call)
        self._waiting.append(_Asked(call, question, answer))
        self._hand_over()
        return await answer

    def forget(self, call: str) -> None:
        """The call is over: what it asked is not answered any more."""
        for asked in [asked for asked in self._waiting if asked.call == call]:
            self._drop(asked)

    def close(self) -> None:
        """End the thread (a hung one ends with the process). Idempotent."""
        self._closed = True
        for asked in list(self._waiting):
            self._drop(asked)
        if self._running is not None:
            self._settle(self._running, None)
        if self._inbox is not None:
            self._inbox.put(None)
            self._inbox = None

    def _make_room(self, call: str) -> None:
        own = [asked for asked in self._waiting if asked.call == call]
        if len(own) >= self._per_call:
            self._drop(own[0])
        elif len(self._waiting) >= QUEUED:
            self._drop(self._waiting[0])

    def _drop(self, asked: _Asked[Q, A]) -> None:
        self._waiting.remove(asked)
        self.figures.dropped += 1
        _resolve(asked, None)

    def _go_on(self) -> None:
        if not self._closed and self.breaker is Breaker.CLOSED:
            self._hand_over()

    def _hand_over(self) -> None:
        """Give the thread its next batch, when it is free."""
        if self._running is not None or not self._waiting:
            return
        count = BATCH
        if self._open_until and not self._trying:
            # It failed before: one question finds out whether it works again.
            self._trying, count = True, 1
        batch, self._waiting = _Batch(self._waiting[:count]), self._waiting[count:]
        self._running = batch
        loop = asyncio.get_running_loop()
        batch.timer = loop.call_later(self._deadline_s, self._overdue, batch)
        if self._inbox is None:
            self._inbox = SimpleQueue()
            threading.Thread(
                target=self._work, args=(self._inbox, loop), name=f"model-{self.name}", daemon=True
            ).start()
        self._inbox.put(batch)

    def _work(self, inbox: SimpleQueue[_Batch[Q, A] | None], loop: asyncio.AbstractEventLoop) -> None:
        """The thread: batches in, answers out, until None comes."""
        while (batch := inbox.get()) is not None:
            answers: Sequence[A] | None = None
            error = ""
            try:
                given = self._run([asked.question for asked in batch.asked])
                if len(given) == len(batch.asked):
                    answers = given
                else:
                    error = f"{len(given)} answers to {len(batch.asked)} questions"
            except Exception as failure:  # noqa: BLE001 - whatever breaks in a model, the calls go on
                error = kind_of(failure)
            try:
                loop.call_soon_threadsafe(self._done, batch, answers, error)
            except RuntimeError:
                return  # the event loop is gone, and with it everybody who waits

    def _done(self, batch: _Batch[Q, A], answers: Sequence[A] | None, error: str) -> None:
        if batch.over:
            self._hung -= 0 if self._closed else 1
            return  # it came too late; another thread has taken over
        self._settle(batch, answers)
        if answers is None:
            self._failed(error)
        else:
            self._failures, self._open_until, self._trying = 0, 0.0, False
        self._go_on()

    def _overdue(self, batch: _Batch[Q, A]) -> None:
        """The thread is stuck, or far too slow: leave it to itself."""
        if batch.over:
            return
        self._settle(batch, None)
        if self._inbox is not None:
            self._inbox.put(None)
            self._inbox = None
        self._hung += 1
        self._failed("no answer in time")
        self._go_on()

    def _settle(self, batch: _Batch[Q, A], answers: Sequence[A] | None) -> None:
        batch.over = True
        if batch.timer is not None:
            batch.timer.cancel()
        self._running = None
        for index, asked in enumerate(batch.asked):
            _resolve(asked, answers[index] if answers is not None else None)

    def _failed(self, error: str) -> None:
        self._failures += 1
        self.figures.failed += 1
        if error not in self._known_errors:
            self._known_errors.add(error)
            log.warning("emotion_model_failed", model=self.name, error=error)
        if self._failures < FAILURES and not self._trying:
            return
        if not self._open_until or self._trying:
            log.warning("emotion_model_left_alone", model=self.name, error=error, seconds=self._recovery_s)
        self._trying = False
        self._open_until = time.monotonic() + self._recovery_s
        for asked in list(self._waiting):
            self._drop(asked)


def _resolve(asked: _Asked[Q, A], answer: A | None) -> None:
    if not asked.answer.done():
        asked.answer.set_result(answer)
