"""A JSGF grammar as a finite automaton: what a search follows.

Words, ``[optional]``, ``(one | other)``, ``<rule>``, ``+`` for repetition, and ``/0.01/`` before an
alternative that needs better evidence than the rest: the part of JSGF that :mod:`models.stt.grammar` writes.
States with the same future are merged, so a rule used in many places costs little.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(r"\s*(?:(<[a-z_0-9]+>)|/([\d.e-]+)/|([\[\]()|+])|([a-z0-9'.-]+))")
_RULE: Final = re.compile(r"(?:public\s+)?<([a-z_0-9]+)>\s*=\s*([^;]*);")


@dataclass(frozen=True, slots=True)
class Automaton:
    """States are numbers below ``states``; 0 begins, ``final`` ends.

    Attributes:
        states: how many.
        final: the state in which a sentence is complete.
        steps: ``(from, to, word)``.
        skips: ``(from, to, probability)``: steps without a word; one is enough, two in a row are never
        needed.
    """

    states: int
    final: int
    steps: tuple[tuple[int, int, str], ...]
    skips: tuple[tuple[int, int, float], ...]


def automaton_of(jsgf: str, top: str = "top") -> Automaton:
    """The automaton of the rule ``<top>``. Raises :class:`ValueError` where the text does not parse."""
    rules = dict(_RULE.findall(jsgf))
    if top not in rules:
        raise ValueError(f"the grammar has no rule <{top}>")
    builder = _Builder(rules)
    return builder.finish(builder.text(0, rules[top]))


class _Builder:
    """Collects states and steps; the methods grow a path from a state and return the state it ends in."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._rules = rules
        self._parsed: dict[str, list[str]] = {}
        self._steps: list[dict[str, set[int]]] = [{}]
        self._free: list[dict[int, float]] = [{}]

    def _state(self) -> int:
        self._steps.append({})
        self._free.append({})
        return len(self._steps) - 1

    def _skip(self, at: int, to: int, probability: float = 1.0) -> None:
        self._free[at][to] = max(probability, self._free[at].get(to, 0.0))

    def text(self, at: int, notation: str) -> int:
        """A path for the right-hand side of a rule."""
        tokens = self._parsed.get(notation)
        if tokens is None:
            tokens = self._parsed[notation] = _tokens(notation)
        end, rest = self._alternatives(at, tokens, 0)
        if rest != len(tokens):
            raise ValueError(f"unexpected {tokens[rest]!r} in grammar {notation!r}")
        return end

    def _alternatives(self, at: int, tokens: Sequence[str], i: int) -> tuple[int, int]:
        end = self._state()
        while True:
            start = at
            if i < len(tokens) and tokens[i].startswith("/"):
                start = self._state()
                self._skip(at, start, float(tokens[i][1:]))
                i += 1
            last, i = self._sequence(start, tokens, i)
            self._skip(last, end)
            if i < len(tokens) and tokens[i] == "|":
                i += 1
                continue
            return end, i

    def _sequence(self, at: int, tokens: Sequence[str], i: int) -> tuple[int, int]:
        while i < len(tokens) and tokens[i] not in "|)]":
            token = tokens[i]
            begin = at
            if token in "([" or tokens[i + 1 : i + 2] == ["+"]:
                # What repeats or may be left out needs an entrance of its own, or a path could enter its
                # middle.
                begin = self._state()
                self._skip(at, begin)
            if token in "([":
                end, i = self._alternatives(begin, tokens, i + 1)
                if i >= len(tokens) or tokens[i] != {"(": ")", "[": "]"}[token]:
                    raise ValueError(f"a {token!r} is not closed in grammar {' '.join(tokens)!r}")
                if token == "[":
                    self._skip(begin, end)
            elif token.startswith("<"):
                if token[1:-1] not in self._rules:
                    raise ValueError(f"the grammar has no rule {token}")
                end = self.text(begin, self._rules[token[1:-1]])
            else:
                end = self._state()
                self._steps[begin].setdefault(token, set()).add(end)
            i += 1
            at = end
            if tokens[i : i + 1] == ["+"]:
                self._skip(end, begin)
                i += 1
                at = self._state()
                self._skip(end, at)
        return at, i

    def finish(self, end: int) -> Automaton:
        """The automaton of all paths from state 0 to ``end``."""
        arrivals = {0} | {to for steps in self._steps for targets in steps.values() for to in targets}
        skips: dict[int, tuple[tuple[int, float], ...]] = {}
        for state in arrivals:
            reached = self._closure(state)
            skips[state] = tuple(
                (to, p) for to, p in reached.items() if to != state and (self._steps[to] or to == end)
            )
        used = arrivals | {to for targets in skips.values() for to, _ in targets} | {end}
        number = self._merged(used, skips, end)
        steps = {(number[s], number[t], w) for s in used for w, ts in self._steps[s].items() for t in ts}
        free: dict[tuple[int, int], float] = {}
        for state in arrivals:
            for to, probability in skips[state]:
                pair = number[state], number[to]
                if pair[0] != pair[1]:
                    free[pair] = max(probability, free.get(pair, 0.0))
        return Automaton(
            1 + max(number.values()),
            number[end],
            tuple(sorted(steps)),
            tuple((a, b, p) for (a, b), p in sorted(free.items())),
        )

    def _merged(
        self, used: set[int], skips: Mapping[int, tuple[tuple[int, float], ...]], end: int
    ) -> dict[int, int]:
        """New numbers; states that cannot be told apart share one (Moore's partition refinement)."""
        block = {state: int(state == end) for state in used}
        count = 2
        while True:
            signatures: dict[object, int] = {}
            refined = {
                state: signatures.setdefault(
                    (
                        block[state],
                        frozenset(
                            (w, block[t]) for w, targets in self._steps[state].items() for t in targets
                        ),
                        frozenset((block[t], p) for t, p in skips.get(state, ())),
                    ),
                    len(signatures),
                )
                for state in used
            }
            if len(signatures) == count:
                break
            block, count = refined, len(signatures)
        order = {block[0]: 0}
        for state in sorted(used):
            order.setdefault(block[state], len(order))
        return {state: order[block[state]] for state in used}

    def _closure(self, state: int) -> dict[int, float]:
        """States reached without a word, with the best probability of getting there."""
        best = {state: 1.0}
        pending = [state]
        while pending:
            at = pending.pop()
            for to, probability in self._free[at].items():
                reached = best[at] * probability
                if reached > best.get(to, 0.0):
                    best[to] = reached
                    pending.append(to)
        return best


def _tokens(notation: str) -> list[str]:
    tokens, at = [], 0
    while at < len(notation.rstrip()):
        match = _TOKEN.match(notation, at)
        if match is None:
            raise ValueError(f"cannot read {notation[at : at + 20]!r} in the grammar")
        rule, weight, mark, word = match.groups()
        tokens.append(rule or (f"/{weight}" if weight else mark or word))
        at = match.end()
    return tokens
