"""A graph with its subgraphs resolved: one flat table of places, each with a qualified name.

The states of a referenced graph appear as ``reference.state``; that is the name the outside sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from voice_agent.reasoning.errors import GraphError
from voice_agent.reasoning.graph import ContextGraph, GraphReference
from voice_agent.reasoning.parts import NextState
from voice_agent.reasoning.states import RETURN, State
from voice_agent.reasoning.validate import MAX_SUBGRAPH_DEPTH

Resolver = Callable[[GraphReference], ContextGraph]
"""Finds the graph of an ``(identifier, version)`` pair; raises KeyError when there is none."""


@dataclass(frozen=True, slots=True)
class Place:
    """A state with where it lives.

    Attributes:
        name: qualified name.
        state: the state.
        graph: the graph it belongs to.
        prefix: "" or the reference's qualified name with a dot.
    """

    name: str
    state: State
    graph: ContextGraph
    prefix: str

    @property
    def is_terminal(self) -> bool:
        """True for the terminal state of its own graph."""
        return self.state.name == self.graph.terminal_state


@dataclass(frozen=True, slots=True)
class Target:
    """Where a ``next_state`` leads.

    Attributes:
        place: qualified name of the state to enter; None for ``return``.
        come_back_to: qualified name of the state after the subgraph, for a subgraph call.
    """

    place: str | None
    come_back_to: str | None = None


@dataclass(frozen=True)
class LinkedGraph:
    """All places of a graph and its subgraphs by qualified name."""

    root: ContextGraph
    places: dict[str, Place]

    def target(self, place: Place, way: NextState) -> Target:
        """Resolve a ``next_state`` as seen from a place."""
        if isinstance(way, tuple):
            return Target(self._known(place.prefix + way[0]), self._known(place.prefix + way[1]))
        return Target(None) if way == RETURN else Target(self._known(place.prefix + way))

    def _known(self, name: str) -> str:
        if name not in self.places:
            raise GraphError(f"there is no state {name!r}; validate the graph before it runs")
        return name


def link(graph: ContextGraph, resolve: Resolver | None = None) -> LinkedGraph:
    """Resolve all references.

    Raises:
        GraphError: for a reference nobody can resolve, or subgraphs that contain each other.
    """
    places: dict[str, Place] = {}
    _place_all(graph, "", 0, resolve, places)
    return LinkedGraph(graph, places)


def _place_all(
    graph: ContextGraph, prefix: str, depth: int, resolve: Resolver | None, places: dict[str, Place]
) -> None:
    if depth > MAX_SUBGRAPH_DEPTH:
        raise GraphError(
            f"subgraphs nest deeper than {MAX_SUBGRAPH_DEPTH} at {prefix!r}; do they contain each other?"
        )
    for state in graph.states:
        places[prefix + state.name] = Place(prefix + state.name, state, graph, prefix)
    for name, reference in graph.references.items():
        inner = reference if isinstance(reference, ContextGraph) else _resolved(name, reference, resolve)
        _place_all(inner, f"{prefix}{name}.", depth + 1, resolve, places)


def _resolved(name: str, reference: GraphReference, resolve: Resolver | None) -> ContextGraph:
    if resolve is None:
        raise GraphError(
            f"the reference {name!r} names {reference[0]!r} version {reference[1]}; pass a resolver"
        )
    try:
        return resolve(reference)
    except KeyError:
        raise GraphError(
            f"the reference {name!r}: there is no graph {reference[0]!r} version {reference[1]}"
        ) from None
