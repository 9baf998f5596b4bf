"""A vocabulary as one prefix tree of phones, made of sorted arrays: tens of thousands of words in a tenth
of a
second."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from models.stt.dictionary import Reading
from models.stt.phone_graph import NEVER, NUMBER, Floats, PhoneGraph


def tree_of(readings: Sequence[tuple[Reading, int]], words: tuple[str, ...], single: Floats) -> PhoneGraph:
    """A graph of one root, after every word of which any other may follow.

    Args:
        readings: phones, and the number in ``words`` of what they mean.
        words: texts by number.
        single: log probability of each word alone, for the search to look ahead.
    """
    longest = max(len(reading) for reading, _ in readings)
    spelled = np.zeros((len(readings), longest), np.uint8)
    for i, (reading, _) in enumerate(readings):
        spelled[i, : len(reading)] = [NUMBER[name] for name in reading]
    order = np.argsort(spelled.view(f"S{longest}").ravel(), kind="stable")
    spelled = spelled[order]
    word = np.array([number for _, number in readings], np.int64)[order]
    fresh = np.arange(len(spelled)) == 0
    node = np.zeros(len(spelled), np.int64)
    phones, parents, depths = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)], [1]
    total = 1
    for depth in range(longest):
        column = spelled[:, depth]
        fresh[1:] |= column[1:] != column[:-1]
        new = fresh & (column > 0)
        phones.append(column[new].astype(np.int64))
        parents.append(node[new])
        numbers = total - 1 + np.cumsum(new)
        node = np.where(column > 0, numbers, node)
        total += int(new.sum())
        depths.append(total)
    parent = np.concatenate(parents)
    ahead = np.full(total, NEVER, np.float32)
    np.maximum.at(ahead, node, single[word])
    for first, end in reversed(list(pairwise(depths))):
        np.maximum.at(ahead, parent[first:end], ahead[first:end])
    ahead[0] = 0.0
    closing = np.full(total, NEVER, np.float32)
    closing[0] = 0.0
    by_parent = 1 + np.argsort(parent[1:], kind="stable")
    by_node = np.argsort(node, kind="stable")
    return PhoneGraph(
        np.concatenate(phones),
        np.concatenate([[0], np.cumsum(np.bincount(parent[1:], minlength=total))]),
        by_parent,
        np.zeros(total - 1, np.float32),
        np.concatenate([[0], np.cumsum(np.bincount(node, minlength=total))]),
        word[by_node],
        np.zeros(len(word), np.int64),
        closing,
        ahead,
        words,
    )
