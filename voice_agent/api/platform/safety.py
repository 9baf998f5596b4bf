"""What the safety monitor listens for and when it acts, to be read; it is written in ``safety.yaml``."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel

from voice_agent.access.roles import Permission
from voice_agent.api.platform.fields import DEFAULT_LIMIT, ConceptId, Limit, Token, WorkspaceId
from voice_agent.api.platform.pagination import PaginatedResponse
from voice_agent.api.platform.platform import Platform
from voice_agent.safety.rules import MonitorConcept

TRIAGE_MODEL = "embedded"
"""Patterns and likeness; no language model judges a turn."""

TRIAGE_TIMEOUT_S = 0.0
"""Nothing is waited for: a turn is judged in the same moment, and its words are bounded."""


class SafetyConfigResponse(BaseModel):
    """When findings become deeds. Levels: 0 none, 1 mild, 2 significant, 3 acute."""

    triage_enabled: bool
    triage_model: str
    triage_timeout_s: float
    triage_max_history_turns: int
    accumulation_enabled: bool
    accumulation_window_size: int
    accumulation_single_turn_threshold: int
    accumulation_cumulative_count: int
    accumulation_mild_threshold: int
    accumulation_fast_track_level: int
    applied_template_ids: list[str]


class MonitorConceptResponse(BaseModel):
    """Something that is listened for. ``agent_config`` is empty: no language model is asked about it."""

    id: UUID
    workspace_id: UUID
    name: str
    description: str
    threshold: float
    standalone_threshold: float
    agent_config: dict[str, Any]
    escalation: dict[str, Any]
    tags: list[str]
    has_embedding: bool
    created_at: datetime
    updated_at: datetime


def safety_router(platform: Platform) -> APIRouter:
    """Operations of the tags Safety and Monitor Concepts that read."""
    may_read = Depends(platform.guard.authorize(Permission.SAFETY_READ))
    router = APIRouter(prefix="/v1/{workspace_id}", dependencies=[may_read])
    concepts = [_shown(concept, platform) for concept in platform.rules.concepts]
    by_id = {concept.id: concept for concept in concepts}

    @router.get("/safety/config", operation_id="get-safety-config", tags=["Safety"])
    async def config(workspace_id: WorkspaceId) -> SafetyConfigResponse:
        """The policy of the workspace."""
        return SafetyConfigResponse(
            **platform.rules.config.model_dump(),
            triage_model=TRIAGE_MODEL,
            triage_timeout_s=TRIAGE_TIMEOUT_S,
            applied_template_ids=list(platform.rules.templates),
        )

    @router.get("/monitor-concepts", operation_id="list-monitor-concepts", tags=["Monitor Concepts"])
    async def list_concepts(
        workspace_id: WorkspaceId, limit: Limit = DEFAULT_LIMIT, continuation_token: Token = 0
    ) -> PaginatedResponse[MonitorConceptResponse]:
        """Everything that is listened for, in the order of the rules."""
        end = continuation_token + limit
        has_more = end < len(concepts)
        return PaginatedResponse(
            items=concepts[continuation_token:end],
            has_more=has_more,
            continuation_token=end if has_more else None,
            total=len(concepts),
        )

    @router.get(
        "/monitor-concepts/{concept_id}", operation_id="get-monitor-concept", tags=["Monitor Concepts"]
    )
    async def concept(workspace_id: WorkspaceId, concept_id: ConceptId) -> MonitorConceptResponse:
        """One of them."""
        if (found := by_id.get(concept_id)) is None:
            raise HTTPException(404, f"monitor concept {concept_id} is not known in this workspace")
        return found

    return router


def _shown(concept: MonitorConcept, platform: Platform) -> MonitorConceptResponse:
    return MonitorConceptResponse(
        # A concept has no identity but its name, and keeps it from one start to the next.
        id=uuid5(platform.workspace_id, f"monitor-concept:{concept.name}"),
        workspace_id=platform.workspace_id,
        name=concept.name,
        description=concept.description,
        threshold=concept.threshold,
        standalone_threshold=concept.standalone_threshold,
        agent_config={},
        escalation=concept.escalation.model_dump(),
        tags=list(concept.tags),
        has_embedding=True,
        created_at=platform.rules.written_at,
        updated_at=platform.rules.written_at,
    )
