"""Every table of the installation, gathered for Alembic: importing this module fills ``Base.metadata``."""

from __future__ import annotations

from voice_agent.access import tables as access_tables
from voice_agent.call import record_tables
from voice_agent.fleet import tables as fleet_tables
from voice_agent.operators import tables as operator_tables
from voice_agent.practice import tables as practice_tables
from voice_agent.store.database import Base

OWNERS = (record_tables, practice_tables, operator_tables, access_tables, fleet_tables)
"""The modules that declare tables; a new one is added here and gets a revision."""

metadata = Base.metadata
