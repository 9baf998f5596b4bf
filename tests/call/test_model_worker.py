"""A model on a thread of its own: batched, bounded, never waited for, left alone when it breaks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import structlog

from voice_agent.call.model_worker import BATCH, Breaker, ModelWorker

Run = Callable[[Sequence[int]], Sequence[int]]


class Model:
    """Doubles numbers; a test says when it is stuck or broken."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = threading.Event()
        self.free.set()
        self.broken = False

    def __call__(self, questions: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(questions))
        self.free.wait(10)
        if self.broken:
            raise RuntimeError("boom")
        return [2 * question for question in questions]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def worker(model: Model) -> AsyncIterator[ModelWorker[int, int]]:
    worker = ModelWorker[int, int]("double", model, per_call=3, deadline_s=0.2, recovery_s=0.3)
    yield worker
    worker.close()
    model.free.set()


async def until(test: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not test():  # noqa: ASYNC110 - a thread tells nobody
            await asyncio.sleep(0.005)


async def test_questions_of_several_calls_share_a_batch(worker: ModelWorker[int, int], model: Model) -> None:
    model.free.clear()
    asked = [asyncio.create_task(worker.ask(f"call {n}", n)) for n in range(6)]
    await until(lambda: len(model.batches) == 1)
    model.free.set()
    assert await asyncio.gather(*asked) == [0, 2, 4, 6, 8, 10]
    assert model.batches == [[0], [1, 2, 3, 4][:BATCH], [5]]


async def test_the_oldest_question_of_a_call_makes_room_and_other_calls_keep_theirs(
    worker: ModelWorker[int, int], model: Model
) -> None:
    model.free.clear()
    first = asyncio.create_task(worker.ask("a", 1))
    await until(lambda: len(model.batches) == 1)
    other = asyncio.create_task(worker.ask("b", 100))
    waiting = [asyncio.create_task(worker.ask("a", n)) for n in (2, 3, 4, 5)]
    assert await asyncio.wait_for(waiting[0], 1) is None
    model.free.set()
    assert await asyncio.gather(first, other, *waiting[1:]) == [2, 200, 6, 8, 10]
    assert worker.figures.dropped == 1


async def test_nobody_on_the_event_loop_waits_for_a_model(
    worker: ModelWorker[int, int], model: Model
) -> None:
    model.free.clear()
    asked = asyncio.create_task(worker.ask("a", 1))
    await until(lambda: len(model.batches) == 1)
    began = time.monotonic()
    for _ in range(20):
        await asyncio.sleep(0)
    assert time.monotonic() - began < 0.5
    model.free.set()
    assert await asked == 2


async def test_two_failures_leave_a_model_alone_and_later_it_is_tried_with_one_question(
    worker: ModelWorker[int, int], model: Model
) -> None:
    model.broken = True
    assert [await worker.ask("a", 1), await worker.ask("a", 2)] == [None, None]
    assert worker.breaker is Breaker.OPEN
    assert await worker.ask("a", 3) is None
    assert model.batches == [[1], [2]]
    model.broken = False
    await until(lambda: worker.breaker is Breaker.CLOSED)
    assert await worker.ask("a", 4) == 8
    assert model.batches[-1] == [4]


async def test_a_model_that_still_fails_is_left_alone_again_at_once(
    worker: ModelWorker[int, int], model: Model
) -> None:
    model.broken = True
    for n in (1, 2):
        await worker.ask("a", n)
    await until(lambda: worker.breaker is Breaker.CLOSED)
    assert await worker.ask("a", 3) is None
    assert worker.breaker is Breaker.OPEN


async def test_one_failure_is_forgiven(worker: ModelWorker[int, int], model: Model) -> None:
    model.broken = True
    await worker.ask("a", 1)
    model.broken = False
    assert await worker.ask("a", 2) == 4
    model.broken = True
    await worker.ask("a", 3)
    assert worker.breaker is Breaker.CLOSED


async def test_a_model_that_hangs_is_replaced_and_its_late_answer_thrown_away(
    worker: ModelWorker[int, int], model: Model
) -> None:
    model.free.clear()
    began = time.monotonic()
    assert await worker.ask("a", 1) is None
    assert time.monotonic() - began < 1.0
    model.free.set()
    assert await worker.ask("a", 2) == 4


async def test_a_model_that_always_hangs_is_given_up_after_three_threads(
    worker: ModelWorker[int, int], model: Model
) -> None:
    model.free.clear()
    for n in range(3):
        await until(lambda: worker.breaker is Breaker.CLOSED)
        assert await worker.ask("a", n) is None
    assert worker.breaker is Breaker.GIVEN_UP
    assert await worker.ask("a", 9) is None
    assert len(model.batches) == 3
    model.free.set()
    await until(lambda: worker.breaker is not Breaker.GIVEN_UP)


async def test_a_model_that_answers_too_few_questions_has_failed(model: Model) -> None:
    worker = ModelWorker[int, int]("short", lambda questions: [], per_call=3)
    assert await worker.ask("a", 1) is None
    assert worker.figures.failed == 1
    worker.close()


async def test_every_failure_of_a_new_place_is_logged_once_and_without_its_words(model: Model) -> None:
    def run(questions: Sequence[int]) -> Sequence[int]:
        if questions[0] < 3:
            raise ValueError("nobody may read this")
        raise KeyError("nor this")

    worker = ModelWorker[int, int]("broken", run, per_call=3, recovery_s=0.0)
    with structlog.testing.capture_logs() as logs:
        for question in (1, 2, 3, 4):
            assert await worker.ask("a", question) is None
    worker.close()
    failed = [entry["error"] for entry in logs if entry["event"] == "emotion_model_failed"]
    assert [error.split(":")[0] for error in failed] == [
        "ValueError at call/test_model_worker.py",
        "KeyError at call/test_model_worker.py",
    ]


async def test_what_a_call_asked_is_forgotten_with_it(worker: ModelWorker[int, int], model: Model) -> None:
    model.free.clear()
    running = asyncio.create_task(worker.ask("a", 1))
    await until(lambda: len(model.batches) == 1)
    waiting = asyncio.create_task(worker.ask("a", 2))
    await asyncio.sleep(0)
    worker.forget("a")
    assert await asyncio.wait_for(waiting, 1) is None
    model.free.set()
    await running
    assert model.batches == [[1]]


async def test_closing_answers_everybody(worker: ModelWorker[int, int], model: Model) -> None:
    model.free.clear()
    asked = [asyncio.create_task(worker.ask("a", n)) for n in (1, 2)]
    await until(lambda: len(model.batches) == 1)
    worker.close()
    assert await asyncio.wait_for(asyncio.gather(*asked), 1) == [None, None]
    assert await worker.ask("a", 3) is None
