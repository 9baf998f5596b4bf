"""What was heard, by the marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.call.ledger import AgentUtterance, PlaybackLedger, UtteranceStatus


def ledger_with(*utterances: AgentUtterance) -> tuple[PlaybackLedger, list[AgentUtterance]]:
    over: list[AgentUtterance] = []
    ledger = PlaybackLedger(over.append)
    for utterance in utterances:
        ledger.begin(utterance)
    return ledger, over


def test_sentence_is_heard_when_its_last_mark_is_back() -> None:
    one = AgentUtterance("a1", "One two three.", sent=8000, total=8000)
    ledger, over = ledger_with(one)
    ledger.acknowledge("a1:4000")
    assert not over
    ledger.acknowledge("a1:8000")
    assert over == [one]
    assert one.split() == ("One two three.", "")


def test_stopped_sentence_is_cut_between_words_where_the_marks_ended() -> None:
    one = AgentUtterance("a1", "alpha beta gamma delta", sent=8000, total=8000)
    ledger, _ = ledger_with(one)
    ledger.acknowledge("a1:4000")
    ledger.stop()
    assert one.split() == ("alpha beta", "gamma delta")


def test_marks_returned_by_a_clear_count_for_nothing() -> None:
    one = AgentUtterance("a1", "alpha beta", sent=8000, total=8000)
    ledger, _ = ledger_with(one)
    ledger.stop()
    assert ledger.acknowledge("a1:8000") is None
    assert one.split() == ("", "alpha beta")
    assert one.status is UtteranceStatus.STOPPED


def test_protected_sentence_survives_a_stop_and_falls_to_a_takeover() -> None:
    one = AgentUtterance("a1", "Dial 911.", interruptible=False)
    two = AgentUtterance("a2", "Anything else?")
    ledger, _ = ledger_with(one, two)
    assert ledger.stop() == [two]
    assert ledger.open == [one]
    assert ledger.stop(protected=True) == [one]


def test_lost_mark_of_an_earlier_sentence_is_made_good_by_a_later_one() -> None:
    one = AgentUtterance("a1", "First.", sent=800, total=800)
    two = AgentUtterance("a2", "Second.", sent=800)
    ledger, over = ledger_with(one, two)
    ledger.acknowledge("a2:400")
    assert over == [one]
    assert one.status is UtteranceStatus.PLAYED


@given(st.text(max_size=40))
def test_foreign_marks_are_ignored(name: str) -> None:
    ledger, over = ledger_with(AgentUtterance("a1", "Hello.", sent=800))
    ledger.acknowledge(name)
    assert not over


@given(st.text(alphabet="abc ,.", min_size=1, max_size=80), st.integers(0, 20_000))
def test_heard_and_unheard_together_are_the_sentence(text: str, played: int) -> None:
    utterance = AgentUtterance("a1", text, sent=20_000, total=20_000, played=played)
    heard, unheard = utterance.split()
    assert f"{heard} {unheard}".split() == text.split()
