"""The card of the prosody model: measured, drawn, written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from models.emotion_encoder import EmotionEncoder
from models.prosody import Dimension, ProsodyModel, VoiceEmotion
from training.emotion_features import Features
from training.latency import voice_latency
from training.model_card import figure, table
from training.model_plots import confusion, reliability, roc
from training.prosody_figures import VoiceScores, calibration, guesses, heard, heard_in_turn, statistics
from training.prosody_labels import CATEGORY_OF, DIMENSIONS, sides

LINES = ("clean", "phone", "noisy")
FOLDS = 5

_CARD = """# Prosody

What a caller's voice says of how they feel: seven categories (angry, bored, disgusted, fearful, happy,
neutral, sad), arousal, valence and a dominance proxy, from the last two seconds of speech at 8 kHz.
`scripts/train_prosody.py` wrote this card.

- **Version** `{version}`, weights sha256 `{sha256}`, {size} kB, on the encoder in `models/emotion_encoder`
  (4.3 MB, shared).
- **Method** Logistic regressions on the encoder's 1,536 numbers, each twice: on the window as it is, and on
  its difference from the caller's running mean (prior of 8 windows, the most aroused windows left out).
  Scores are calibrated on training actors held out in turn (one temperature for the categories, slope and
  offset for the dimensions). Every clip is heard seven times: clean, over a phone line (300-3400 Hz,
  mu-law), with 15 dB of noise, over two lines drawn by chance (noise of any colour at 8-25 dB, lost packets,
  clipping) and twice with speed and formants shifted by 8-12 %. Three tenths of arousal come from a
  regression on English vocal bursts, because its errors are others.
- **Data** EmoDB (Burkhardt et al. 2005; CC0 1.0), German acted speech, 10 actors; arousal also EmoGator
  (Fred W. Buhl; Apache-2.0), contributors 1-270. Weights ship under this project's licence with these names.
- **Split** by actor: 15 and 16 are the test, never trained on; the shipped weights know the other eight.
  Because two actors say little, the same procedure is repeated with two actors left out at a time, until
  each was left out once.

## Figures

95 % intervals in brackets: over actors where all ten are scored, over clips for the two test actors. UAR:
mean recall of the classes.

Two test actors, shipped weights:

{test}

All ten actors, each scored by weights that do not know them:

{folds}

Recall per category (ten actors): {recall}.

Calibration error (expected, ten bins; dimensions with both sides weighted equally): {ece}.

![ROC](roc.svg) ![confusion](confusion.svg) ![reliability](reliability.svg)

## Cost

{latency}

## What was tried

Phone line, heads trained on one gender's actors and tested on the other's, mean of both ways: AUC of arousal
.996, valence .833, anger .959, four classes UAR .703. Nothing moved that by more than chance: fewer copies
(.996 / .829-.836 / .957 / .692-.696), a quarter or five times the regularization (.995 / .833 / .955 / .706
and .996 / .830 / .961 / .709), one layer alone (.992-.996 / .819-.822 / .954 / .706-.714), means without
deviations (.995 / .822 / .952 / .728). Principal components and shrunk discriminants lost valence (.84
against .88, actors in turn).

## Limits

- Trained on ten German actors who were asked to act. No patient's call was heard, no continuous label
  exists: claim AUC and UAR against category labels, nothing about correlation with felt emotion. On English
  acted speech expect arousal and anger near .92 AUC, valence near .74 and four classes near .55 UAR (the
  same method on corpora that are not in this repository).
- Valence from the voice alone is weak here and everywhere; take it from words and bursts first. Dominance is
  a proxy: anger, happiness and disgust against fear, sadness and boredom.
- "Angry" is the category to be careful with: a false one makes the agent apologise for nothing. Sadness is
  often heard as boredom.
- Scores move between microphones and rooms; hold them against the caller's baseline and report
  `baseline_windows`.
- Silence, tones, heavy clipping, broken samples and less than a quarter of a second give the neutral reading
  with its reason.
- Callers only, never operators. A cue with a confidence: no diagnosis, and never alone a reason to refuse or
  delay care.
