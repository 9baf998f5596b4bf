from pathlib import Path

import pytest
import yaml

from voice_agent.practice.service import EXAMPLE_FOLDER, SERVICE_FILE
from voice_agent.practice.settings import ServiceError, ServiceSettings, load_settings

EXAMPLE = EXAMPLE_FOLDER / SERVICE_FILE


def written(folder: Path, **changes: object) -> Path:
    document = yaml.safe_load(EXAMPLE.read_text())
    path = folder / SERVICE_FILE
    path.write_text(yaml.safe_dump({**document, **changes}))
    return path


def test_the_example_practice_greets_by_its_name() -> None:
    settings = load_settings(EXAMPLE)
    assert settings.greeting == "Hi, this is Dr. Chen's office, how can I help you today?"
    assert settings.opening_hours.in_words() == "Monday to Friday from 8 AM to 5 PM"
    assert settings.default


def test_the_conversation_may_say_hours_and_place_but_no_number_that_nobody_answers() -> None:
    facts = load_settings(EXAMPLE).facts()["practice"]
    assert facts["hours"] == "Monday to Friday from 8 AM to 5 PM"
    assert facts["forward_to"] is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"phone_numbers": ["555-0100"]}, "555-0100"),
        ({"phone_numbers": ["+1 415 555 0100"]}, "+1 415 555 0100"),
        ({"timezone": "America/Springfield"}, "America/Springfield"),
        ({"eot_threshold": 0.4}, "eager_eot_threshold"),
        ({"eot_threshold": 1.4}, "eot_threshold"),
        ({"opening_hours": {"monday": {"start": "17:00", "end": "08:00"}}}, "17:00"),
        ({"greetings": "hello"}, "greetings"),
        ({"service_id": "Dr. Chen"}, "service_id"),
        ({"keyterms": ["x" * 129]}, "keyterms"),
        ({"risk_signal_config": {"monitor_threshold": 80}}, "must rise"),
        ({"risk_signal_config": {"weights": {"mood": 1.0}}}, "risk_signal_config"),
        ({"sensitive_topics": [""]}, "sensitive_topics"),
    ],
)
def test_an_impossible_setting_is_named(tmp_path: Path, changes: dict[str, object], named: str) -> None:
    with pytest.raises(ServiceError) as refused:
        load_settings(written(tmp_path, **changes))
    assert named in str(refused.value)


@pytest.mark.parametrize("content", ["", "- a list", "{", "\x00"])
def test_a_file_that_is_no_service_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / SERVICE_FILE
    path.write_text(content)
    with pytest.raises(ServiceError):
        load_settings(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServiceError):
        load_settings(tmp_path / SERVICE_FILE)


def test_settings_survive_a_round_trip() -> None:
    settings = load_settings(EXAMPLE)
    assert ServiceSettings.model_validate_json(settings.model_dump_json()) == settings
