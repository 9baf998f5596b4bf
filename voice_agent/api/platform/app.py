"""The published interface as one application, to be mounted under ``/platform``."""

from __future__ import annotations

from fastapi import FastAPI

from voice_agent.api.platform.call_reports import call_reports_router
from voice_agent.api.platform.calls import calls_router
from voice_agent.api.platform.escalations import escalations_router
from voice_agent.api.platform.events import events_router
from voice_agent.api.platform.operator_actions import operator_actions_router
from voice_agent.api.platform.operators import operators_router
from voice_agent.api.platform.platform import Platform
from voice_agent.api.platform.problems import HTTPValidationError, add_problem_handlers
from voice_agent.api.platform.queue import queue_router
from voice_agent.api.platform.recordings import recordings_router
from voice_agent.api.platform.safety import safety_router
from voice_agent.api.platform.sessions import sessions_router
from voice_agent.api.platform.transcripts import transcripts_router


def platform_app(platform: Platform) -> FastAPI:
    """All operations that this installation answers. Its own description is at ``/openapi.json``."""
    app = FastAPI(
        title="voice-agent platform",
        version="1.0.0",
        docs_url=None,
        redoc_url=None,
        responses={
            401: {"description": "Missing or invalid API key."},
            403: {"description": "Insufficient permissions."},
            422: {"description": "Validation Error", "model": HTTPValidationError},
            429: {"description": "Rate limit exceeded."},
        },
    )
    add_problem_handlers(app)
    # Paths with fixed words come before those where any word may stand.
    app.include_router(queue_router(platform))
    app.include_router(escalations_router(platform))
    app.include_router(transcripts_router(platform))
    app.include_router(operators_router(platform))
    app.include_router(operator_actions_router(platform))
    app.include_router(recordings_router(platform))
    app.include_router(safety_router(platform))
    app.include_router(sessions_router(platform))
    app.include_router(events_router(platform))
    app.include_router(call_reports_router(platform))
    app.include_router(calls_router(platform))
    return app