"""


def write_card(
    folder: Path,
    model: ProsodyModel,
    encoder: EmotionEncoder,
    copies: Mapping[str, Features],
    without: Callable[[set[str]], ProsodyModel],
) -> None:
    """Measure, draw, and write ``README.md`` in ``folder``; prints the figures as well."""
    test = {line: copies[line].only(copies[line].split == "test") for line in LINES}
    scored = {line: heard(model, features) for line, features in test.items()}
    test_table = _table({line: scored[line] for line in LINES}, by_clip=True)
    everybody = _left_out(copies, without)
    folds_table = _table(everybody, by_clip=False)
    phone = everybody["phone"]
    guess = guesses(phone)
    recall = ", ".join(
        f"{label} {np.mean(guess[phone.label == label] == label):.2f}" for label in CATEGORY_OF
    )
    errors = {line: calibration(everybody[line]) for line in LINES}
    ece = "; ".join(
        f"{line}: " + ", ".join(f"{k} {v:.3f}" for k, v in e.items()) for line, e in errors.items()
    )
    _draw(folder, phone)
    card = _CARD.format(
        version=model.identity.version,
        sha256=model.identity.sha256,
        size=round((folder / "prosody.npz").stat().st_size / 1000),
        test=test_table,
        folds=folds_table,
        recall=recall,
        ece=ece,
        latency=voice_latency(encoder, model),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    print(card)


def _left_out(
    copies: Mapping[str, Features], without: Callable[[set[str]], ProsodyModel]
) -> dict[str, VoiceScores]:
    """Scores of all actors by models that do not know them, by line, and against the running baseline."""
    actors = np.unique(copies["clean"].speaker)
    parts: dict[str, list[VoiceScores]] = {}
    for fold in range(FOLDS):
        held = actors[fold::FOLDS]
        model = without(set(held.tolist()))
        for line in LINES:
            features = copies[line].only(np.isin(copies[line].speaker, held))
            parts.setdefault(line, []).append(heard(model, features))
            if line == "phone":
                parts.setdefault("phone, running baseline", []).append(heard_in_turn(model, features))
    return {name: _joined(scores) for name, scores in parts.items()}


def _joined(parts: list[VoiceScores]) -> VoiceScores:
    return VoiceScores(
        np.concatenate([p.categories for p in parts]),
        {d: np.concatenate([p.dimensions[d] for p in parts]) for d in Dimension},
        np.concatenate([p.label for p in parts]),
        np.concatenate([p.speaker for p in parts]),
    )


def _table(scores: Mapping[str, VoiceScores], *, by_clip: bool) -> str:
    found = {name: statistics(s) for name, s in scores.items()}
    names = list(next(iter(found.values())))
    rows = []
    for name in names:
        cells = []
        for line in scores:
            statistic, speaker = found[line][name]
            cells.append(figure(statistic, np.arange(len(speaker)) if by_clip else speaker))
        rows.append([name, *cells])
    return table(["", *scores], rows)


def _draw(folder: Path, scores: VoiceScores) -> None:
    curves = {}
    bent = {}
    for dimension, low in ((Dimension.AROUSAL, 0.0), (Dimension.VALENCE, -1.0), (Dimension.DOMINANCE, 0.0)):
        truth = sides(scores.label, DIMENSIONS[dimension])
        judged = truth >= 0
        p = (scores.dimensions[dimension][judged] - low) / (1 - low)
        curves[dimension.value] = truth[judged], p
        bent[dimension.value] = truth[judged], p
    for emotion in (VoiceEmotion.ANGRY, VoiceEmotion.SAD, VoiceEmotion.FEARFUL, VoiceEmotion.HAPPY):
        label = next(name for name, e in CATEGORY_OF.items() if e is emotion)
        curves[emotion.value] = (scores.label == label).astype(int), scores.category(emotion)
    guess = guesses(scores)
    bent["top category"] = (guess == scores.label).astype(int), scores.categories.max(axis=1)
    roc(folder / "roc.svg", curves)
    confusion(folder / "confusion.svg", scores.label, guess, list(CATEGORY_OF))
    reliability(folder / "reliability.svg", bent)
