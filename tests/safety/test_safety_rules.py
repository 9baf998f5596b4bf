"""Documents of safety rules: what they give, and what is said of those that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.safety.errors import SafetyRulesError
from voice_agent.safety.loader import load_rules, read_rules
from voice_agent.safety.monitor import Rulebook, SafetyMonitor
from voice_agent.safety.rules import Level


def problem(document: str) -> str:
    with pytest.raises(SafetyRulesError) as refused:
        read_rules(document, name="safety.yaml")
    return str(refused.value)


def test_the_standard_rules_listen_for_more_than_a_dozen_things() -> None:
    rules = load_rules()
    assert len(rules.concepts) >= 16
    assert {"chest_pain", "suicide_risk", "domestic_violence", "adverse_drug_reaction"} <= {
        concept.name for concept in rules.concepts
    }
    assert all(rules.response(c.response).say for c in rules.concepts if c.level is Level.ACUTE)


def test_every_regulation_names_its_basis() -> None:
    bases = {c.name: c.escalation.regulatory_basis for c in load_rules().concepts if "regulation" in c.tags}
    assert set(bases) == {"suicide_risk", "domestic_violence", "adverse_drug_reaction"}
    assert all(bases.values())


def test_a_service_says_it_in_its_own_words_and_keeps_the_rest() -> None:
    rules = read_rules("template_ids: [standard]\nresponses:\n  emergency: {say: Call 112.}\n")
    assert rules.response("emergency").say == "Call 112."
    assert rules.response("emergency").next_state == "emergency"


def test_a_concept_of_the_same_name_is_passed_over_unless_it_overrides() -> None:
    own = "template_ids: [doctors_line]\nconcepts: [{name: stroke, description: mine}]\n"
    described = {c.name: c.description for c in read_rules(own).concepts}
    assert described["stroke"] != "mine"
    described = {c.name: c.description for c in read_rules(own + "override_existing: true\n").concepts}
    assert described["stroke"] == "mine"


def test_a_concept_without_patterns_is_found_by_its_description_and_examples() -> None:
    rules = read_rules(
        "concepts: [{name: leak, description: gas leak, examples: [i smell gas in the kitchen]}]"
    )
    judged = SafetyMonitor(Rulebook(rules)).assess("i smell gas in the kitchen")
    assert [found.concept.name for found in judged.findings] == ["leak"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("concepts:\n  - name: a\n", "line 2: concepts[0].description: 'description' is missing"),
        ("concepts:\n  - {name: a, description: b, tresholds: 1}\n", "'tresholds' is not a field here"),
        ("concepts:\n  - {name: a, description: b, treshold: 0.5}\n", "did you mean 'threshold'?"),
        ("concepts:\n  - {name: a, description: b, threshold: 0.9}\n", "above standalone_threshold"),
        (
            "concepts:\n  - name: a\n    description: b\n    acute:\n      - x <y>\n",
            "line 5: concepts[0].acute[0]: <y> is no set of words",
        ),
        ("template_ids: [standart]\n", "line 1: template_ids[0]: 'standart' is no template"),
        ("concepts:\n  - {name: a, description: b, response: c}\n", "'c' is no response"),
        ("concepts:\n  - {name: a, description: b, level: grave}\n", "grave"),
        (
            "hard_escalation_rules:\n  - {name: a, detection: intent, operator_type: clinical, reason: r}\n",
            "needs 'intent_patterns'",
        ),
        (
            "hard_escalation_rules:\n  - {name: a, detection: state, states: [b], operator_type: clinical,"
            " reason: r, immediate: true}\n",
            "the caller would hear silence; give it a 'response'",
        ),
        ("behaviors:\n  - {name: a, trigger: {states: [b]}, action: {}}\n", "an action that does nothing"),
        ("behaviors:\n  - {name: a, trigger: {}, action: {instruction: b}}\n", "would apply always"),
        ("- a\n", "the document is a list"),
        ("a: [", "not YAML"),
        ("", "empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_a_remedy(document: str, says: str) -> None:
    assert says in problem(document)


NAMING_STATES = """
responses: {stay: {say: Stay with me., next_state: %s}}
hard_escalation_rules:
  - {name: complaint, detection: state, states: [%s], operator_type: clinical, reason: r}
behaviors:
  - {name: slow, trigger: {states: [%s]}, action: {instruction: x}}
"""


@pytest.mark.parametrize(
    ("states", "says"),
    [
        (
            ("bookng", "help", "help"),
            "line 2: responses.stay.next_state: the response 'stay' speaks of 'bookng'",
        ),
        (
            ("help", "helpp", "help"),
            "line 4: hard_escalation_rules[0].states[0]: the rule 'complaint' speaks of",
        ),
        (
            ("help", "help", "x"),
            "the behavior 'slow' speaks of 'x', which is no state of the graph (use one of",
        ),
    ],
)
def test_a_state_that_the_graph_does_not_have_is_refused(states: tuple[str, ...], says: str) -> None:
    document = NAMING_STATES % states
    with pytest.raises(SafetyRulesError) as refused:
        read_rules(document, states=("booking", "help"))
    assert says in str(refused.value)
    assert read_rules(document).behaviors  # which graph it is for, nobody has said


def test_the_states_of_a_template_are_for_graphs_that_have_them() -> None:
    assert read_rules("template_ids: [standard]", states=("booking",)).concepts


@given(st.text(max_size=200))
def test_any_document_is_read_or_refused(document: str) -> None:
    told = ""
    try:
        read_rules(document)
    except SafetyRulesError as refused:
        told = str(refused)
    assert told == "" or told.startswith("the safety rules cannot be used:")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"nothing\.yaml"):
        load_rules(tmp_path / "nothing.yaml")
