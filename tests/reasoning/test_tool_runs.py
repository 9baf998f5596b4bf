"""Tools: gated by the state, never run twice, never cancelled by a barge-in, never invented."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from tests.reasoning.conftest import Calls, MakeTalk, Talk, of_kind, said, stepping
from voice_agent.reasoning.effects import FillerType, Say, SayKind, ToolCompleted, ToolStarted
from voice_agent.reasoning.errors import BadToolArguments, ToolError, ToolNotListed, UnknownTool
from voice_agent.reasoning.memory import Memory
from voice_agent.reasoning.parts import Merge, ProgressHint, ProgressMode, Retention, ToolCallSpec
from voice_agent.reasoning.phrasebook import Phrasebook
from voice_agent.reasoning.settings import EngineSettings
from voice_agent.reasoning.signals import FillerChosen, HandedBack, OperatorTookOver, Utterance
from voice_agent.reasoning.tool_runs import ToolRuns
from voice_agent.reasoning.tools import Tool, ToolContext, ToolRegistry

BOOKING = """
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
states:
  - name: a
    type: action
    objective: x
    say_on_entry: Shall I book Friday at nine?
    exit_conditions:
      - {description: x, answer: yes, next_state: book}
      - {description: x, next_state: z}
  - name: book
    type: tool_call
    say_on_entry: I'm booking that.
    designated_tool: {tool_id: book, params: {start: "2026-11-27T09:00:00"}%s}
    next_state: done
  - name: done
    type: action
    objective: x
    say_on_entry: You're booked. Anything else?
    exit_conditions:
      - {description: again, examples: [please book it again], next_state: book}
      - {description: x, answer: no, next_state: z}
      - {description: x, next_state: z}
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
"""


async def until_started(talk: Talk, step: Any) -> None:
    async for effect in step:
        if isinstance(effect, ToolStarted):
            return
    raise AssertionError("no tool was started")


async def test_a_barge_in_does_not_cancel_a_booking_and_its_result_is_there_later(
    talk_over: MakeTalk,
) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % "", calls=calls)
    await talk.start()
    async with stepping(talk, Utterance("yes please")) as step:
        await until_started(talk, step)
    assert talk.state == "book"
    assert calls.hold is not None
    calls.hold.set()
    effects = await talk.send(Utterance("hello are you there"))
    assert "You're booked. Anything else?" in said(effects)
    assert [done.succeeded for done in of_kind(effects, ToolCompleted)] == [True]
    assert (len(calls.made), calls.finished) == (1, 1)


async def test_somebody_speaking_during_a_tool_hears_that_it_is_being_worked_on(talk_over: MakeTalk) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % "", calls=calls)
    await talk.start()
    async with stepping(talk, Utterance("yes please")) as step:
        await until_started(talk, step)
    async with stepping(talk, Utterance("hello are you there")) as step:
        async for effect in step:
            if isinstance(effect, Say):
                assert effect.text == "I'm still working on that, one moment."
                break
    assert calls.hold is not None
    calls.hold.set()
    assert "booked" in said(await talk.send(Utterance("mm hmm")))
    assert len(calls.made) == 1


async def test_a_person_can_be_asked_for_while_a_tool_runs(talk_over: MakeTalk) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % "", calls=calls)
    await talk.start()
    async with stepping(talk, Utterance("yes please")) as step:
        await until_started(talk, step)
    async with stepping(talk, Utterance("get me a real person")) as step:
        async for effect in step:
            if isinstance(effect, Say):
                assert effect.text == "Of course."
                break
    assert calls.hold is not None
    calls.hold.set()


async def test_a_search_for_the_wrong_day_is_corrected_while_it_runs(
    talk_over: MakeTalk, small_graph: Any
) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(small_graph, calls=calls)
    await talk.start()
    await talk.hear("i need to reschedule")
    await talk.hear("march second nineteen eighty four")
    async with stepping(talk, Utterance("friday")) as step:
        await until_started(talk, step)
    assert calls.hold is not None
    calls.hold.set()
    heard = await talk.hear("no wait monday")
    assert "Monday, November 30th at 9 AM" in heard
    assert [arguments["day"] for _, arguments in calls.made] == [date(2026, 11, 27), date(2026, 11, 30)]


async def test_a_wish_spoken_while_a_tool_runs_is_served_when_it_is_done(talk_over: MakeTalk) -> None:
    intents = """
