"""What was measured, against what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table

REPORT_WIDTH = 130
"""Columns, where there is no terminal to ask."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``budget`` None is only told; ``at_least`` turns the comparison round."""

    name: str
    value: float | None
    unit: str = ""
    budget: float | None = None
    at_least: bool = False
    peer: float | None = None

    @property
    def ok(self) -> bool | None:
        """Within the budget; None without one."""
        if self.budget is None:
            return None
        if self.value is None:
            return False
        return self.value >= self.budget if self.at_least else self.value <= self.budget


@dataclass
class Figures:
    """All lines, in the order in which they were measured."""

    lines: list[Figure] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float | None,
        unit: str = "",
        *,
        budget: float | None = None,
        at_least: bool = False,
        peer: float | None = None,
    ) -> None:
        """Add a line."""
        self.lines.append(Figure(name, value, unit, budget, at_least, peer))

    @property
    def all_ok(self) -> bool:
        """Nothing is beyond its budget."""
        return all(line.ok is not False for line in self.lines)

    def show(self) -> None:
        """Print the table."""
        table = Table("figure", "budget", "reached", "peer", "", title="Calls against their budgets")
        marks = {True: "[green]ok[/]", False: "[red]over[/]", None: ""}
        for line in self.lines:
            sign = ">=" if line.at_least else "<="
            table.add_row(
                line.name,
                "" if line.budget is None else f"{sign} {line.budget:g} {line.unit}",
                "-" if line.value is None else f"{line.value:.4g} {line.unit}",
                "" if line.peer is None else f"{line.peer:.4g} {line.unit}",
                marks[line.ok],
            )
        screen = Console(highlight=False)
        if not screen.is_terminal:
            screen.width = REPORT_WIDTH
        screen.print(table)


def percentile(values: Sequence[float], q: float) -> float | None:
    """The ``q``-th percentile; None without values."""
    return float(np.percentile(values, q)) if len(values) else None
