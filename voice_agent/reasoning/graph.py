"""A context graph: the states a conversation may be in and the ways between them, written as data.

YAML (or the same as JSON). Everything published keeps its name and meaning; ``facts``, ``intents``,
``phrases`` and the fields marked *ours* in ``parts.py`` and ``states.py`` serve the embedded reasoner. A
complete small graph::

    name: move_appointment
    description: Moves an appointment.
    new_user_initial_state: greet
    returning_user_initial_state: greet
    terminal_state: goodbye                  # an action state with exactly one action
    global_boundary_constraints: [Never give medical advice.]

    facts:                                   # constants for templates and conditions
      practice: {name: Maple Clinic, hours: Monday to Friday from 8 to 5}

    intents:                                 # possible at any time, whatever the state
      - name: hours
        description: asks when we are open
        examples: [what are your hours, when do you open]
        say: "We're open {practice.hours}."  # then back to the open question
      - name: new_card
        description: has a new insurance card
        examples: [i lost my insurance card, my insurance changed]
        next_state: take_card                # side trip: comes back to where it was
        returns: true

    states:
      - name: greet
        type: action
        objective: Learn what the caller needs.
        say_on_entry: "Hi, this is {practice.name}. How can I help you today?"
        prompts: ["You can say, for example, reschedule or cancel."]      # when nothing was understood
        turn_policy: {greeting_shield_s: 1.0}
        exit_conditions:
          - description: wants to move an appointment
            label: move an appointment
            examples: [i need to reschedule, can i push back my appointment]
            next_state: identify
            set: {wish: move}
          - description: anything else       # no examples, answer or when = catch-all; always last
            next_state: person

      - name: identify
        type: data_collection
        objective: Know who is calling and when they would like to come.
        fields:
          - {key: dob, type: date, label: date of birth, ask_prompt: "What's your date of birth?"}
          - key: day
            type: date
            label: new day
            ask_prompt: Which day would suit you?
            heard_as: ["to {}", "{} instead"]                             # "move it to Friday"
        on_complete: search

      - name: search
        type: tool_call
        designated_tool: {tool_id: find_slots, params: {day: "{day}", born: "{dob}"}}
        next_state: found
        on_failure: person

      - name: found
        type: decision
        objective: Is there anything free?
        exit_conditions:
          - {description: something is free, when: find_slots.slots.count > 0, next_state: choose}
          - {description: nothing is free, next_state: person}

      - name: choose
        type: data_collection
        objective: Let the caller pick.
        fields:
          - key: slot
            type: choice
            label: time
            options_from: find_slots.slots
            option_text: "{item.start|date} at {item.start|time}"
            say_options: "I have {options}. Which one works for you?"
        exit_conditions:
          - description: wants another day
            examples: [none of those, another day please, do you have anything else]
            clear: [day, slot]
            next_state: identify
        on_complete: goodbye

      - name: take_card
        type: data_collection
        objective: The new card's number.
        fields:
          - {key: member_id, type: alphanumeric, label: member ID, confirm: true,
             ask_prompt: "What's the member ID on your card?"}
        on_complete: return                  # reserved: the side trip is over

      - name: person
        type: action
        objective: A person takes over.
        actions: [Say that a person will help.]
        say_on_entry: Let me get someone who can help you.
        then: {escalate: caller needs a person}

      - name: goodbye
        type: action
        objective: Say goodbye.
        actions: [Say goodbye.]
        say_on_entry: "See you on {slot.start|date}. Goodbye!"

**Templates** (``templates.py``): ``{path}`` or ``{path|filter}``. A path begins with a field's key, a tool's
result (``find_slots.slots.0.start``), ``facts``' keys, ``caller.phone``, ``caller.<fact>``, ``now``,
``today``, ``emotion.valence``, ``event.message``, ``wish`` (anything ``set``). ``.count`` is the length of a
list. Filters: ``date``, ``time``, ``spell``, ``list``, ``upper``, ``lower``, ``title``. A sentence whose path
is unknown is not said; the next variant is taken.

**Conditions** (``conditions.py``): ``==  !=  <  <=  >  >=  in  and  or  not  ( )`` over paths, numbers,
quoted words, ``true``, ``false``, ``null`` and lists; an unknown path is ``null``. After a failed tool
``<result>.failed`` is true.

**Subgraphs**: ``references: {insurance: [graph_id, version]}`` or a whole graph in place of the pair. A
``next_state`` of ``[insurance.start, after]`` runs it and goes on at ``after``; an intent's
``next_state: insurance.start`` with ``returns: true`` comes back to the interrupted state.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from voice_agent.reasoning.parts import Intent, Part, Phrases, RiskGuideline
from voice_agent.reasoning.states import State, StateName

GraphReference = tuple[str, int]
"""Identifier and version of another graph."""


RiskLevelName = Literal["normal", "monitor", "alert", "escalate"]


class ContextGraph(Part):
    """One version of a context graph, checked for shape only; :func:`voice_agent.reasoning.validate.validate`
    checks its sense.

    Attributes:
        name: (ours) name of the graph, for pages and problems.
        facts: (ours) constants for templates and conditions.
        intents: (ours) what a caller may want at any time.
        entrances: (ours) states that are entered from outside the graph, by safety rules.
        phrases: (ours) replaces default sentences by name (``PhraseName`` in ``phrases.py``).
        risk_guidelines: (ours) what changes by level of risk (``monitor``, ``alert``, ``escalate``).
        references: other graphs by local name; pairs are resolved when the graph is linked.
    """

    name: str = "graph"
    description: str = ""
    topology_description: str | None = None
    states: Annotated[tuple[State, ...], Field(min_length=1, max_length=500)]
    new_user_initial_state: StateName
    returning_user_initial_state: StateName
    terminal_state: StateName
    global_intra_state_navigation_guidelines: tuple[str, ...] = ()
    global_action_guidelines: tuple[str, ...] = ()
    global_boundary_constraints: tuple[str, ...] = ()
    references: dict[str, GraphReference | ContextGraph] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)
    intents: tuple[Intent, ...] = ()
    entrances: tuple[StateName, ...] = ()
    phrases: dict[str, Phrases] = Field(default_factory=dict)
    risk_guidelines: dict[RiskLevelName, RiskGuideline] = Field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, State]:
        """The states by name (the last one wins where a name is used twice, which is a problem)."""
        return {state.name: state for state in self.states}
