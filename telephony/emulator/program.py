"""The TwiML interpreter of one leg: a program counter, one method per verb, relative URLs, and the end.

A document runs verb by verb. `<Redirect>`, an `action` or a REST update replace it; when it runs out the call
is hung up. A verb method returns the next document, or None to go on with the next verb.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from .audio_documents import FOREVER, fetched_audio, rendered_verb, repeats
from .clock import first_of
from .conference import JoinRefused
from .conference_callbacks import ConferenceCallbackOrder
from .dialing import dial_parties
from .errors import WebhookFailed
from .events import EventKind
from .gather import gather
from .leg import CallStatus, Leg, TooManyStreams
from .participant import Membership
from .recordings import RecordingOrder, RecordingSource
from .sources import Clip, Loop, Quiet
from .stream_order import StreamKind, StreamOrder
from .tones import PLAY_HZ, tone_ulaw
from .twiml import Document, Element
from .twiml_schema import CONFERENCE_EVENTS
from .webhook import Target

if TYPE_CHECKING:
    from .exchange import Exchange

Fields = list[tuple[str, str]]

STREAM_REFUSED = 20001  # no code of its own is published for "no room for another stream"
MAX_DOCUMENTS = 1000  # a redirect loop ends here
APPLICATION_ERROR_SECONDS = 3.0


class HangUp(Exception):
    """A verb ended the call."""


class Program:
    """Executes TwiML on a leg."""

    def __init__(self, leg: Leg, exchange: Exchange) -> None:
        self.leg = leg
        self.exchange = exchange
        self.services = exchange.services

    async def run(self, document: Document) -> None:
        """Execute a document and all that follow from it. Returns when the call is to be hung up."""
        try:
            for _ in range(MAX_DOCUMENTS):
                following = await self._execute(document)
                if following is None:
                    return
                document = following
            self.services.log.violate(
                12200, f"more than {MAX_DOCUMENTS} documents: a redirect loop", self.leg.sid
            )
        except HangUp:
            return
        except WebhookFailed:
            await self.application_error()

    async def application_error(self) -> None:
        """Tell the caller that the application failed; the call ends after it."""
        self.answer()
        await self.leg.play(Clip(tone_ulaw(APPLICATION_ERROR_SECONDS, PLAY_HZ)))

    def answer(self) -> None:
        """Pick up an inbound call that still rings."""
        if self.leg.status is CallStatus.RINGING:
            self.leg.become(CallStatus.IN_PROGRESS)

    async def fetch(self, url: str, method: str, fields: Fields, base_url: str) -> Document:
        """Ask for the next document. Raises WebhookFailed."""
        target = Target(url, method).resolved(base_url)
        return await self.services.webhooks.ask_for_twiml(target, [*self.leg.fields(), *fields], self.leg.sid)

    async def _execute(self, document: Document) -> Document | None:
        for verb in document.verbs:
            if self.leg.status.terminal:
                raise HangUp
            self.services.log.record(EventKind.VERB_STARTED, self.leg.sid, verb=verb.name)
            if verb.name == "Reject":
                self._reject(verb)
            if not (verb.name == "Dial" and verb.flag("answerOnBridge", False)):
                self.answer()
            following = await self._verb(verb, document)
            if following is not None:
                return following
        self.answer()
        return None

    async def _verb(self, verb: Element, document: Document) -> Document | None:
        name = verb.name
        if name in ("Say", "Play", "Pause"):
            await self.sound(verb, document.url)
            return None
        if name == "Redirect":
            return await self.fetch(verb.text, verb.get("method", "POST"), [], document.url)
        if name == "Hangup":
            raise HangUp
        if name == "Connect":
            return await self._connect(verb, document)
        if name == "Start":
            self._start(verb, document)
        if name == "Stop":
            self._stop(verb)
        if name == "Dial":
            return await self._dial(verb, document)
        if name == "Gather":
            return await gather(self, verb, document)
        return None

    async def sound(self, verb: Element, base_url: str) -> None:
        """Play one `<Say>`, `<Play>` or `<Pause>` to its end."""
        if verb.name == "Pause":
            await self.leg.play(Quiet(verb.number("length", 1)))
            return
        audio = await rendered_verb(verb, base_url, self.services, self.leg.sid)
        if not audio:
            return
        times = repeats(verb)
        if times == FOREVER:
            await self.leg.play(Loop(audio.ljust(160, b"\xff")))
            return
        for _ in range(times):
            await self.leg.play(Clip(audio))

    def _reject(self, verb: Element) -> None:
        busy = verb.get("reason", "rejected") == "busy"
        self.exchange.end(self.leg, CallStatus.BUSY if busy else CallStatus.NO_ANSWER)
        raise HangUp

    # --- streams and recordings ------------------------------------------------------------------

    async def _connect(self, verb: Element, document: Document) -> Document | None:
        if verb.children:
            order = _stream_order(verb.children[0], document.url, StreamKind.CONNECT)
            try:
                stream = self.leg.add_stream(order)
            except TooManyStreams as refused:
                self.services.log.violate(STREAM_REFUSED, str(refused), self.leg.sid)
            else:
                try:
                    if await stream.open():
                        self.leg.play(stream)
                        await asyncio.shield(stream.ended)
                finally:
                    stream.stop()
                    self.leg.stop_playing()
        if action := verb.get("action"):
            return await self.fetch(action, verb.get("method", "POST"), [], document.url)
        return None

    def _start(self, verb: Element, document: Document) -> None:
        for noun in verb.children:
            if noun.name == "Recording":
                self.exchange.record_leg(self.leg, _recording_order(noun, document.url))
                continue
            order = _stream_order(noun, document.url, StreamKind.TAP)
            try:
                stream = self.leg.add_stream(order)
            except TooManyStreams as refused:
                self.services.log.violate(STREAM_REFUSED, str(refused), self.leg.sid)
                continue
            self.exchange.open_in_background(stream)

    def _stop(self, verb: Element) -> None:
        for noun in verb.children:
            if noun.name == "Recording":
                if self.leg.recordings:
                    self.leg.recordings[-1].stop()
                continue
            stream = self.leg.find_stream(noun.get("name"))
            if stream is None:
                self.services.log.violate(
                    12200, f"<Stop><Stream> names no active stream: {noun.get('name')!r}", self.leg.sid
                )
            else:
                stream.stop()

    # --- dial ------------------------------------------------------------------------------------

    async def _dial(self, verb: Element, document: Document) -> Document | None:
        action = verb.get("action")
        target = Target(action, verb.get("method", "POST")).resolved(document.url) if action else None
        conference = next((c for c in verb.children if c.name == "Conference"), None)
        if target is not None:
            self.leg.action_after_hang_up = (
                target,
                [("DialCallStatus", "answered" if conference else "completed")],
            )
        try:
            if conference is not None:
                fields = await self._dial_conference(verb, conference, document)
            else:
                fields = await dial_parties(self, verb, document)
        finally:
            self.leg.action_after_hang_up = None
        if target is None:
            return None
        return await self.fetch(target.url, target.method, fields, document.url)

    async def _dial_conference(self, dial: Element, noun: Element, document: Document) -> Fields:
        try:
            terms = await self._membership(noun, document.url)
            participant = self.exchange.join(self.leg, noun.text, terms, by_rest=False)
        except (JoinRefused, WebhookFailed):
            return [("DialCallStatus", "failed")]
        joined = self.services.clock.monotonic()

        def on_key(key: str) -> None:
            if key == "*":
                self.exchange.kick(participant)

        forget = self.leg.listen_for_digits(on_key) if dial.flag("hangupOnStar", False) else None
        limit = asyncio.ensure_future(
            self.services.clock.sleep_until(joined + dial.number("timeLimit", 14400))
        )
        try:
            await first_of(participant.left, limit)
            if not participant.left.done():
                self.exchange.kick(participant)
        finally:
            limit.cancel()
            if forget is not None:
                forget()
        seconds = round(self.services.clock.monotonic() - joined)
        return [("DialCallStatus", "answered"), ("DialCallDuration", str(seconds))]

    async def _membership(self, noun: Element, base_url: str) -> Membership:
        wait_audio: bytes | None = None
        if "waitUrl" in noun.attributes:
            wait_url = noun.get("waitUrl")
            wait_audio = b""
            if wait_url:
                wait_audio = await fetched_audio(
                    urljoin(base_url, wait_url),
                    noun.get("waitMethod", "GET"),
                    self.leg.fields(),
                    self.services,
                    self.leg.sid,
                )
        callback = noun.get("statusCallback")
        recording = None
        if noun.get("record") == "record-from-start":
            recording = _recording_order(noun, base_url, RecordingSource.CONFERENCE)
        return Membership(
            label=noun.get("participantLabel"),
            muted=noun.flag("muted", False),
            beep=noun.get("beep", "true"),
            start_on_enter=noun.flag("startConferenceOnEnter", True),
            end_on_exit=noun.flag("endConferenceOnExit", False),
            coaching=bool(noun.get("coach")),
            call_sid_to_coach=noun.get("coach"),
            jitter_buffer=noun.get("jitterBufferSize", "large"),
            wait_audio=wait_audio,
            max_participants=noun.number("maxParticipants", 250),
            callbacks=ConferenceCallbackOrder(
                urljoin(base_url, callback) if callback else "",
                noun.get("statusCallbackMethod", "POST"),
                tuple(w for w in CONFERENCE_EVENTS if w in noun.words("statusCallbackEvent")),
            ),
            recording=recording,
            region=noun.get("region"),
        )


def _stream_order(noun: Element, base_url: str, kind: StreamKind) -> StreamOrder:
    callback = noun.get("statusCallback")
    url = noun.get("url")
    if "://" not in url:
        secure, rest = base_url.startswith("https"), urljoin(base_url, url).partition("://")[2]
        url = f"{'wss' if secure else 'ws'}://{rest}"
    return StreamOrder(
        url=url,
        kind=kind,
        name=noun.get("name"),
        track="inbound_track" if kind is StreamKind.CONNECT else noun.get("track", "inbound_track"),
        status_callback=urljoin(base_url, callback) if callback else "",
        status_callback_method=noun.get("statusCallbackMethod", "POST"),
        parameters=noun.parameters(),
    )


def _recording_order(
    noun: Element, base_url: str, source: RecordingSource = RecordingSource.API
) -> RecordingOrder:
    callback = noun.get("recordingStatusCallback")
    trim_default = "trim-silence" if source is RecordingSource.CONFERENCE else "do-not-trim"
    return RecordingOrder(
        source=source,
        channels=2 if noun.get("channels") == "dual" else 1,
        track=noun.get("track", "both"),
        trim=noun.get("trim", trim_default) == "trim-silence",
        status_callback=urljoin(base_url, callback) if callback else "",
        status_callback_method=noun.get("recordingStatusCallbackMethod", "POST"),
        status_callback_events=noun.words("recordingStatusCallbackEvent", "completed"),
    )
