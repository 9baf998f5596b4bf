"""Participants: add a leg to a conference, mute, hold, coach, announce to, and remove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .audio_documents import fetched_audio
from .clock import first_of
from .conference import Conference, ConferenceStatus, JoinRefused
from .conference_callbacks import ConferenceCallbackOrder
from .errors import WebhookFailed
from .exchange import Exchange
from .identifiers import APP, is_sid, rfc2822, split_address
from .leg import CallStatus, Direction, Leg, Progress
from .origination import Fields, OutboundPlan, originate
from .participant import Membership, Participant
from .recordings import RecordingOrder, RecordingSource
from .rest import API, Json, RestReply, RestRequest, Route, not_found, page
from .rest_calls import (
    BAD_APPLICATION,
    checked_addresses,
    machine_order,
    recording_order,
    refuse_when_full,
)
from .rest_conferences import find as find_conference
from .rest_params import CREATE_PARTICIPANT, UPDATE_PARTICIPANT, Form, RestError, checked
from .twiml import Document
from .webhook import Target, query_pairs

_STATUS = {
    CallStatus.QUEUED: "queued",
    CallStatus.INITIATED: "connecting",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "connected",
    CallStatus.COMPLETED: "complete",
}


@dataclass
class Invited:
    """A participant that was created by REST and is not in the conference yet."""

    leg: Leg
    terms: Membership


class Participants:
    """The Participants resource; it keeps those that are still on their way in."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._invited: dict[str, list[Invited]] = {}

    def routes(self) -> list[Route]:
        """The routes of this resource."""
        base = "/Conferences/{conference}/Participants"
        return [
            Route("POST", f"{base}.json", self.create),
            Route("GET", f"{base}.json", self.listing),
            Route("GET", base + "/{who}.json", self.fetch),
            Route("POST", base + "/{who}.json", self.update),
            Route("DELETE", base + "/{who}.json", self.remove),
        ]

    # --- create ----------------------------------------------------------------------------------

    def create(self, request: RestRequest, conference: str) -> RestReply:
        """`POST /Conferences/{name or sid}/Participants.json`."""
        exchange = self._exchange
        form = checked(request.form, CREATE_PARTICIPANT, exchange.services.log, "Participants create")
        to, from_ = checked_addresses(exchange, form, app_allowed=True)
        if form.flag("Coaching", False) and "CallSidToCoach" not in form:
            raise RestError(400, 20001, "Coaching needs CallSidToCoach")
        refuse_when_full(exchange)
        room = self._room(conference)
        base, query = split_address(to)
        application = self._application(base)
        leg = Leg(
            exchange.services,
            Direction.OUTBOUND_API,
            base,
            form.get("CallerId") or from_,
            progress=Progress(
                form.get("StatusCallback"),
                form.get("StatusCallbackMethod", "POST"),
                form.words("StatusCallbackEvent", ("completed",)),
            ),
            application_sid=base.removeprefix("app:") if application else "",
            extra_fields=tuple(query_pairs(query)),
            time_limit_s=form.number("TimeLimit", 14400),
        )
        invited = Invited(leg, _membership(form, exchange))
        self._invited.setdefault(room.sid, []).append(invited)
        record = None
        if form.flag("Record", False):
            record = recording_order(exchange, form, RecordingSource.OUTBOUND_API, "trim-silence")

        async def on_answer(leg: Leg, _: Fields, document: Document | None) -> None:
            await self._enter(room, invited, form, document)

        def on_failure(leg: Leg) -> None:
            self._forget(room, invited)
            room.add_failed(leg, invited.terms)

        originate(
            exchange,
            leg,
            OutboundPlan(
                on_answer,
                on_failure,
                application=application,
                timeout_s=form.number("Timeout", 60),
                machine=machine_order(form, participant=True),
                record=record,
            ),
        )
        leg.ended.add_done_callback(lambda _: self._gone(room, invited))
        body = {**self._resource(room, leg, invited.terms), "queue_time": str(leg.queue_time_ms)}
        return RestReply(201, body)

    def _room(self, conference: str) -> Conference:
        if is_sid(conference, "CF"):
            room = find_conference(self._exchange, conference)
            if room.status is ConferenceStatus.COMPLETED:
                raise not_found(f"active conference {conference}")
            return room
        if len(conference) > 128:
            raise RestError(400, 20001, "a conference name has at most 128 characters")
        return self._exchange.rooms.open(conference, by_rest=True)

    def _application(self, address: str) -> Target | None:
        found = APP.match(address)
        if found is None:
            return None
        record = self._exchange.account.applications.get(found[1])
        if record is None:
            raise RestError(400, BAD_APPLICATION, f"Application {found[1]} does not exist")
        app = record.value
        return Target(app.voice_url, app.voice_method, app.voice_fallback_url, app.voice_fallback_method)

    async def _enter(self, room: Conference, invited: Invited, form: Form, document: Document | None) -> None:
        exchange, leg = self._exchange, invited.leg
        terms = invited.terms
        if form.get("WaitUrl"):
            try:
                audio = await fetched_audio(
                    form.get("WaitUrl"),
                    form.get("WaitMethod", "POST"),
                    leg.fields(),
                    exchange.services,
                    leg.sid,
                )
            except WebhookFailed:
                self._forget(room, invited)
                room.add_failed(leg, terms)
                return
            terms = replace(terms, wait_audio=audio)
        self._forget(room, invited)
        name = room.sid if room.status is not ConferenceStatus.COMPLETED else room.name
        try:
            participant = exchange.join(leg, name, terms, by_rest=True)
        except JoinRefused:
            room.add_failed(leg, terms)
            return
        if document is not None:
            await exchange.run_twiml(leg, document)
        else:
            await first_of(participant.left)

    def _gone(self, room: Conference, invited: Invited) -> None:
        self._forget(room, invited)
        if not self._invited.get(room.sid):
            room.abandon()

    def _forget(self, room: Conference, invited: Invited) -> None:
        waiting = self._invited.get(room.sid, [])
        if invited in waiting:
            waiting.remove(invited)

    # --- read ------------------------------------------------------------------------------------

    def _resource(
        self, room: Conference, leg: Leg, terms: Membership, member: Participant | None = None
    ) -> Json:
        account = self._exchange.services.config.account_sid
        dated = member or leg
        return {
            "account_sid": account,
            "call_sid": leg.sid,
            "label": terms.label or None,
            "call_sid_to_coach": terms.call_sid_to_coach or None,
            "coaching": terms.coaching,
            "conference_sid": room.sid,
            "date_created": rfc2822(dated.created),
            "date_updated": rfc2822(dated.updated),
            "end_conference_on_exit": terms.end_on_exit,
            "muted": terms.muted,
            "hold": terms.hold,
            "start_conference_on_enter": terms.start_on_enter,
            "status": _STATUS.get(leg.status, "failed"),
            "queue_time": None,
            "uri": f"{API}/{account}/Conferences/{room.sid}/Participants/{leg.sid}.json",
        }

    def listing(self, request: RestRequest, conference: str) -> RestReply:
        """`GET …/Participants.json`: those who are in, and those on their way."""
        room = find_conference(self._exchange, conference)
        items = [self._resource(room, m.leg, m.terms, m) for m in room.members]
        items += [self._resource(room, i.leg, i.terms) for i in self._invited.get(room.sid, [])]
        for name in ("Muted", "Hold", "Coaching"):
            if wanted := request.asked(name):
                items = [item for item in items if item[name.lower()] == (wanted == "true")]
        return page(request, "participants", items)

    def fetch(self, request: RestRequest, conference: str, who: str) -> RestReply:
        """`GET …/Participants/{call sid or label}.json`."""
        room = find_conference(self._exchange, conference)
        if (invited := self._find_invited(room, who)) is not None:
            return RestReply(200, self._resource(room, invited.leg, invited.terms))
        member = self._member(room, who)
        return RestReply(200, self._resource(room, member.leg, member.terms, member))

    def _member(self, room: Conference, who: str) -> Participant:
        member = room.member(who)
        if member is None:
            raise not_found(f"/Conferences/{room.sid}/Participants/{who}.json")
        return member

    def _find_invited(self, room: Conference, who: str) -> Invited | None:
        for invited in self._invited.get(room.sid, []):
            if who in (invited.leg.sid, invited.terms.label):
                return invited
        return None

    # --- change ----------------------------------------------------------------------------------

    def update(self, request: RestRequest, conference: str, who: str) -> RestReply:
        """`POST …/Participants/{call sid or label}.json`."""
        exchange = self._exchange
        room = find_conference(exchange, conference)
        form = checked(request.form, UPDATE_PARTICIPANT, exchange.services.log, "Participants update")
        member = self._member(room, who)
        terms = replace(
            member.terms,
            muted=form.flag("Muted", member.terms.muted),
            hold=form.flag("Hold", member.terms.hold),
            end_on_exit=form.flag("EndConferenceOnExit", member.terms.end_on_exit),
            coaching=form.flag("Coaching", member.terms.coaching),
            call_sid_to_coach=form.get("CallSidToCoach", member.terms.call_sid_to_coach),
            beep=_beep_on_exit(member.terms.beep, form),
        )
        if form.get("WaitUrl", "-") == "":
            terms = replace(terms, wait_audio=b"")
        try:
            room.modify(member, terms)
        except JoinRefused as refused:
            exchange.services.log.notify(refused.code, str(refused), member.leg.sid)
            raise RestError(400, refused.code, str(refused)) from refused
        if "HoldUrl" in form and terms.hold:
            self._later(member, form.get("HoldUrl"), form.get("HoldMethod", "POST"), member.hold_with)
        if "WaitUrl" in form and form.get("WaitUrl"):
            self._later(member, form.get("WaitUrl"), form.get("WaitMethod", "POST"), member.wait_with)
        if "AnnounceUrl" in form:
            url, method = form.get("AnnounceUrl"), form.get("AnnounceMethod", "POST")
            room.announce_url(
                url,
                lambda: fetched_audio(url, method, member.leg.fields(), exchange.services, member.leg.sid),
                member,
            )
        return RestReply(200, self._resource(room, member.leg, member.terms, member))

    def _later(self, member: Participant, url: str, method: str, use: Callable[[bytes], None]) -> None:
        services = self._exchange.services

        async def work() -> None:
            try:
                audio = await fetched_audio(url, method, member.leg.fields(), services, member.leg.sid)
            except WebhookFailed:
                return  # the debugger has it; the default music goes on
            use(audio)

        services.tasks.start(work(), f"audio for {member.leg.sid}")

    def remove(self, request: RestRequest, conference: str, who: str) -> RestReply:
        """`DELETE …/Participants/{call sid or label}.json`: kick it out."""
        room = find_conference(self._exchange, conference)
        if (invited := self._find_invited(room, who)) is not None:
            self._forget(room, invited)
            self._exchange.end(invited.leg, CallStatus.CANCELED)
            return RestReply(204)
        self._exchange.kick(self._member(room, who))
        return RestReply(204)


