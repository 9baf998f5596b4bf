"""Every table of the installation, gathered for Alembic: importing this module fills ``Base.metadata``."""

from __future__ import annotations

from voice_agent.store.database import Base

metadata = Base.metadata
