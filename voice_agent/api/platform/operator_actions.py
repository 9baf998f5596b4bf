"""Operators on calls: join, switch, guide, leave, wrap up, and what they need to do so.

Every command goes to the live call through one seam; what was done is in the audit log before the answer
goes out.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request

from telephony.voice_token import voice_access_token
from voice_agent.access.audit import AuditAction
from voice_agent.access.limits import Rate
from voice_agent.access.principal import Principal
from voice_agent.access.roles import Permission
from voice_agent.api.platform.fields import OperatorId, WorkspaceId
from voice_agent.api.platform.operator_models import (
    AccessTokenRequest,
    AccessTokenResponse,
    BriefingRequest,
    BriefingResponse,
    BriefingSection,
    JoinCallRequest,
    JoinCallResponse,
    LeaveCallRequest,
    SendGuidanceRequest,
    SendGuidanceResponse,
    SuccessResponse,
    SwitchModeRequest,
    SwitchModeResponse,
    WrapUpRequest,
)
from voice_agent.api.platform.operators import active_calls
from voice_agent.api.platform.platform import BrowserPhones, Platform
from voice_agent.api.platform.problems import Unusable
from voice_agent.operators.ports import DeliveryStatus, NoSuchCall, OperatorBusy, OperatorLeg
from voice_agent.operators.roster import NoSuchOperator, Operator


def operator_actions_router(platform: Platform) -> APIRouter:
    """Operations of the tag Operators that concern a call."""
    router = APIRouter(prefix="/v1/{workspace_id}/operators/{operator_id}", tags=["Operators"])
    may_act = platform.guard.authorize(Permission.OPERATORS_ACT, rate=Rate.COMMAND)
    may_brief = platform.guard.authorize(Permission.OPERATORS_ACT, rate=Rate.BRIEFING)

    async def acting(principal: Principal, operator_id: UUID) -> Operator:
        if not principal.may_act_as(operator_id):
            raise HTTPException(403, "operators act in their own name; supervisors may act for others")
        return await platform.roster.get(operator_id)

    @router.post("/access-token", operation_id="operator-access-token")
    async def access_token(
        workspace_id: WorkspaceId,
        operator_id: OperatorId,
        body: AccessTokenRequest,
        request: Request,
        principal: Principal = Depends(may_act),
    ) -> AccessTokenResponse:
        """What the operator's browser needs to hear and speak."""
        operator = await acting(principal, operator_id)
        call = platform.live.get(body.call_sid)
        token, connect_params = _browser_phone(platform.phones, operator)
        await platform.note(
            request,
            principal,
            AuditAction.OPERATOR_ACCESS_TOKEN_GENERATED,
            operator_id=operator_id,
            call_sid=body.call_sid,
        )
        return AccessTokenResponse(
            token=token,
            identity=operator.identity,
            conference_sid=call.conference_sid,
            connect_params=connect_params,
        )

    @router.post("/briefing", operation_id="create-operator-briefing")
    async def create_briefing(
        workspace_id: WorkspaceId,
        operator_id: OperatorId,
        body: BriefingRequest,
        request: Request,
        principal: Principal = Depends(may_brief),
    ) -> BriefingResponse:
        """What to read before joining."""
        try:
            await acting(principal, operator_id)
            briefing = await platform.briefings.brief(body.call_sid)
        except (NoSuchOperator, NoSuchCall) as error:
            raise HTTPException(400, str(error)) from error  # published: no 404 here
        await platform.note(
            request,
            principal,
            AuditAction.BRIEFING_VIEWED,
            operator_id=operator_id,
            call_sid=body.call_sid,
        )
        return BriefingResponse(
            call_sid=body.call_sid,
            operator_id=operator_id,
            sections=[BriefingSection(title=s.title, content=s.content) for s in briefing.sections],
            generated_at=briefing.generated_at,
        )

    @router.post("/join-call", operation_id="operator-join-call")
    async def join_call(
        workspace_id: WorkspaceId,
        operator_id: OperatorId,
        body: JoinCallRequest,
        request: Request,
        principal: Principal = Depends(may_act),
    ) -> JoinCallResponse:
        """Ring the operator into the call's conference."""
        operator = await acting(principal, operator_id)
        platform.live.get(body.call_sid)
        where = active_calls(platform).get(str(operator_id))
        if where is not None:
            raise OperatorBusy(f"the operator is on call {where} already; leave that one first")
        if not operator.address:
            raise Unusable("the operator connects by phone and has no phone_number", "body", "call_sid")
        leg = OperatorLeg(str(operator_id), operator.name, operator.address, operator.connection_method)
        joined = await platform.live.join(body.call_sid, leg, body.mode)
        await platform.roster.note_call(operator_id)
        await platform.note(
            request,
            principal,
            AuditAction.OPERATOR_JOINED_CALL,
            operator_id=operator_id,
            call_sid=body.call_sid,
            mode=str(joined.mode),
            connection_method=str(operator.connection_method),
        )
        return JoinCallResponse(
            conference_sid=joined.conference_sid,
            participant_call_sid=joined.participant_call_sid,
            mode=joined.mode,
            operator_entity_id=operator_id,
        )

    @router.post("/switch-mode", operation_id="operator-switch-mode")
    async def switch_mode(
        workspace_id: WorkspaceId,
        operator_id: OperatorId,
        body: SwitchModeRequest,
        request: Request,
        principal: Principal = Depends(may_act),
    ) -> SwitchModeResponse:
        """From listening to speaking, or back."""
        await acting(principal, operator_id)
        mode = await platform.live.switch(body.call_sid, str(operator_id), body.mode)
        await platform.note(
            request,
            principal,
            AuditAction.OPERATOR_MODE_SWITCHED,
            operator_id=operator_id,
            call_sid=body.call_sid,
            mode=str(mode),
        )
        return SwitchModeResponse(mode=mode)

    @router.post("/leave-call", operation_id="operator-leave-call")
    async def leave_call(
        workspace_id: WorkspaceId,
        operator_id: OperatorId,
        body: LeaveCallRequest,
        request: Request,
        principal: Principal = Depends(may_act),
    ) -> SuccessResponse:
        """Take the operator out; the agent goes on."""
        await acting(principal, operator_id)
        await platform.live.leave(body.call_sid, str(operator_id))
        await platform.note(
            request,
            principal,
            AuditAction.OPERATOR_LEFT_CALL,
            operator_id=operator_id,
            call_sid=body.call_sid,
        )
        return SuccessResponse(success=True)

    @router.post("/send-guidance", operation_id="operator-send-guidance")
    async def send_guidance(
        workspace_id: WorkspaceId,
        operator_id: OperatorId,
        body: SendGuidanceRequest,
        request: Request,
        principal: Principal = Depends(may_act),
    ) -> SendGuidanceResponse:
        """Tell the agent something that the caller does not hear."""
        await acting(principal, operator_id)
        status = await platform.live.guide(body.call_sid, str(operator_id), body.message)
        await platform.note(
            request,
            principal,
            AuditAction.OPERATOR_GUIDANCE_SENT,
            operator_id=operator_id,
            call_sid=body.call_sid,
            characters=len(body.message),
            status=str(status),
        )
        # Published: delivered or failed. What waits for the agent to look at it is delivered.
        shown = DeliveryStatus.FAILED if status is DeliveryStatus.FAILED else DeliveryStatus.DELIVERED
        return SendGuidanceResponse(call_sid=body.call_sid, status=shown)

    @router.post("/wrap-up", operation_id="operator-wrap-up")
    async def wrap_up(
        workspace_id: WorkspaceId,
        operator_id: OperatorId,
        body: WrapUpRequest,
        request: Request,
        principal: Principal = Depends(may_act),
    ) -> SuccessResponse:
        """Keep how the operator's part ended."""
        await acting(principal, operator_id)
        await platform.roster.wrap_up(operator_id, body.call_sid, body.outcome, body.notes)
        await platform.note(
            request,
            principal,
            AuditAction.OPERATOR_WRAP_UP,
            operator_id=operator_id,
            call_sid=body.call_sid,
            outcome=str(body.outcome),
            notes_characters=len(body.notes),
        )
        return SuccessResponse(success=True)

    return router


def _browser_phone(phones: BrowserPhones, operator: Operator) -> tuple[str, dict[str, str]]:
    """Token and parameters for the operator's browser; 503 when browsers cannot be telephones here."""
    if phones.phone_url:
        url = urlsplit(phones.phone_url)
        listening = urlunsplit(
            url._replace(query=urlencode({"listen": f"client:{operator.identity}"}, safe=":"))
        )
        return "", {"phone_url": listening}
    if not (phones.api_key_sid and phones.api_key_secret):
        raise HTTPException(
            503, "browser audio is not configured: set TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET"
        )
    token = voice_access_token(
        phones.account_sid,
        phones.api_key_sid,
        phones.api_key_secret,
        identity=operator.identity,
        app_sid=phones.app_sid,
    )
    return token, {}
