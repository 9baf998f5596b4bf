"""Layered drawing of a directed graph: ranks, order within ranks, coordinates.

The method of Sugiyama, Tagawa and Toda (1981) in its usual steps: reverse the edges that close cycles, rank
by longest path, put a dummy on every rank a long edge crosses, order each rank by the median of its
neighbours (Gansner et al. 1993), and shift nodes towards their neighbours without overlaps. Labels are nodes
on the ranks between, so that they get room of their own. Deterministic: the same graph gives the same
picture.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

SWEEPS = 12
"""Passes over all ranks while ordering; more changes little."""
SHIFTS = 24
GAP_X = 22.0
"""Least room between neighbours, pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A thing to place: ``width`` and ``height`` in pixels."""

    name: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge with the box of its label, which is placed too."""

    tail: str
    head: str
    label: Box


@dataclass(slots=True)
class _Node:
    key: Hashable
    width: float
    height: float
    rank: int
    x: float = 0.0
    above: list[_Node] = field(default_factory=list)
    below: list[_Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Path:
    """A placed edge: the points it passes from tail to head, and the middle of its label.

    ``backward`` is True when it runs against the ranks.
    """

    arrow: Arrow
    points: tuple[tuple[float, float], ...]
    label: tuple[float, float]
    backward: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Middles of the boxes, placed edges, and the size of the whole."""

    boxes: dict[str, tuple[float, float]]
    paths: tuple[Path, ...]
    width: float
    height: float


def ranks_of(boxes: Sequence[Box], arrows: Sequence[Arrow], roots: Sequence[str]) -> dict[str, int]:
    """Rank of every box by the longest way from the roots, cycles opened."""
    backward = _closing(boxes, arrows, roots)
    forward: dict[str, list[str]] = {box.name: [] for box in boxes}
    for index, arrow in enumerate(arrows):
        tail, head = (arrow.head, arrow.tail) if index in backward else (arrow.tail, arrow.head)
        if tail != head:
            forward[tail].append(head)
    return _longest(forward)


def lay_out(
    boxes: Sequence[Box], arrows: Sequence[Arrow], roots: Sequence[str], *, gap_y: float = 26.0
) -> Layout:
    """Place boxes and edges.

    Args:
        roots: boxes to begin with, the first one at the top.
        gap_y: room between ranks, pixels.
    """
    arrows = [arrow for arrow in arrows if arrow.tail != arrow.head]
    backward = _closing(boxes, arrows, roots)
    ranks = ranks_of(boxes, arrows, roots)
    nodes: dict[Hashable, _Node] = {
        box.name: _Node(box.name, box.width, box.height, 2 * ranks[box.name]) for box in boxes
    }
    chains = [_chain(arrow, index, index in backward, nodes) for index, arrow in enumerate(arrows)]
    rows = _rows(nodes.values())
    _order(rows)
    _spread(rows)
    heights = [max((node.height for node in row), default=0.0) for row in rows]
    middles = _middles(heights, gap_y)
    left = min((node.x - node.width / 2 for row in rows for node in row), default=0.0)
    right = max((node.x + node.width / 2 for row in rows for node in row), default=0.0)
    for row in rows:
        for node in row:
            node.x -= left
    placed = {box.name: (nodes[box.name].x, middles[nodes[box.name].rank]) for box in boxes}
    paths = tuple(
        _path(arrow, chain, index in backward, middles, placed)
        for index, (arrow, chain) in enumerate(zip(arrows, chains, strict=True))
    )
    return Layout(placed, paths, right - left, (middles[-1] + heights[-1] / 2) if middles else 0.0)


def _closing(boxes: Sequence[Box], arrows: Sequence[Arrow], roots: Sequence[str]) -> set[int]:
    """Indices of edges that close a cycle, found depth first from the roots."""
    out: dict[str, list[tuple[int, str]]] = {box.name: [] for box in boxes}
    for index, arrow in enumerate(arrows):
        out[arrow.tail].append((index, arrow.head))
    closing: set[int] = set()
    finished: set[str] = set()
    for root in [*roots, *(box.name for box in boxes)]:
        if root in finished or root not in out:
            continue
        stack: list[tuple[str, int]] = [(root, 0)]
        active = {root}
        while stack:
            name, at = stack.pop()
            if at < len(out[name]):
                stack.append((name, at + 1))
                index, head = out[name][at]
                if head in active:
                    closing.add(index)
                elif head not in finished:
                    active.add(head)
                    stack.append((head, 0))
            else:
                active.discard(name)
                finished.add(name)
    return closing


def _longest(forward: dict[str, list[str]]) -> dict[str, int]:
    waiting = dict.fromkeys(forward, 0)
    for heads in forward.values():
        for head in heads:
            waiting[head] += 1
    ranks = dict.fromkeys(forward, 0)
    ready = [name for name, count in waiting.items() if count == 0]
    while ready:
        name = ready.pop(0)
        for head in forward[name]:
            ranks[head] = max(ranks[head], ranks[name] + 1)
            waiting[head] -= 1
            if waiting[head] == 0:
                ready.append(head)
    return ranks


def _chain(arrow: Arrow, index: int, backward: bool, nodes: dict[Hashable, _Node]) -> list[_Node]:
    """The label and dummies of an edge, from its tail to its head; linked into the ranks."""
    tail, head = nodes[arrow.tail], nodes[arrow.head]
    top, bottom = (head, tail) if backward else (tail, head)
    inner: list[_Node] = []
    label_rank = tail.rank - 1 if backward else tail.rank + 1
    previous = top
    for rank in range(top.rank + 1, bottom.rank):
        labelled = rank == label_rank
        width, height = (arrow.label.width, arrow.label.height) if labelled else (8.0, 0.0)
        node = _Node((index, rank), width, height, rank)
        nodes[node.key] = node
        previous.below.append(node)
        node.above.append(previous)
        inner.append(node)
        previous = node
    previous.below.append(bottom)
    bottom.above.append(previous)
    return inner[::-1] if backward else inner


def _rows(nodes: Iterable[_Node]) -> list[list[_Node]]:
    listed = list(nodes)
    rows: list[list[_Node]] = [[] for _ in range(max((node.rank for node in listed), default=-1) + 1)]
    for node in listed:
        rows[node.rank].append(node)
    return rows


def _order(rows: list[list[_Node]]) -> None:
    """Order each rank so that few edges cross: medians, downwards and upwards, and the best order seen."""
    position = _positions(rows)
    best, best_order = _crossings(rows, position), [list(row) for row in rows]
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            keyed = [
                (
                    _median([position[id(other)] for other in (node.above if downwards else node.below)]),
                    index,
                    node,
                )
                for index, node in enumerate(row)
            ]
            keyed.sort(key=lambda item: (item[1] if item[0] is None else item[0], item[1]))
            row[:] = [node for _, _, node in keyed]
            position.update({id(node): float(index) for index, node in enumerate(row)})
        crossings = _crossings(rows, position)
        if crossings < best:
            best, best_order = crossings, [list(row) for row in rows]
    rows[:] = best_order


def _positions(rows: list[list[_Node]]) -> dict[int, float]:
    return {id(node): float(index) for row in rows for index, node in enumerate(row)}


def _crossings(rows: list[list[_Node]], position: dict[int, float]) -> int:
    total = 0
    for row in rows:
        ends = sorted((position[id(node)], position[id(other)]) for node in row for other in node.below)
        heads = [head for _, head in ends]
        total += sum(heads[j] < heads[i] for i in range(len(heads)) for j in range(i + 1, len(heads)))
    return total


def _median(values: list[float]) -> float | None:
    if not values:
        return None
    values.sort()
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _spread(rows: list[list[_Node]]) -> None:
    """Give every node an x: packed first, then drawn towards its neighbours while nobody overlaps."""
    for row in rows:
        at = 0.0
        for node in row:
            node.x = at + node.width / 2
            at += node.width + GAP_X
        for node in row:
            node.x -= at / 2
    for turn in range(SHIFTS):
        downwards = turn % 2 == 0
        for row in rows if downwards else reversed(rows):
            wishes = []
            for node in row:
                around = node.above if downwards else node.below
                middle = _median([other.x for other in around or (*node.above, *node.below)])
                wishes.append(node.x if middle is None else middle)
            _settle(row, wishes)


def _settle(row: list[_Node], wishes: list[float]) -> None:
    """Place a row as near to its wishes as its order allows: neighbours that would overlap move as one block.

    Pool adjacent violators: each block sits where the mean of its members' wishes puts it.
    """
    blocks: list[tuple[float, list[int]]] = []
    offsets = [0.0] * len(row)
    for index in range(1, len(row)):
        offsets[index] = offsets[index - 1] + (row[index - 1].width + row[index].width) / 2 + GAP_X
    for index, wish in enumerate(wishes):
        place, members = wish - offsets[index], [index]
        while blocks and blocks[-1][0] > place:
            before, earlier = blocks.pop()
            place = (before * len(earlier) + place * len(members)) / (len(earlier) + len(members))
            members = earlier + members
        blocks.append((place, members))
    for place, members in blocks:
        for index in members:
            row[index].x = place + offsets[index]


def _middles(heights: list[float], gap: float) -> list[float]:
    middles: list[float] = []
    at = 0.0
    for height in heights:
        middles.append(at + height / 2)
        at += height + (gap if height else gap / 2)
    return middles


def _path(
    arrow: Arrow,
    chain: list[_Node],
    backward: bool,
    middles: list[float],
    placed: dict[str, tuple[float, float]],
) -> Path:
    points = [placed[arrow.tail], *((node.x, middles[node.rank]) for node in chain), placed[arrow.head]]
    label = points[1] if chain else points[0]
    return Path(arrow, tuple(points), label, backward)
