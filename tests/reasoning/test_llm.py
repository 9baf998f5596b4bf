"""A language model serves a conversation, and the embedded reasoner serves it when the model does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from tests.reasoning import model_server as server
from tests.reasoning.conftest import NOW, MakeTalk, Talk, of_kind, said
from tests.reasoning.model_server import Answer, ModelServer
from voice_agent.reasoning.effects import Navigation, Say, ToolCompleted
from voice_agent.reasoning.llm import LanguageModelReasoner, LanguageModelSettings
from voice_agent.reasoning.signals import Caller, Channel, Emotion, External, RiskChanged, Started, Utterance

GRAPH = """
name: front_desk
new_user_initial_state: greet
returning_user_initial_state: greet
terminal_state: bye
risk_guidelines: {alert: {action_guidelines: [Say plainly what you can do.]}}
states:
  - name: greet
    type: action
    objective: Learn what the caller needs.
    say_on_entry: Hello. How can I help you?
    action_guidelines: [Be brief.]
    action_tool_call_specs: [{tool_id: insurance_on_file}]
    exit_conditions:
      - {description: wants an appointment, examples: [i need an appointment], next_state: day}
      - {description: is done, examples: [that is all], next_state: bye}
      - {description: anything else, next_state: other}
  - name: day
    type: data_collection
    objective: The day.
    fields: [{key: day, type: date, label: day, ask_prompt: "Which day suits you?"}]
    on_complete: bye
  - name: other
    type: action
    objective: Explain.
    say_on_entry: I can help with appointments. Would you like one?
    exit_conditions:
      - {description: yes, answer: yes, next_state: day}
      - {description: no, next_state: bye}
  - {name: bye, type: action, objective: Goodbye., actions: [Say goodbye.], say_on_entry: Goodbye!}
