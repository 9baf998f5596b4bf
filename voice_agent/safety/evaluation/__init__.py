"""Sentences with what must be heard in them, and figures of how well that works."""
