"""What the log says of something that breaks many times a second."""

from __future__ import annotations

from structlog.testing import capture_logs

from voice_agent.call.faults import AGAIN_S, TickFaults, kind_of


def broken(words: str) -> Exception:
    try:
        raise ValueError(words)
    except ValueError as error:
        return error


def test_the_first_fault_is_logged_at_once_and_the_rest_counted() -> None:
    now = 100.0
    faults = TickFaults("vad", lambda: now)
    with capture_logs() as logs:
        for _ in range(312):
            faults(broken("I have chest pain"), "CA1")
        assert [entry["count"] for entry in logs] == [1]
        now += AGAIN_S
        faults(broken("I have chest pain"), "CA2")
    assert [(entry["count"], entry["call_sid"]) for entry in logs] == [(1, "CA1"), (312, "CA2")]
    assert logs[0]["at"].startswith("call/test_faults.py:")
    assert (logs[0]["where"], logs[0]["error"]) == ("vad", "ValueError")
    assert "chest pain" not in str(logs)


def test_a_fault_of_another_kind_does_not_wait_for_the_first() -> None:
    faults = TickFaults("vad", lambda: 0.0)
    with capture_logs() as logs:
        faults(broken(""))
        faults(KeyError("never raised"))
    assert [entry["error"] for entry in logs] == ["ValueError", "KeyError"]
    assert kind_of(KeyError("never raised")) == "KeyError"