"""


@pytest.fixture
async def models() -> AsyncIterator[ModelServer]:
    running = ModelServer()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def desk(talk_over: MakeTalk, models: ModelServer) -> Any:
    def make(*answers: Answer, **settings: Any) -> Talk:
        models.answers = list(answers)
        own = LanguageModelSettings(
            "test-model",
            base_url=models.url,
            api_key=SecretStr("key"),
            **{"first_token_timeout_s": 2.0, "total_timeout_s": 4.0, **settings},
        )
        talk: Talk = talk_over(GRAPH, reasoner=LanguageModelReasoner(own))
        return talk

    return make


def used_fallback(talk: Talk) -> bool:
    return bool(of_kind(talk.effects, Navigation)[-1].used_fallback)


async def test_a_model_chooses_the_exit_and_words_the_reply(desk: Any, models: ModelServer) -> None:
    talk = desk(server.says("Hi there! ", "What can I do for you?"))
    assert await talk.start() == "Hi there! What can I do for you?"
    models.answers = [server.chooses("exit:0"), server.says("Sure. Which day would you like?")]
    assert await talk.hear("my back hurts, could somebody look at it") == "Sure. Which day would you like?"
    assert talk.state == "day"
    navigation = of_kind(talk.effects, Navigation)[-1]
    assert (navigation.model, navigation.used_fallback, navigation.input_tokens) == ("test-model", False, 11)


def told(models: ModelServer) -> str:
    """The instructions of the newest request."""
    return str(models.requests[-1]["messages"][0]["content"])


async def test_a_model_is_told_how_the_caller_may_feel_and_not_to_say_so(
    desk: Any, models: ModelServer
) -> None:
    talk = desk(server.says("Hello."))
    await talk.start()
    await talk.send(Emotion("angry", -0.6, 0.9, {"empathy_tier": 2, "acknowledge": True}))
    models.answers = [server.chooses("exit:0"), server.says("Which day?")]
    await talk.hear("nobody ever calls me back")
    assert "may feel angry" in told(models)
    assert "Never name a feeling" in told(models)
    assert "takes their situation seriously" in told(models)


async def test_a_model_is_told_nothing_of_a_caller_who_is_even(desk: Any, models: ModelServer) -> None:
    talk = desk(server.says("Hello."))
    await talk.start()
    await talk.send(Emotion("neutral", 0.0, 0.4, {"empathy_tier": 0, "acknowledge": False}))
    models.answers = [server.chooses("exit:0"), server.says("Which day?")]
    await talk.hear("i need an appointment")
    assert "feel" not in told(models)


async def test_guidelines_of_the_risk_are_told_while_it_lasts(desk: Any, models: ModelServer) -> None:
    talk = desk(server.says("Hello."))
    await talk.start()
    for score, level, expected in ((55.0, "alert", True), (10.0, "normal", False)):
        await talk.send(RiskChanged(score, level))
        models.answers = [server.chooses("exit:2"), server.says("I see.")]
        await talk.hear("well it is complicated")
        assert ("Say plainly what you can do." in told(models)) == expected


async def test_sentences_are_said_before_the_reply_is_complete(desk: Any) -> None:
    gate = asyncio.Event()
    talk = desk(server.says("Good afternoon. And ", "welcome.", gate=gate), total_timeout_s=9.0)
    step = talk.conversation.step(Started(Caller(), Channel.VOICE, NOW))
    first = ""
    async for effect in step:
        if isinstance(effect, Say):
            first = effect.text
            break
    assert first == "Good afternoon."
    gate.set()
    assert said([effect async for effect in step]) == "And welcome."


async def test_a_model_sees_only_the_tools_of_the_state_and_their_results(
    desk: Any, models: ModelServer
) -> None:
    talk = desk(server.calls("insurance_on_file"), server.says("We have you with Aetna."))
    assert await talk.start() == "We have you with Aetna."
    offered = [tool["function"]["name"] for tool in models.requests[0]["tools"]]
    assert offered == ["insurance_on_file"]
    assert "Aetna" in str(models.requests[1]["messages"][-1])
    assert of_kind(talk.effects, ToolCompleted)[0].succeeded


@pytest.mark.parametrize(
    "bad",
    [
        server.calls("book", start="2026-11-27T09:00:00"),
        server.calls("insurance_on_file", nonsense=1),
        server.garbage(),
        server.fails(500),
        server.fails(401),
        server.says(""),
        server.says("Your appointment is at 7:45."),
    ],
    ids=["forbidden tool", "bad arguments", "garbage", "500", "401", "empty", "invented time"],
)
async def test_a_bad_reply_is_replaced_by_the_graphs_own_words(desk: Any, bad: Answer) -> None:
    talk = desk(bad)
    assert await talk.start() == "Hello. How can I help you?"
    assert used_fallback(talk)
    assert talk.calls.made == []


@pytest.mark.parametrize(
    "bad",
    [
        server.chooses("exit:9"),
        server.chooses("state:bye"),
        server.thinks("exit:0"),
        server.garbage(),
        server.fails(503),
    ],
    ids=["unknown exit", "made-up state", "no choice", "garbage", "503"],
)
async def test_a_bad_choice_is_made_by_the_embedded_reasoner(
    desk: Any, models: ModelServer, bad: Answer
) -> None:
    talk = desk(server.says("Hello."))
    await talk.start()
    models.answers = [bad, server.says("Which day?")]
    await talk.hear("i need an appointment")
    assert talk.state == "day"
    assert used_fallback(talk)


async def test_a_model_that_never_answers_costs_one_timeout(desk: Any) -> None:
    talk = desk(server.never(), first_token_timeout_s=0.05)
    assert await talk.start() == "Hello. How can I help you?"
    assert used_fallback(talk)


async def test_a_dead_server_is_no_problem(desk: Any, models: ModelServer) -> None:
    talk = desk(server.never())
    await models.stop()
    assert await talk.start() == "Hello. How can I help you?"


async def test_a_reply_that_breaks_off_still_asks_its_question(desk: Any) -> None:
    talk = desk(server.breaks_off("Good morning to you. And then"))
    assert await talk.start() == "Good morning to you. How can I help you?"
    assert used_fallback(talk)


async def test_a_failing_model_rests_and_is_tried_again(desk: Any, models: ModelServer) -> None:
    now = 0.0
    talk = desk(server.fails(500), failures_before_rest=2, rest_s=10.0, clock=lambda: now)
    await talk.start()
    await talk.hear("gibberish one")
    asked = len(models.requests)
    await talk.hear("gibberish two")
    assert len(models.requests) == asked
    now = 11.0
    models.answers = [server.chooses("exit:1"), server.says("Bye then.")]
    assert await talk.hear("that is all") == "Bye then."
    assert not used_fallback(talk)


async def test_fields_a_model_finds_go_through_the_grammar(desk: Any, models: ModelServer) -> None:
    talk = desk(server.says("Hello."))
    await talk.start()
    models.answers = [server.chooses("exit:0"), server.says("Which day?")]
    await talk.hear("an appointment")
    models.answers = [server.chooses("none", day="someday soon"), server.says("Which day?")]
    await talk.hear("hm well you know")
    assert talk.field("day") is None
    models.answers = [server.chooses("none", day="december first"), server.says("Bye.")]
    await talk.hear("the day after november ends")
    assert talk.field("day") == "2026-12-01"


async def test_read_backs_and_other_fixed_words_never_pass_through_a_model(
    desk: Any, models: ModelServer
) -> None:
    talk = desk(server.says("Hello."))
    await talk.start()
    before = len(models.requests)
    models.answers = [server.chooses("intent:repeat")]
    assert await talk.hear("what was that") == "Hello."
    assert len(models.requests) == before + 1


async def test_free_guidance_reaches_the_model_once(desk: Any, models: ModelServer) -> None:
    talk = desk(server.says("Hello."))
    await talk.start()
    await talk.send(External("be extra warm, she is nervous", kind="guidance"))
    models.answers = [server.chooses("exit:0"), server.says("Of course. Which day?")]
    await talk.send(Utterance("an appointment please"))
    assert "be extra warm" in str(models.requests[-1])
    models.answers = [server.chooses("none"), server.says("Sorry, which day?")]
    await talk.send(Utterance("you know what i mean"))
    assert "be extra warm" not in str(models.requests[-1])
