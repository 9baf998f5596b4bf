"""Callers who do not speak as a graph would like it: asides, corrections, several things in one breath."""

from __future__ import annotations

import pytest
from talk import BORN, call

from voice_agent.practice.service import Service


async def test_courtesies_alarm_nobody(service: Service) -> None:
    talk = await call(service, "move my appointment", "thanks", BORN, "thanks", "tuesday", "thanks", "thanks")
    assert talk.escalations == []
    assert "911" not in talk.said


async def test_a_day_of_a_month_is_no_place_in_the_list_that_was_offered(service: Service) -> None:
    talk = await call(service, "move my appointment", BORN, "friday", "what about december first")
    assert "On Tuesday, December 1st, I have" in talk.last


async def test_a_moment_is_no_place_in_the_list_that_was_offered(service: Service) -> None:
    talk = await call(service, "move my appointment", BORN, "friday", "um give me one second")
    assert talk.state == "offer"
