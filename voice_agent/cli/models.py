"""``voice-agent models``: what the installation does not bring along."""