def _beep_on_exit(beep: str, form: Form) -> str:
    if "BeepOnExit" not in form:
        return beep
    enter = beep in ("true", "onEnter")
    leave = form.flag("BeepOnExit", False)
    return {(True, True): "true", (True, False): "onEnter", (False, True): "onExit"}.get(
        (enter, leave), "false"
    )


def _membership(form: Form, exchange: Exchange) -> Membership:
    recording = None
    if form.get("ConferenceRecord") in ("true", "record-from-start"):
        recording = RecordingOrder(
            source=RecordingSource.CONFERENCE,
            trim=form.get("ConferenceTrim", "trim-silence") == "trim-silence",
            status_callback=form.get("ConferenceRecordingStatusCallback"),
            status_callback_method=form.get("ConferenceRecordingStatusCallbackMethod", "POST"),
            status_callback_events=form.words("ConferenceRecordingStatusCallbackEvent", ("completed",)),
        )
    return Membership(
        label=form.get("Label"),
        muted=form.flag("Muted", False),
        beep=form.get("Beep", "true"),
        start_on_enter=form.flag("StartConferenceOnEnter", True),
        end_on_exit=form.flag("EndConferenceOnExit", False),
        coaching=form.flag("Coaching", False),
        call_sid_to_coach=form.get("CallSidToCoach"),
        jitter_buffer=form.get("JitterBufferSize", "large"),
        wait_audio=b"" if "WaitUrl" in form else None,
        max_participants=form.number("MaxParticipants", 250),
        callbacks=ConferenceCallbackOrder(
            form.get("ConferenceStatusCallback"),
            form.get("ConferenceStatusCallbackMethod", "POST"),
            form.words("ConferenceStatusCallbackEvent", ("start", "end")),
        ),
        recording=recording,
        region=form.get("Region"),
    )
