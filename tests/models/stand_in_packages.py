"""Packages of larger models, played by stand-ins: neither they nor their weights are installed for tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and its workers find the stand-ins first."""
    folder = str(Path(__file__).with_name("local_stand_ins"))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", folder)
