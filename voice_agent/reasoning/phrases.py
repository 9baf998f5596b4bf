"""Sentences every conversation needs and no graph should have to write. A graph replaces any of them by
name."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class PhraseName(StrEnum):
    """Names of the sentences; variants are used in turn."""

    NOT_HEARD = "not_heard"
    """The recognizer does not trust its words."""
    NOT_UNDERSTOOD = "not_understood"
    """The words are clear, their meaning here is not."""
    ASK = "ask"
    """Question for a field without ``ask_prompt``; ``{label}``."""
    KEYPAD = "keypad"
    """Offered on the phone after a failure on digits or a date."""
    OFFER_PERSON = "offer_person"
    """After repeated failures; a yes brings a person."""
    PERSON = "person"
    PERSON_BLOCKED = "person_blocked"
    """Somebody asked for a person in a state that does not allow it yet."""
    CLARIFY = "clarify"
    """``{options}``."""
    ALSO_WISHED = "also_wished"
    """A wish named in the same breath as the one that is done now; ``{wish}``."""
    CONFIRM = "confirm"
    """``{value}``."""
    READ_BACK = "read_back"
    """``{value}``."""
    ACKNOWLEDGED = "acknowledged"
    """Before the next question."""
    PARTIAL = "partial"
    """Some digits came, more are needed; ``{value}``."""
    CORRECTED = "corrected"
    """``{value}``."""
    SORRY_AGAIN = "sorry_again"
    """The caller said a read-back is wrong without saying what is right."""
    WHICH_DATE = "which_date"
    """``{options}``."""
    WHICH_OF_DAYS = "which_of_days"
    """A week or the like was said; ``{first}`` and ``{last}`` of its days."""
    OPTIONS = "options"
    """``{options}``."""
    HOLD_ON = "hold_on"
    SLOWER = "slower"
    START_OVER = "start_over"
    SILENCE = "silence"
    SILENCE_END = "silence_end"
    WORKING = "working"
    PROGRESS = "progress"
    STILL_WORKING = "still_working"
    """The caller speaks while a tool is running."""
    TOOL_FAILED = "tool_failed"
    HANDED_BACK = "handed_back"
    OPERATOR_LOST = "operator_lost"
    """The connection of the person who spoke with the caller broke off."""
    NOT_REACHED = "not_reached"
    """Nobody came, or a transfer was not answered."""
    GO_ON = "go_on"
    """Back from a side trip."""
    WAITING = "waiting"
    """The state waits for a form or an approval."""
    GUIDED_ASK = "guided_ask"
    """An operator wants something asked; ``{text}``."""
    GUIDED_OFFER = "guided_offer"
    """An operator wants something offered; ``{text}``."""
    EMPATHY_FRUSTRATION = "empathy_frustration"
    EMPATHY_WORRY = "empathy_worry"
    EMPATHY_SADNESS = "empathy_sadness"
    NOTED = "noted"
    """The caller took what an operator had offered."""
    HELP = "help"
    """The question of a state that has no words of its own."""
    GOODBYE = "goodbye"
    LOST = "lost"
    """Nothing else is left to say: a fixed safe sentence."""


DEFAULT_PHRASES: Mapping[PhraseName, tuple[str, ...]] = {
    PhraseName.NOT_HEARD: (
        "Sorry, I didn't catch that.",
        "I'm sorry, I couldn't quite hear you.",
        "I still can't hear you clearly, I'm sorry.",
    ),
    PhraseName.NOT_UNDERSTOOD: (
        "Sorry, I didn't get that.",
        "I'm sorry, I'm not sure I follow.",
        "I'm having trouble understanding, I'm sorry.",
    ),
    PhraseName.ASK: ("What's your {label}?",),
    PhraseName.KEYPAD: ("You can also type it on your phone's keypad.",),
    PhraseName.OFFER_PERSON: ("Would you like me to get someone to help you?",),
    PhraseName.PERSON: ("Of course. Let me get someone for you.",),
    PhraseName.PERSON_BLOCKED: ("I'm here with you, and I can help with this right now.",),
    PhraseName.CLARIFY: ("Did you want to {options}?",),
    PhraseName.ALSO_WISHED: ("You also wanted to {wish}. Shall we do that now?",),
    PhraseName.CONFIRM: ("I have {value}. Is that right?", "So that's {value}. Is that correct?"),
    PhraseName.READ_BACK: ("I have {value}.",),
    PhraseName.ACKNOWLEDGED: ("Thank you.", "Got it.", "Okay."),
    PhraseName.PARTIAL: ("I have {value} so far. What comes next?",),
    PhraseName.NOTED: ("Great, I've made a note of that.",),
    PhraseName.HELP: ("How can I help you?",),
    PhraseName.CORRECTED: ("Okay, {value}.",),
    PhraseName.SORRY_AGAIN: ("Sorry about that. Let's try again.",),
    PhraseName.WHICH_DATE: ("Did you mean {options}?",),
    PhraseName.WHICH_OF_DAYS: ("Which day would you like, from {first} to {last}?",),
    PhraseName.OPTIONS: ("I have {options}. Which one would you like?",),
    PhraseName.HOLD_ON: ("Of course, take your time.",),
    PhraseName.SLOWER: ("Sure, I'll slow down.",),
    PhraseName.START_OVER: ("Okay, let's start over.",),
    PhraseName.SILENCE: ("Are you still there?", "I'm still here whenever you're ready."),
    PhraseName.SILENCE_END: (
        "I can't hear you, so I'll end the call here. Please call us back any time. Goodbye.",
    ),
    PhraseName.WORKING: ("Let me check on that.", "One moment, please."),
    PhraseName.PROGRESS: (
        "I'm still checking, thanks for waiting.",
        "This is taking a little longer than usual.",
    ),
    PhraseName.STILL_WORKING: ("I'm still working on that, one moment.",),
    PhraseName.TOOL_FAILED: ("I'm sorry, I couldn't get that done just now.",),
    PhraseName.HANDED_BACK: ("I'm back on the line with you.",),
    PhraseName.OPERATOR_LOST: (
        "I'm sorry, the connection to my colleague was lost. I'm back on the line with you.",
    ),
    PhraseName.NOT_REACHED: ("I'm sorry, I couldn't reach anyone just now, but I'm still here to help.",),
    PhraseName.GO_ON: ("Now, back to where we were.",),
    PhraseName.WAITING: ("I'm still waiting for that to come through.",),
    PhraseName.GUIDED_ASK: ("Could you tell me {text}?",),
    PhraseName.GUIDED_OFFER: ("I can also offer you {text}. Would you like that?",),
    PhraseName.EMPATHY_FRUSTRATION: (
        "I'm sorry for the trouble.",
        "I want to get this sorted out for you.",
    ),
    PhraseName.EMPATHY_WORRY: ("I'm here to help, and we'll take this one step at a time.",),
    PhraseName.EMPATHY_SADNESS: ("Thank you for telling me. I'm here to help.",),
    PhraseName.GOODBYE: ("Thanks for calling. Goodbye.",),
    PhraseName.LOST: ("I'm sorry, something went wrong on my side. Let me get someone to help you.",),
}
