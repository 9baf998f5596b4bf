"""What is learnt from a caller: the fields of data collection states."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from models.expectation import AnswerKind
from voice_agent.reasoning.parts import Part, Phrases, as_list


class FieldType(StrEnum):
    """Types of a collected field."""

    TEXT = "text"
    NAME = "name"
    DATE = "date"
    TIME = "time"
    PHONE = "phone"
    DIGITS = "digits"
    ALPHANUMERIC = "alphanumeric"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


_TYPE_SPELLINGS = {
    "string": "text", "str": "text", "textarea": "text", "email": "text", "select": "choice",
    "enum": "choice",
    "bool": "boolean", "yes_no": "boolean", "tel": "phone", "integer": "number", "int": "number",
    "float": "number",
}  # fmt: skip

_KIND_OF_TYPE = {
    FieldType.TEXT: AnswerKind.FREE,
    FieldType.NAME: AnswerKind.NAME,
    FieldType.DATE: AnswerKind.DATE,
    FieldType.TIME: AnswerKind.TIME,
    FieldType.PHONE: AnswerKind.DIGITS,
    FieldType.DIGITS: AnswerKind.DIGITS,
    FieldType.ALPHANUMERIC: AnswerKind.ALPHANUMERIC,
    FieldType.NUMBER: AnswerKind.DIGITS,
    FieldType.BOOLEAN: AnswerKind.YES_NO,
    FieldType.CHOICE: AnswerKind.PHRASES,
}


SPELLED = frozenset({FieldType.DIGITS, FieldType.ALPHANUMERIC, FieldType.PHONE})
"""Types said character by character."""
PHONE_DIGITS = 10
"""Of a phone number without its country's code."""


class CollectionField(Part):
    """One thing to learn from the caller.

    Published: ``key, type, label, required, options, validation`` (a regular expression on the value as
    text), ``ask_prompt, fhir_path``. The rest is ours:

    Attributes:
        key: name of the value in templates, conditions and tool arguments; shared by all states of the graph.
        ask_again: further wordings, used after a failure.
        expect: form of the answer when the type does not say it.
        digits: number of digits or characters when it is known.
        purpose: which dates make sense; ``birth`` lies in the past. Derived from key and label when left out.
        read_back: repeat what was understood: True, or a template with ``{value}``.
        confirm: read back and wait for a yes before going on.
        when: asked only while this condition holds.
        heard_as: how callers volunteer it, ``{}`` for the value: "my {} appointment", "move it to {}". Needed
            to pick a value out of a longer remark when a bare one could mean something else.
        options_from: path of a list in a tool's result ("find_slots.slots"); the value becomes the chosen
            item.
        option_text: how an item of the list is said, with ``{item}``: "{item.start|date} at
            {item.start|time}".
        say_options: the question that offers a list, with ``{options}``.
        keyterms: names and terms for the recognizer.
    """

    key: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    type: Annotated[
        FieldType,
        BeforeValidator(lambda value: _TYPE_SPELLINGS.get(value, value) if isinstance(value, str) else value),
    ]
    label: str
    required: bool = True
    options: Annotated[tuple[str, ...], BeforeValidator(as_list)] | None = None
    validation: str | None = None
    ask_prompt: str | None = None
    fhir_path: str | None = None
    ask_again: Phrases = ()
    expect: AnswerKind | None = None
    digits: Annotated[int, Field(ge=1, le=40)] | None = None
    purpose: Literal["birth", "appointment"] | None = None
    read_back: bool | str = False
    confirm: bool = False
    when: str | None = None
    heard_as: Phrases = ()
    options_from: str | None = None
    option_text: str = "{item}"
    say_options: Phrases = ()
    keyterms: Phrases = ()

    @property
    def kind(self) -> AnswerKind:
        """Form of the answer."""
        return self.expect or _KIND_OF_TYPE[self.type]

    @property
    def date_purpose(self) -> Literal["birth", "appointment"]:
        """Which dates make sense for a date field."""
        if self.purpose is not None:
            return self.purpose
        words = f"{self.key} {self.label}".lower()
        return "birth" if "birth" in words or "dob" in words else "appointment"


def field_length(field: CollectionField) -> int | None:
    """Characters of a value where that is known."""
    return PHONE_DIGITS if field.type is FieldType.PHONE and field.digits is None else field.digits
