"""What can go wrong in the reasoning package."""

from __future__ import annotations


class ReasoningError(Exception):
    """Base of all errors raised here."""


class GraphError(ReasoningError):
    """A graph cannot be used; the message lists every problem with its line."""


class ExpressionError(ReasoningError):
    """A condition or template is not written in our small language."""


class ToolError(ReasoningError):
    """Base of errors around tools."""


class ToolNotListed(ToolError):
    """A tool was asked for that the current state does not list."""


class UnknownTool(ToolError):
    """A tool was named that is not registered."""


class BadToolArguments(ToolError):
    """The arguments do not fit the tool's signature."""


class ModelError(ReasoningError):
    """A language model was late, down, or answered with something unusable."""
