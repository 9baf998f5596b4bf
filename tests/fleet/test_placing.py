"""Where webhooks go, with workers that answer over HTTP and a register that the test writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl

import httpx
import pytest
import respx

from telephony.signature import PublicOrigin, SignatureChecker
from telephony.webhook import WebhookFields
from voice_agent.api.twilio import PROCESS_HEADER, NoRoom
from voice_agent.call.admission import Admit, RefusalReason, Refuse
from voice_agent.call.network import AFTER_DIAL, AGENT, STATUS, VOICE
from voice_agent.fleet.placing import Carrying, Placement
from voice_agent.fleet.register import Standing, Worker

TOKEN = "a" * 32
SID = "CA" + "1" * 32
FIELDS = WebhookFields([("CallSid", SID), ("From", "+14155550134"), ("To", "+14155550100"), ("X", "ü&=")])


@dataclass
class Book:
    """A register whose entries the test makes."""

    workers: list[Worker] = field(default_factory=list)
    beats: int = 1
    coming: list[Worker] = field(default_factory=list)

    def worker(self, name: str) -> Worker | None:
        return next((worker for worker in self.workers if worker.id == name), None)

    async def beat(self) -> None:
        self.beats += 1
        self.workers += self.coming


@dataclass
class Here:
    """This process's own calls and room."""

    active_calls: int = 0
    room: int = 60
    known: set[str] = field(default_factory=set)

    def knows(self, call_sid: str) -> bool:
        return call_sid in self.known

    def decide(self) -> Admit | Refuse:
        return Admit() if self.room else Refuse(RefusalReason.TOO_MANY_CALLS, "full")


def worker(name: str, *, calls: int = 0, room: int = 60, age_s: float = 0.5) -> Worker:
    return Worker(name, f"http://{name}.test", Standing(calls, room, True), age_s)


@dataclass
class Office:
    book: Book
    placement: Placement
    elsewhere: dict[str, str]


def office(here: Here | None = None, *workers: Worker) -> Office:
    book, elsewhere = Book(list(workers)), dict[str, str]()
    carrying = Carrying(cast(Any, here), cast(Any, here)) if here is not None else None
    placement = Placement(
        "me", cast(Any, book), TOKEN, here=carrying, process_of=lambda sid: elsewhere.get(sid, "")
    )
    return Office(book, placement, elsewhere)


@pytest.fixture
async def network() -> AsyncIterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def answers(
    network: respx.MockRouter, name: str, text: str = "<Response/>", status: int = 200
) -> respx.Route:
    """A worker that answers in its own name."""
    answer = httpx.Response(status, text=text, headers={PROCESS_HEADER: name})
    return network.post(url__startswith=f"http://{name}.test/").mock(answer)


def fails(network: respx.MockRouter, name: str, failure: httpx.Response | Exception) -> respx.Route:
    """A worker that does not answer, or something else at its address that does."""
    return network.post(url__startswith=f"http://{name}.test/").mock(side_effect=[failure] * 9)


def ringing(n: int) -> WebhookFields:
    """A call of its own."""
    return WebhookFields([("CallSid", f"CA{n:032}")])


async def test_a_call_goes_to_the_worker_with_most_room_signed_for_its_address(
    network: respx.MockRouter,
) -> None:
    busy, free = answers(network, "w1"), answers(network, "w2", "<Response>2</Response>")
    place = office(None, worker("w1", calls=40, room=20), worker("w2", calls=10, room=50)).placement
    assert await place.answer(VOICE, FIELDS, "", "") == "<Response>2</Response>"
    assert not busy.called
    request = free.calls.last.request
    form = WebhookFields.parse(request.content)
    assert dict(form) == dict(FIELDS)
    SignatureChecker(TOKEN, PublicOrigin.parse("http://w2.test")).check_webhook(
        VOICE, "", form, {k.lower(): v for k, v in request.headers.items()}
    )
    assert request.headers["x-voice-agent-placed"] == "w2"


async def test_a_repeated_webhook_reaches_the_worker_that_has_the_call(network: respx.MockRouter) -> None:
    first, second = answers(network, "w1"), answers(network, "w2")
    place = office(None, worker("w1", room=50), worker("w2", room=50)).placement
    for _ in range(3):
        await place.answer(VOICE, FIELDS, "", "")
    assert (first.call_count, second.call_count) == (3, 0)


