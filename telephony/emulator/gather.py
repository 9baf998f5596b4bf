"""`<Gather>`: keys and scripted speech results while nested prompts play."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .clock import first_of, within
from .errors import ReplyTimeout
from .phones import PhoneCall
from .twiml import Document, Element

if TYPE_CHECKING:
    from .program import Program


async def gather(program: Program, verb: Element, document: Document) -> Document | None:
    """Collect input; returns the action's document, or None to go on when nothing came in."""
    digits, spoken = await _Collection(program, verb, document).run()
    fields: list[tuple[str, str]] = []
    if digits:
        fields.append(("Digits", digits))
    elif spoken is not None:
        fields += [("SpeechResult", spoken[0]), ("Confidence", str(spoken[1]))]
    elif not verb.flag("actionOnEmptyResult", False):
        return None
    url = verb.get("action") or document.url
    return await program.fetch(url, verb.get("method", "POST"), fields, document.url)


class _Collection:
    """One run of the verb: prompts play, keys and words come in, silence ends it."""

    def __init__(self, program: Program, verb: Element, document: Document) -> None:
        self._program = program
        self._verb = verb
        self._base_url = document.url
        self._digits = ""
        self._changed = asyncio.Event()
        self._complete = False
        self._spoken: tuple[str, float] | None = None

    async def run(self) -> tuple[str, tuple[str, float] | None]:
        """The keys without the finish key, and the scripted recognition result if one came first."""
        leg, inputs = self._program.leg, self._verb.words("input", "dtmf")
        forget = leg.listen_for_digits(self._key) if "dtmf" in inputs else None
        phone = leg.far
        hearing = (
            asyncio.ensure_future(self._hear(phone))
            if "speech" in inputs and isinstance(phone, PhoneCall)
            else None
        )
        speaking = asyncio.ensure_future(self._prompts())
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await first_of(speaking, changed)
            if not self._verb.flag("bargeIn", True):
                await first_of(speaking)
            speaking.cancel()
            leg.stop_playing()
            await self._until_quiet()
        finally:
            for task in (speaking, changed, hearing):
                if task is not None:
                    task.cancel()
            leg.stop_playing()
            if forget is not None:
                forget()
        return self._digits, self._spoken

    async def _until_quiet(self) -> None:
        clock, timeout = self._program.services.clock, self._verb.number("timeout", 5)
        while not self._complete:
            self._changed.clear()
            try:
                await within(clock, timeout, self._changed.wait())
            except ReplyTimeout:
                return

    async def _prompts(self) -> None:
        for prompt in self._verb.children:
            await self._program.sound(prompt, self._base_url)

    async def _hear(self, phone: PhoneCall) -> None:
        self._spoken = await phone.recognised()
        self._complete = True
        self._changed.set()

    def _key(self, key: str) -> None:
        if self._complete:
            return
        if key == self._verb.get("finishOnKey", "#"):
            self._complete = True
        else:
            self._digits += key
            self._complete = len(self._digits) == self._verb.number("numDigits", 0)
        self._changed.set()
