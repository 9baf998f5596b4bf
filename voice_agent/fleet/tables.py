"""What is kept of the processes of an installation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.store.database import Base


class CallWorkerRow(Base):
    """A process that carries calls, as it last said itself.

    ``gone_at`` is set by the worker when it ends, or by whoever finds it dead; ``settled_at`` when nothing of
    its calls is left to be done. Both are None for one that lives.
    """

    __tablename__ = "call_workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    """Origin under which the phone network and other processes reach this very process."""
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    calls: Mapped[int]
    room: Mapped[int]
    """How many further calls it would take."""
    hears: Mapped[bool]
    """Whether commands reach it."""
    operators: Mapped[list[str]]
    """Operators who are on its calls, or being rung."""
    gone_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
