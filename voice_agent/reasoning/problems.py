"""What is wrong with a graph, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

Path = tuple[str | int, ...]
"""Where in the document: ``("states", 2, "exit_conditions", 0, "next_state")``."""


class Severity(StrEnum):
    """An error keeps a graph from running; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a graph.

    Attributes:
        line: 1-based line of the source, 0 when there is no source.
        path: readable path ("states[2].next_state").
        message: what is wrong, with the offending value.
        remedy: what to do.
    """

    line: int
    path: str
    message: str
    remedy: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        where = f"{self.path}: " if self.path else ""
        return f"{self.severity}: {place}{where}{self.message} ({self.remedy})"


@dataclass(frozen=True, slots=True)
class LineMap:
    """Line of every value in a document."""

    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Line of ``path``, or of the nearest value around it; 0 without a source."""
        for length in range(len(path), -1, -1):
            if (found := self.lines.get(path[:length])) is not None:
                return found
        return 0

    def problem(self, path: Path, message: str, remedy: str, severity: Severity = Severity.ERROR) -> Problem:
        """A problem at ``path``."""
        return Problem(self.line(path), written(path), message, remedy, severity)


def written(path: Path) -> str:
    """``("states", 2, "name")`` as ``states[2].name``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else str(step)
    return text


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that keep a graph from running."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]
