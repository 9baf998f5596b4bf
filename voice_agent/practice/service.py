"""The services of an installation: which number leads where, and a conversation for every call.

A service is a folder with ``service.yaml``, ``graph.yaml`` and, where it wants other safety rules than the
standard ones, ``safety.yaml``. The example practice is always there; folders
of further ones may be given. They share the database, each with records of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from voice_agent.practice.seed import seed
from voice_agent.practice.settings import ServiceError, ServiceSettings, load_settings
from voice_agent.practice.store import PracticeStore
from voice_agent.practice.tools import PersonAvailable, PracticeTools
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.engine import GraphConversation
from voice_agent.reasoning.errors import ReasoningError
from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.linked import link
from voice_agent.reasoning.loader import load_graph
from voice_agent.reasoning.reasoner import Reasoner
from voice_agent.reasoning.settings import EngineSettings
from voice_agent.reasoning.tools import ToolRegistry
from voice_agent.safety.conversation import SafeConversation
from voice_agent.safety.errors import SafetyError
from voice_agent.safety.loader import load_rules
from voice_agent.safety.monitor import Rulebook
from voice_agent.store.database import Database
from voice_agent.store.moments import utc_now

SERVICE_FILE = "service.yaml"
GRAPH_FILE = "graph.yaml"
SAFETY_FILE = "safety.yaml"
EXAMPLE_FOLDER = Path(__file__).parent

Clock = Callable[[], datetime]
"""The present moment, aware."""


async def _nobody() -> bool:
    return False


@dataclass(frozen=True)
class Service:
    """One service, ready to answer. Calling it makes a conversation, so it is a ``ConversationFactory``."""

    settings: ServiceSettings
    graph: ContextGraph
    tools: ToolRegistry
    store: PracticeStore
    engine: EngineSettings
    reasoner: Reasoner
    rulebook: Rulebook
    clock: Clock = utc_now

    def __call__(self, *, conversation_id: str) -> SafeConversation:
        """A new conversation; whatever answers in it, safety rules come first."""
        answering = GraphConversation(
            self.graph,
            self.tools,
            self.reasoner,
            conversation_id=conversation_id,
            settings=self.engine,
        )
        return SafeConversation(
            answering,
            self.rulebook,
            watches=self.settings.safety_filters_enabled,
            behaves=self.settings.dynamic_behaviors_enabled,
        )

    @property
    def service_id(self) -> str:
        """Name of the service in records."""
        return self.settings.service_id

    def now(self) -> datetime:
        """The practice's local time, aware."""
        return self.clock().astimezone(self.settings.zone)

    async def lookup(self, phone: str | None) -> Mapping[str, Any]:
        """What the calling number tells while it rings: never to be said before the caller is verified."""
        patients = await self.store.patients_with_phone(phone) if phone else []
        if len(patients) != 1:
            return {"known": bool(patients)}
        [patient] = patients
        return {"known": True, "patient_id": patient.patient_id, "first_name": patient.first_name}

    async def seed(self, today: datetime | None = None) -> None:
        """Give the example practice its people and its calendar; what is there stays."""
        await seed(
            self.store.database,
            practice=self.service_id,
            zone=self.settings.zone,
            today=(today or self.now()).date(),
        )


@dataclass(frozen=True, slots=True)
class Services:
    """All services by number."""

    services: tuple[Service, ...]

    def __post_init__(self) -> None:
        if not self.services:
            raise ServiceError("no service is configured; give at least one folder with a service.yaml")
        for what, values in (
            ("service_id", [s.service_id for s in self.services]),
            ("phone number", [number for s in self.services for number in s.settings.phone_numbers]),
        ):
            twice = next((v for v in values if values.count(v) > 1), None)
            if twice is not None:
                raise ServiceError(f"two services have the {what} {twice}; change one of them")

    @property
    def default(self) -> Service:
        """The service for numbers that no service claims: the last that says so, else the first.

        A service of one's own thereby takes over from the example.
        """
        return next((s for s in reversed(self.services) if s.settings.default), self.services[0])

    def for_number(self, number: str) -> Service:
        """The service that a called number (E.164) leads to."""
        return next((s for s in self.services if number in s.settings.phone_numbers), self.default)

    @property
    def numbers(self) -> tuple[str, ...]:
        """All numbers, those of the default service first."""
        ordered = sorted(self.services, key=lambda s: s is not self.default)
        return tuple(number for s in ordered for number in s.settings.phone_numbers)


def load_service(
    folder: Path,
    database: Database,
    *,
    engine: EngineSettings | None = None,
    reasoner: Reasoner | None = None,
    person_available: PersonAvailable | None = None,
    clock: Clock = utc_now,
) -> Service:
    """Read and check one service.

    Args:
        engine: numbers of the engine; the service's own (facts, silence checks...) are put on top.
        reasoner: a language model's; the embedded one without it.
        person_available: whether an operator is free; without it nobody is. Where callers can be forwarded,
            that is offered when no operator is free.

    Raises:
        ServiceError: when a file is missing or says something impossible.
    """
    settings = load_settings(folder / SERVICE_FILE)
    store = PracticeStore(database, settings.service_id, settings.zone)

    async def forwarding_answers() -> bool:
        return settings.forwarding.target is not None and settings.opening_hours.is_open(
            clock().astimezone(settings.zone)
        )

    tools = PracticeTools(
        store, settings.opening_hours, settings.zone, person_available or _nobody, forwarding_answers
    ).registry()
    try:
        graph = load_graph(folder / GRAPH_FILE, tools=tools.names)
        states = link(graph).places
    except (OSError, ReasoningError) as error:
        raise ServiceError(f"{folder / GRAPH_FILE} cannot be used: {error}") from error
    safety = folder / SAFETY_FILE
    try:
        rulebook = Rulebook(load_rules(safety if safety.is_file() else None, states=states))
    except (OSError, SafetyError) as error:
        raise ServiceError(f"{safety} cannot be used: {error}") from error
    own = replace(
        engine or EngineSettings(),
        facts={**(engine.facts if engine else {}), **settings.facts()},
        silence_prompts=settings.silence_checks,
        filler_delay_ms=settings.backchannel_delay_ms,
        progress_interval_ms=settings.progress_interval_ms,
        max_response_sentences=settings.max_response_sentences,
        max_response_words=settings.max_response_words,
    )
    return Service(settings, graph, tools, store, own, reasoner or EmbeddedReasoner(), rulebook, clock)


def load_services(database: Database, folders: Sequence[Path] = (), **options: Any) -> Services:
    """The example practice and the services in ``folders``; options as for :func:`load_service`."""
    return Services(tuple(load_service(folder, database, **options) for folder in (EXAMPLE_FOLDER, *folders)))


def service_folders(parent: Path) -> list[Path]:
    """The folders of services inside a folder, in order of their names."""
    return sorted(path.parent for path in parent.glob(f"*/{SERVICE_FILE}"))
