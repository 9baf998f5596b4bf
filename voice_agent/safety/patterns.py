"""A small language for wordings, compiled to bounded regular expressions over :func:`wording`'s form.

    chest ~3 (hurt|hurts|on fire)      these words, at most three others between them
    <chest> &5 <pain>                  word sets of the template, in either order, at most five words between
    (really|so)? bad                   may be left out
    vomit*                             any ending

There are no other wildcards and no nesting, so no pattern can take more than linear time per start, and a
person who writes one needs no regular expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from voice_agent.safety.errors import PatternError
from voice_agent.safety.wording import wording

MAX_GAP = 12
"""Words between two parts; more than that is another thought."""

_TOKEN = re.compile(r"\s*(?:(~\d+)|(&\d+)|<([a-z_]+)>(\?)?|\(([^()<>]*)\)(\?)?|([a-z0-9'*]+)(\?)?)(?=\s|$)")

WordSets = Mapping[str, tuple[str, ...]]
"""Name -> words and phrases, as ``<name>`` in patterns."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a pattern matched: words ``start`` to ``stop`` (exclusive) of the sentence.

    ``gap``: the words inside that its last ``~`` or ``&`` left open.
    """

    start: int
    stop: int
    gap: tuple[str, ...] = ()


class Pattern:
    """One compiled pattern."""

    def __init__(self, source: str, sets: WordSets) -> None:
        """Raises :class:`PatternError` when ``source`` is none."""
        self.source = source
        self._regex = re.compile(_compile(source, sets))

    def spans(self, words: str) -> Iterator[Span]:
        """Where the pattern is in ``words`` (of :func:`~voice_agent.safety.wording.wording`)."""
        padded = f" {words} "
        for found in self._regex.finditer(padded):
            start = padded.count(" ", 0, found.start()) - 1
            gaps = [gap for gap in found.groups() if gap is not None]
            yield Span(start, start + found[0].count(" "), tuple(gaps[-1].split()) if gaps else ())


def _compile(source: str, sets: WordSets) -> str:
    parts = [""]
    between: list[int] = []
    place = 0
    text = source.strip().lower()
    if not text:
        raise PatternError("the pattern is empty; write the words it stands for")
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise PatternError(
                f"{text[place:].strip()!r} cannot be read;"
                " use words, (a|b), <set>, ~3 and &3 with blanks between"
            )
        place = found.end()
        gap, either, name, name_optional, group, group_optional, word, optional = found.groups()
        if gap:
            parts[-1] += _gap(int(gap[1:]))
        elif either:
            between.append(_checked_gap(int(either[1:])))
            parts.append("")
        elif name:
            if name not in sets:
                raise PatternError(
                    f"<{name}> is no set of words; known are {', '.join(sorted(sets)) or 'none'}"
                )
            parts[-1] += _any_of(sets[name], name_optional)
        elif group is not None:
            parts[-1] += _any_of(tuple(group.split("|")), group_optional)
        else:
            parts[-1] += _any_of((word,), optional)
    if re.search(r"~\d+$", text):
        raise PatternError(f"{source!r} ends with a gap; leave it out, nothing comes behind it")
    if len(parts) > 2:
        raise PatternError(f"{source!r} has more than one &; split it into two patterns")
    if any(not part for part in parts):
        raise PatternError(f"{source!r} has nothing on one side of &; write what is looked for on both sides")
    if len(parts) == 1:
        return rf"(?<= ){parts[0]}"
    one, other = parts
    gap_between = _gap(between[0])
    return rf"(?<= )(?:{one}{gap_between}{other}|{other}{gap_between}{one})"


def _checked_gap(words: int) -> int:
    if not 0 <= words <= MAX_GAP:
        raise PatternError(f"a gap of {words} words is too wide; at most {MAX_GAP}")
    return words


def _gap(words: int) -> str:
    return rf"((?:[^ .]+ ){{0,{_checked_gap(words)}}}?)"


def _any_of(phrases: tuple[str, ...], optional: str | None) -> str:
    spelled = sorted({_spelled(phrase) for phrase in phrases}, key=len, reverse=True)
    return f"(?:{'|'.join(spelled)}){optional or ''}"


def _spelled(phrase: str) -> str:
    """Each word with the blank behind it."""
    words = []
    for word in phrase.split():
        ending = "*" if word.endswith("*") else ""
        plain = wording(word.removesuffix("*"))
        if not plain or "." in plain.split():
            raise PatternError(f"{word!r} is no word; leave punctuation out")
        words.append("".join(f"{re.escape(each)} " for each in plain.split()))
        if ending:
            words[-1] = words[-1].rstrip() + "[a-z0-9]* "
    if not words:
        raise PatternError("an alternative is empty; remove the stray |")
    return "".join(words)
