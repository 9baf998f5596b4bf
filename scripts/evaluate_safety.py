"""Prints how well safety rules hear what cannot wait: recall and false alarms per concept, and the time a
turn takes.

    python scripts/evaluate_safety.py                     # both sets, the standard rules
    python scripts/evaluate_safety.py --set tuning --wrong    # which sentences go wrong; only of the tuning
    set python scripts/evaluate_safety.py --file own.yaml --rules safety.yaml

Exit status 1 below the floors. The held-out set is never printed sentence by sentence: rules are not to be
read off it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from voice_agent.safety.evaluation.figures import (
    SETS,
    Outcome,
    false_alarms,
    outcomes,
    recall,
    sentences,
    told,
)
from voice_agent.safety.findings import Verdict
from voice_agent.safety.loader import load_rules
from voice_agent.safety.monitor import Rulebook

RECALL_FLOOR = 0.75
FALSE_ALARM_CEILING = 0.2
TURN_MS = 5.0
"""What one turn may take, at the 95th percentile."""


def main() -> int:
    """Evaluate; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=[*SETS, "all"], default="all")
    parser.add_argument("--file", type=Path, help="sentences of one's own, in the same form")
    parser.add_argument("--rules", type=Path, help="a safety.yaml; the standard rules without it")
    parser.add_argument("--wrong", action="store_true", help="list what goes wrong (not of the held-out set)")
    arguments = parser.parse_args()
    rulebook = Rulebook(load_rules(arguments.rules))
    sets = {name: path for name, path in SETS.items() if arguments.set in (name, "all")}
    if arguments.file is not None:
        sets = {arguments.file.stem: arguments.file}
    good = True
    for name, path in sets.items():
        judged = outcomes(rulebook, sentences(path))
        _print(name, judged)
        if arguments.wrong and name != "held_out":
            _print_wrong(judged)
        good = good and _good(judged)
    return 0 if good else 1


def _print(name: str, judged: list[Outcome]) -> None:
    print(f"\n{name}: {len(judged)} sentences, 95 % intervals\n")
    print(f"{'concept':24}{'heard at its level':26}{'a person is told':26}{'false alarms':26}of them acute")
    concepts = dict.fromkeys(each.sentence.concept for each in judged)
    for concept in (*concepts, "all"):
        rows = [each for each in judged if concept in ("all", each.sentence.concept)]
        acute = false_alarms(rows, verdict=Verdict.CALL)
        cells = (recall(rows), told(rows), false_alarms(rows))
        print(f"{concept:24}{''.join(f'{cell!s:26}' for cell in cells)}{acute.hits}")
    times = [each.cpu_ms for each in judged]
    print(f"\nCPU ms per turn: median {np.median(times):.2f}, 95th percentile {np.percentile(times, 95):.2f}")


def _print_wrong(judged: list[Outcome]) -> None:
    for each in judged:
        if not each.right:
            found = ", ".join(each.found) or "nothing"
            wanted = each.sentence.expected.name.lower()
            print(f"  wanted {wanted}, got {each.level.name.lower()} ({found}): {each.sentence.text}")


def _good(judged: list[Outcome]) -> bool:
    slow = np.percentile([each.cpu_ms for each in judged], 95) > TURN_MS
    return (
        recall(judged).value >= RECALL_FLOOR
        and false_alarms(judged).value <= FALSE_ALARM_CEILING
        and not slow
    )


if __name__ == "__main__":
    sys.exit(main())
