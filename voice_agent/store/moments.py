"""Moments as everything that is kept has them: aware, in UTC; and the time between two as a column."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Double, SQLColumnExpression
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


def utc_now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


class SecondsBetween(FunctionElement[float]):
    """Seconds from a moment to a later one as a column, negative if it is earlier, NULL if either is.

    SQLite's calendar knows about 0.05 ms. Source: https://www.sqlite.org/lang_datefunc.html
    """

    type = Double()
    inherit_cache = True

    def __init__(
        self, start: SQLColumnExpression[datetime | None], end: SQLColumnExpression[datetime | None]
    ) -> None:
        super().__init__(start, end)


@compiles(SecondsBetween, "postgresql")
def _on_postgresql(element: SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM ({end} - {start})) AS DOUBLE PRECISION)"


@compiles(SecondsBetween, "sqlite")
def _on_sqlite(element: SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"