intents:
  - {name: hours, description: hours, examples: [what are your hours], say: From 8 to 5.}
"""
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % "" + intents, calls=calls)
    await talk.start()
    async with stepping(talk, Utterance("yes please")) as step:
        await until_started(talk, step)
    async with stepping(talk, Utterance("and what are your hours")) as step:
        await anext(step)
    assert calls.hold is not None
    calls.hold.set()
    heard = said(await talk.send(Utterance("mm hmm")))
    assert heard == "You're booked. Anything else? From 8 to 5. Anything else?"


async def test_a_tool_in_the_background_is_not_waited_for(talk_over: MakeTalk) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % ", execution: background", calls=calls)
    await talk.start()
    assert "You're booked." in await talk.hear("yes please")
    assert of_kind(talk.effects, ToolStarted)
    assert not of_kind(talk.effects, ToolCompleted)
    assert calls.hold is not None
    calls.hold.set()
    await talk.conversation.close()
    assert [done.succeeded for done in of_kind(await talk.send(Utterance("no")), ToolCompleted)] == [True]


async def test_a_slow_tool_is_covered_by_a_filler_and_then_by_progress(talk_over: MakeTalk) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % "", calls=calls, filler_delay_ms=1, progress_interval_ms=100)
    await talk.start()
    said_meanwhile: list[Say] = []
    async with asyncio.timeout(5):
        async for effect in talk.conversation.step(Utterance("yes please")):
            if isinstance(effect, Say) and effect.kind in (SayKind.FILLER, SayKind.PROGRESS):
                said_meanwhile.append(effect)
                if len(said_meanwhile) == 2:
                    assert calls.hold is not None
                    calls.hold.set()
    assert [say.kind for say in said_meanwhile[:2]] == [SayKind.FILLER, SayKind.PROGRESS]
    assert said_meanwhile[0].text == "Let me check on that."
    assert said_meanwhile[0].filler_type is FillerType.WORKING


@pytest.mark.parametrize(
    ("filler", "words"),
    [(FillerType.RECEIPT, "Thank you."), (FillerType.EMPATHY, "I'm here to help, and we'll take this")],
)
async def test_a_wait_may_be_covered_in_another_way(
    talk_over: MakeTalk, filler: FillerType, words: str
) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % "", calls=calls, filler_delay_ms=1, progress_interval_ms=5000)
    await talk.start()
    await talk.send(FillerChosen(filler))
    async with asyncio.timeout(5):
        async for effect in talk.conversation.step(Utterance("yes please")):
            if isinstance(effect, Say) and effect.kind is SayKind.FILLER:
                assert effect.filler_type is filler
                assert effect.text.startswith(words)
                assert calls.hold is not None
                calls.hold.set()
    assert talk.state == "done"


@pytest.mark.parametrize("filler", [FillerType.WORKING, None], ids=["covered", "silent"])
async def test_a_wait_may_be_left_silent(talk_over: MakeTalk, filler: FillerType | None) -> None:
    hold = asyncio.Event()
    talk = talk_over(BOOKING % "", calls=Calls(hold=hold), filler_delay_ms=0)
    await talk.start()
    await talk.send(FillerChosen(filler))

    async def let_go() -> None:
        for _ in range(100):  # turns of the loop, in each of which something could be said
            await asyncio.sleep(0)
        hold.set()

    letting_go = asyncio.create_task(let_go())
    async with asyncio.timeout(5):
        effects = [effect async for effect in talk.conversation.step(Utterance("yes please"))]
    await letting_go
    assert talk.state == "done"
    assert (SayKind.FILLER in {say.kind for say in of_kind(effects, Say)}) is (filler is not None)


async def test_a_tool_may_have_words_of_its_own_for_waiting(talk_over: MakeTalk) -> None:
    own = ", progress: {deterministic: true, phrases: [Booking it now.], trigger_delay_ms: 0}"
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % own, calls=calls)
    await talk.start()
    async for effect in talk.conversation.step(Utterance("yes please")):
        if isinstance(effect, Say) and effect.kind is SayKind.FILLER:
            assert effect.text == "Booking it now."
            assert calls.hold is not None
            calls.hold.set()
    assert talk.state == "done"


async def test_the_same_call_in_a_later_visit_is_a_new_booking(talk_over: MakeTalk) -> None:
    talk = talk_over(BOOKING % "")
    await talk.start()
    await talk.hear("yes")
    await talk.hear("please book it again")
    assert len(talk.calls.made) == 2
    assert len(set(talk.calls.keys)) == 2


async def test_keys_of_a_conversation_can_be_foretold(talk_over: MakeTalk) -> None:
    keys = []
    for conversation_id in ("c1", "c1", "c2"):
        talk = talk_over(BOOKING % "", conversation_id=conversation_id)
        await talk.start()
        await talk.hear("yes")
        keys.append(talk.calls.keys[0])
    assert keys[0] == keys[1] != keys[2]


async def test_a_tool_goes_on_while_an_operator_speaks(talk_over: MakeTalk) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % "", calls=calls)
    await talk.start()
    async with stepping(talk, Utterance("yes please")) as step:
        await until_started(talk, step)
    assert said(await talk.send(OperatorTookOver("Ann"))) == ""
    assert calls.hold is not None
    calls.hold.set()
    assert said(await talk.send(Utterance("thanks ann"))) == ""
    heard = said(await talk.send(HandedBack("Ann")))
    assert heard == "I'm back on the line with you. You're booked. Anything else?"


async def test_closing_waits_for_a_running_tool_but_not_for_ever(talk_over: MakeTalk) -> None:
    calls = Calls(hold=asyncio.Event())
    talk = talk_over(BOOKING % "", calls=calls, close_timeout_s=0.05)
    await talk.start()
    async with stepping(talk, Utterance("yes please")) as step:
        await until_started(talk, step)
    await talk.conversation.close()
    await talk.conversation.close()
    assert calls.finished == 0
    quick = talk_over(BOOKING % "", calls=Calls(hold=asyncio.Event()), close_timeout_s=5.0)
    await quick.start()
    async with stepping(quick, Utterance("yes please")) as step:
        await until_started(quick, step)
    assert quick.calls.hold is not None
    quick.calls.hold.set()
    await quick.conversation.close()
    assert quick.calls.finished == 1


# The gate and the registry by themselves.


def context(key: str) -> ToolContext:
    from tests.reasoning.conftest import NOW

    return ToolContext("c1", key, None, {}, NOW)


def runs_of(registry: ToolRegistry, **settings: Any) -> ToolRuns:
    return ToolRuns(registry, "c1", EngineSettings(**settings), Phrasebook(Memory()))


async def start(runs: ToolRuns, name: str, listed: set[str], visit: str = "state#1", **arguments: Any) -> Any:
    return runs.start(
        ToolCallSpec(tool_id=name), arguments, listed=frozenset(listed), visit=visit, context=context
    )


async def test_a_tool_the_state_does_not_list_cannot_be_called_whatever_is_asked() -> None:
    calls = Calls()
    runs = runs_of(calls.registry)
    with pytest.raises(ToolNotListed, match="'state' does not list the tool 'book'"):
        await start(runs, "book", {"find_slots"}, start="2026-11-27T09:00:00")
    assert calls.made == []


async def test_unknown_tools_and_bad_arguments_are_refused_without_naming_values() -> None:
    runs = runs_of(Calls().registry)
    with pytest.raises(UnknownTool, match="no tool is called 'nope'"):
        await start(runs, "nope", {"nope"})
    with pytest.raises(BadToolArguments) as raised:
        await start(runs, "find_slots", {"find_slots"}, day="maria's birthday")
    assert "day" in str(raised.value)
    assert "maria" not in str(raised.value)
    with pytest.raises(BadToolArguments):
        await start(runs, "find_slots", {"find_slots"}, day="2026-11-27", other=1)


async def test_the_same_call_in_the_same_visit_is_the_same_run() -> None:
    calls = Calls()
    runs = runs_of(calls.registry)
    first = await start(runs, "book", {"book"}, start="2026-11-27T09:00:00")
    assert await start(runs, "book", {"book"}, start="2026-11-27T09:00:00") is first
    await first.task
    assert await start(runs, "book", {"book"}, start="2026-11-27T09:00:00") is first
    assert await start(runs, "book", {"book"}, visit="state#2", start="2026-11-27T09:00:00") is not first


async def test_a_failed_call_may_be_tried_again_under_the_same_key() -> None:
    calls = Calls(broken=True)
    runs = runs_of(calls.registry)
    first = await start(runs, "book", {"book"}, start="2026-11-27T09:00:00")
    await first.task
    calls.broken = False
    second = await start(runs, "book", {"book"}, start="2026-11-27T09:00:00")
    assert (await second.task).succeeded
    assert calls.keys[0] == calls.keys[1]


async def test_a_tool_that_takes_too_long_has_failed() -> None:
    cancelled = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    runs = runs_of(ToolRegistry([Tool("endless", endless, "x", timeout_s=0.02)]))
    outcome = await (await start(runs, "endless", {"endless"})).task
    assert (outcome.succeeded, outcome.error) == (False, "no answer within 0.02 s")
    assert cancelled.is_set()
    assert outcome.as_result()["failed"] is True


async def test_a_silent_tool_is_waited_for_in_silence() -> None:
    hold = asyncio.Event()

    async def slow() -> str:
        await hold.wait()
        return "done"

    hint = ProgressHint(mode=ProgressMode.SILENT)
    runs = runs_of(ToolRegistry([Tool("slow", slow, "x", progress=hint)]), filler_delay_ms=1)
    run = await start(runs, "slow", {"slow"})
    effects = []
    async for effect in runs.wait([run]):
        effects.append(type(effect))
        hold.set()
    assert effects == [ToolStarted, ToolCompleted]


def test_the_schema_of_a_tool_comes_from_its_signature() -> None:
    tool = Calls().registry.get("book")
    assert tool.schema["required"] == ["start"]
    assert tool.schema["properties"]["start"]["format"] == "date-time"
    assert "context" not in tool.schema["properties"]


def test_tools_that_cannot_work_are_refused_when_they_are_registered() -> None:
    def plain() -> None: ...

    async def good() -> None: ...

    async def greedy(*things: int) -> None: ...

    with pytest.raises(ToolError, match="not an async function"):
        Tool("plain", plain, "x")  # type: ignore[arg-type]
    with pytest.raises(ToolError, match="not an identifier"):
        Tool("not a name", good, "x")
    with pytest.raises(ToolError, match="name every parameter"):
        _ = Tool("greedy", greedy, "x").schema
    with pytest.raises(ToolError, match="two tools are called 'good'"):
        ToolRegistry([Tool("good", good, "x"), Tool("good", good, "y")])


@pytest.mark.parametrize(
    ("word", "retention", "merge"),
    [
        ("accumulate", Retention.PERSISTED_PREFERRED, Merge.ACCUMULATE),
        ("override", Retention.PERSISTED_PREFERRED, Merge.OVERRIDE),
        ("ephemeral", Retention.EPHEMERAL, Merge.ACCUMULATE),
        ("persisted", Retention.PERSISTED, Merge.ACCUMULATE),
    ],
)
def test_both_vocabularies_of_persistence_are_understood(
    word: Any, retention: Retention, merge: Merge
) -> None:
    spec = ToolCallSpec(tool_id="x", result_persistence=word)
    assert (spec.retention, spec.merge) == (retention, merge)