async def test_calls_that_come_between_two_beats_are_spread(network: respx.MockRouter) -> None:
    routes = [answers(network, name) for name in ("w1", "w2")]
    place = office(None, worker("w1"), worker("w2")).placement
    for n in range(6):
        await place.answer(VOICE, ringing(n), "", "")
    assert [route.call_count for route in routes] == [3, 3]


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.Response(503),
        httpx.Response(403, headers={PROCESS_HEADER: "w1"}),
        httpx.Response(404),
        httpx.Response(301, headers={"location": "https://w1.test/twilio/voice"}),
        httpx.Response(502, text="<html>Bad Gateway</html>"),
        httpx.Response(200, text="<html>It works!</html>"),
    ],
)
async def test_a_worker_that_has_not_taken_the_call_is_passed_over_until_the_next_beat(
    network: respx.MockRouter, failure: Any
) -> None:
    first = fails(network, "w1", failure)
    answers(network, "w2", "<Response>2</Response>")
    here = office(None, worker("w1"), worker("w2", calls=30, room=30))
    for n in range(3):
        assert await here.placement.answer(VOICE, ringing(n), "", "") == "<Response>2</Response>"
    assert first.call_count == 1
    await here.book.beat()
    await here.placement.answer(VOICE, ringing(3), "", "")
    assert first.call_count == 2


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("late"), httpx.Response(500), httpx.Response(504)])
async def test_a_worker_that_may_have_taken_the_call_is_not_followed_by_another(
    network: respx.MockRouter, failure: Any
) -> None:
    fails(network, "w1", failure)
    second = answers(network, "w2")
    place = office(None, worker("w1"), worker("w2", calls=30, room=30)).placement
    assert "Reject" in (await place.answer(VOICE, FIELDS, "", "") or "")
    assert not second.called


async def test_dead_and_full_workers_get_nothing_and_one_that_has_just_come_is_found(
    network: respx.MockRouter,
) -> None:
    new = answers(network, "w3")
    here = office(None, worker("w1", age_s=9), worker("w2", calls=60, room=0))
    assert await here.placement.answer(VOICE, FIELDS, "", "") is None
    here.book.coming = [worker("w3")]
    assert await here.placement.answer(VOICE, FIELDS, "", "") == "<Response/>"
    assert new.called


async def test_this_process_takes_the_call_when_it_has_as_much_room_or_knows_it(
    network: respx.MockRouter,
) -> None:
    other = answers(network, "w1")
    assert await office(Here(), worker("w1")).placement.answer(VOICE, FIELDS, "", "") is None
    full = Here(active_calls=60, room=0, known={SID})
    assert await office(full, worker("w1")).placement.answer(VOICE, FIELDS, "", "") is None
    assert not other.called
    assert await office(Here(60, 0), worker("w1")).placement.answer(VOICE, FIELDS, "", "") is not None


async def test_a_call_that_was_placed_here_is_answered_here_or_given_back() -> None:
    assert await office(Here()).placement.answer(VOICE, FIELDS, "", "me") is None
    assert await office(Here(60, 0, {SID})).placement.answer(VOICE, FIELDS, "", "me") is None
    for here in (Here(60, 0), None):
        with pytest.raises(NoRoom):
            await office(here).placement.answer(VOICE, FIELDS, "", "me")


@pytest.mark.parametrize(("path", "key"), [(VOICE, ""), (AGENT, "old.secret"), (STATUS, "")])
async def test_what_was_passed_on_to_the_process_before_this_one_is_given_back(
    network: respx.MockRouter, path: str, key: str
) -> None:
    itself = answers(network, "old")
    here = office(Here(), worker("old"))
    here.elsewhere[SID] = "old"
    with pytest.raises(NoRoom):
        await here.placement.answer(path, FIELDS, key, "old")
    assert not itself.called


async def test_the_agents_leg_and_callbacks_follow_their_call(network: respx.MockRouter) -> None:
    owner = answers(network, "w1", "<Response>leg</Response>")
    here = office(None, worker("w1"))
    assert await here.placement.answer(AGENT, FIELDS, "w1.secret", "") == "<Response>leg</Response>"
    assert dict(parse_qsl(owner.calls.last.request.url.query.decode())) == {"s": "w1.secret"}
    here.elsewhere[SID] = "w1"
    assert await here.placement.answer(STATUS, FIELDS, "", "") is not None
    child = WebhookFields([("CallSid", "CA" + "2" * 32), ("ParentCallSid", SID)])
    assert await here.placement.answer(STATUS, child, "", "") is not None
    assert owner.call_count == 3


@pytest.mark.parametrize("key", ["", "me.secret", "gone.secret", "no-separator", "."])
async def test_what_belongs_to_nobody_else_is_answered_here(network: respx.MockRouter, key: str) -> None:
    place = office(Here(), worker("w1")).placement
    for path in (AGENT, STATUS, AFTER_DIAL):
        assert await place.answer(path, FIELDS, key, "") is None
