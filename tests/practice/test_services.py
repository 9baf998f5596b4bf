from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from office import ZONE
from talk import Talk

from voice_agent.practice.seed import MARIA
from voice_agent.practice.service import (
    EXAMPLE_FOLDER,
    GRAPH_FILE,
    SAFETY_FILE,
    SERVICE_FILE,
    Service,
    Services,
    load_service,
    load_services,
    service_folders,
)
from voice_agent.practice.settings import ServiceError
from voice_agent.store.database import Database

SECOND_NUMBER = "+14155550101"


def second_practice(folder: Path, **changes: object) -> Path:
    """The folder of another practice, like the example but for its name and number."""
    place = folder / "second"
    place.mkdir()
    document = yaml.safe_load((EXAMPLE_FOLDER / SERVICE_FILE).read_text())
    own = {
        "service_id": "dr_lopez",
        "name": "Dr. Lopez's office",
        "greeting": "Dr. Lopez's office, hello.",
        "phone_numbers": [SECOND_NUMBER],
        "default": False,
    }
    (place / SERVICE_FILE).write_text(yaml.safe_dump({**document, **own, **changes}))
    (place / GRAPH_FILE).write_text((EXAMPLE_FOLDER / GRAPH_FILE).read_text())
    return place


@pytest.fixture
def unused(tmp_path: Path) -> Database:
    """A database nobody talks to."""
    return Database(f"sqlite+aiosqlite:///{tmp_path / 'unused.db'}")


def test_the_example_answers_its_number_and_every_unclaimed_one(unused: Database) -> None:
    services = load_services(unused)
    assert services.for_number("+14155550100").service_id == "dr_chen"
    assert services.for_number("+19995550100").service_id == "dr_chen"
    assert services.numbers == ("+14155550100",)


def test_a_number_leads_to_its_own_service(unused: Database, tmp_path: Path) -> None:
    second_practice(tmp_path)
    services = load_services(unused, service_folders(tmp_path))
    assert services.for_number(SECOND_NUMBER).service_id == "dr_lopez"
    assert services.for_number("+14155550100").service_id == "dr_chen"
    assert services.default.service_id == "dr_chen"
    assert services.numbers == ("+14155550100", SECOND_NUMBER)


def test_a_service_of_ones_own_takes_over_as_the_default(unused: Database, tmp_path: Path) -> None:
    second_practice(tmp_path, default=True)
    services = load_services(unused, service_folders(tmp_path))
    assert services.default.service_id == "dr_lopez"
    assert services.numbers[0] == SECOND_NUMBER


@pytest.mark.parametrize(
    "changes", [{"service_id": "dr_chen"}, {"phone_numbers": ["+14155550100"]}], ids=["name", "number"]
)
def test_a_name_or_number_belongs_to_one_service(
    unused: Database, tmp_path: Path, changes: dict[str, object]
) -> None:
    second_practice(tmp_path, **changes)
    with pytest.raises(ServiceError):
        load_services(unused, service_folders(tmp_path))


def test_without_any_service_nothing_can_be_answered() -> None:
    with pytest.raises(ServiceError):
        Services(())


def test_a_graph_that_names_an_unknown_tool_is_refused_with_its_line(
    unused: Database, tmp_path: Path
) -> None:
    place = second_practice(tmp_path)
    graph = (place / GRAPH_FILE).read_text().replace("tool_id: slot_search", "tool_id: slot_serach")
    (place / GRAPH_FILE).write_text(graph)
    with pytest.raises(ServiceError) as refused:
        load_service(place, unused)
    assert "line" in str(refused.value)
    assert "slot_serach" in str(refused.value)


def test_a_safety_rule_about_a_state_that_the_graph_does_not_have_is_refused(
    unused: Database, tmp_path: Path
) -> None:
    place = second_practice(tmp_path)
    (place / SAFETY_FILE).write_text(
        "hard_escalation_rules:\n"
        "  - {name: cries, detection: state, states: [emergancy], operator_type: clinical, reason: r}\n"
    )
    with pytest.raises(ServiceError, match=r"'cries' speaks of 'emergancy'.*did you mean 'emergency'"):
        load_service(place, unused)


def test_a_service_without_a_graph_is_refused(unused: Database, tmp_path: Path) -> None:
    place = second_practice(tmp_path)
    (place / GRAPH_FILE).unlink()
    with pytest.raises(ServiceError):
        load_service(place, unused)


async def test_another_service_greets_by_its_own_name_and_knows_only_its_own_patients(
    service: Service, tmp_path: Path
) -> None:
    second = load_service(second_practice(tmp_path), service.store.database)
    talk = Talk(second)
    assert await talk.begin() == "Dr. Lopez's office, hello."
    await talk.say("i need to move my appointment")
    assert "first and last name" in talk.last  # Maria's number means nothing here
    await talk.conversation.close()


async def test_the_number_tells_who_is_calling_while_it_rings(service: Service) -> None:
    maria = await service.lookup(MARIA.phone)
    assert (maria["known"], maria["first_name"]) == (True, "Maria")
    assert await service.lookup("+14155550188") == {"known": True}  # a family: nobody in particular
    assert await service.lookup("+14155550199") == {"known": False}
    assert await service.lookup(None) == {"known": False}


def test_the_practice_lives_in_its_own_time_zone(unused: Database) -> None:
    moment = datetime(2026, 11, 17, 22, 47, tzinfo=UTC)
    service = load_service(EXAMPLE_FOLDER, unused, clock=lambda: moment)
    assert service.now() == moment
    assert service.now().tzinfo == ZONE
    assert service.now().hour == 14


async def test_calls_are_forwarded_only_where_and_when_somebody_answers(
    service: Service, tmp_path: Path
) -> None:
    forwarding = {"enabled": True, "forward_to": "+14155550177"}
    place = second_practice(tmp_path, forwarding=forwarding)
    for hour, transfers in ((14, ["+14155550177"]), (20, [])):
        moment = datetime(2026, 11, 17, hour, tzinfo=ZONE)
        second = load_service(place, service.store.database, clock=lambda at=moment: at)  # type: ignore[misc]
        talk = Talk(second)
        await talk.begin()
        await talk.say("can i talk to a person")
        assert talk.transfers == transfers
        await talk.conversation.close()


def test_the_example_graph_has_no_problem_but_missing_catch_alls(service: Service) -> None:
    from voice_agent.reasoning.loader import read_graph

    loaded = read_graph((EXAMPLE_FOLDER / GRAPH_FILE).read_text(), tools=service.tools.names)
    assert [str(problem) for problem in loaded.problems if "catch-all" not in problem.message] == []
