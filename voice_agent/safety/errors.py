"""What goes wrong with safety rules."""

from __future__ import annotations


class SafetyError(Exception):
    """Base of everything this package raises."""


class PatternError(SafetyError):
    """A pattern cannot be read; the message names the part and the remedy."""


class SafetyRulesError(SafetyError):
    """A document of safety rules cannot be used; the message lists every problem with its line."""
