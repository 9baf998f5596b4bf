"""``python -m voice_agent.cli``: the command line without its installed script."""

from voice_agent.cli import app

app()
