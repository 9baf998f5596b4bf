"""When the office is open, and how that is said."""

from __future__ import annotations

from datetime import date, datetime, time

from pydantic import BaseModel, ConfigDict, model_validator

from voice_agent.reasoning.spoken import spoken_time

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Span(BaseModel):
    """Local opening and closing time of one day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: time
    end: time

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.end <= self.start:
            raise ValueError(
                f"closing at {self.end} is not after opening at {self.start}; swap or correct them"
            )
        return self


class OpeningHours(BaseModel):
    """Opening hours by weekday, local time; a day left out is closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    monday: Span | None = None
    tuesday: Span | None = None
    wednesday: Span | None = None
    thursday: Span | None = None
    friday: Span | None = None
    saturday: Span | None = None
    sunday: Span | None = None

    def on(self, day: date) -> Span | None:
        """Hours of a day, None when closed."""
        span: Span | None = getattr(self, WEEKDAYS[day.weekday()])
        return span

    def opens_on(self, day: date) -> bool:
        """Whether the office opens at all on a day."""
        return self.on(day) is not None

    def is_open(self, moment: datetime) -> bool:
        """Whether it is open at a local time."""
        span = self.on(moment.date())
        return span is not None and span.start <= moment.time() < span.end

    def in_words(self) -> str:
        """ "Monday to Friday from 8 AM to 5 PM"; days with the same hours are said together."""
        runs: list[tuple[str, str, Span]] = []
        for day in WEEKDAYS:
            span: Span | None = getattr(self, day)
            if span is None:
                continue
            previous = WEEKDAYS[WEEKDAYS.index(day) - 1]
            if runs and runs[-1][2] == span and runs[-1][1] == previous:
                runs[-1] = (runs[-1][0], day, span)
            else:
                runs.append((day, day, span))
        return " and ".join(f"{_days(first, last)} {_span(span)}" for first, last, span in runs)

    def day_in_words(self, day: date) -> str:
        """ "open today from 8 AM to 5 PM" or "closed today"."""
        span = self.on(day)
        return f"open today {_span(span)}" if span is not None else "closed today"


def _days(first: str, last: str) -> str:
    return first.title() if first == last else f"{first.title()} to {last.title()}"


def _span(span: Span) -> str:
    return f"from {spoken_time(span.start)} to {spoken_time(span.end)}"
