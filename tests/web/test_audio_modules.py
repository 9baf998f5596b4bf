"""The browser's own signal processing against ours."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page
from scripted_practice import ScriptedPractice

from telephony.g711 import decode_ulaw, encode_ulaw

pytestmark = pytest.mark.browser


def test_the_browser_encodes_every_sample_as_we_do(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    codes = page.evaluate(
        """async () => {
            const { encode } = await import("/static/js/phone/g711.js");
            return Array.from(encode(Float32Array.from({ length: 65536 }, (_, i) => (i - 32768) / 32768)));
        }"""
    )
    assert bytes(codes) == encode_ulaw(np.arange(-32768, 32768).astype(np.int16))


def test_the_browser_decodes_every_code_as_we_do(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    samples = page.evaluate(
        """async () => {
            const { decode } = await import("/static/js/phone/g711.js");
            return Array.from(decode(Uint8Array.from({ length: 256 }, (_, i) => i)), (x) => x * 32768);
        }"""
    )
    assert samples == decode_ulaw(bytes(range(256))).tolist()


RESAMPLE = """async ({ from, to, hertz, chunk }) => {
    const { Resampler } = await import("/static/js/phone/resampler.js");
    const resampler = new Resampler(from, to);
    const output = [];
    for (let at = 0; at < from / 2; at += chunk) {
        const wave = (_, i) => Math.sin(2 * Math.PI * hertz * (at + i) / from);
        const input = Float32Array.from({ length: chunk }, wave);
        output.push(...resampler.process(input));
    }
    return output;
}"""


def resampled(page: Page, source: int, target: int, hertz: float, chunk: int = 128) -> np.ndarray:
    arguments = {"from": source, "to": target, "hertz": hertz, "chunk": chunk}
    return np.asarray(page.evaluate(RESAMPLE, arguments))


@pytest.mark.parametrize(
    ("source", "target"), [(48000, 8000), (44100, 8000), (8000, 48000), (8000, 44100), (8000, 8000)]
)
def test_speech_keeps_level_pitch_and_length(
    page: Page, practice: ScriptedPractice, source: int, target: int
) -> None:
    page.goto(practice.url)
    output = resampled(page, source, target, 1000.0)
    t = np.arange(len(output)) / target
    middle = slice(len(output) // 4, len(output) * 3 // 4)
    basis = np.stack([np.sin(2 * np.pi * 1000 * t), np.cos(2 * np.pi * 1000 * t)], axis=1)[middle]
    weights, *_ = np.linalg.lstsq(basis, output[middle], rcond=None)
    noise = output[middle] - basis @ weights
    assert len(output) == pytest.approx(target / 2, abs=target * 0.02)
    assert np.hypot(*weights) == pytest.approx(1.0, abs=0.01)
    assert np.std(noise) < 1e-3


@pytest.mark.parametrize("hertz", [4600.0, 7000.0, 12000.0])
def test_what_a_phone_cannot_carry_is_removed_and_does_not_fold_back(
    page: Page, practice: ScriptedPractice, hertz: float
) -> None:
    page.goto(practice.url)
    output = resampled(page, 48000, 8000, hertz)
    assert np.std(output[400:]) < 1e-3


def test_chunks_of_any_size_give_the_same_audio(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    fine, coarse = (resampled(page, 44100, 8000, 700.0, chunk) for chunk in (50, 441))
    length = min(len(fine), len(coarse))
    assert np.abs(fine[:length] - coarse[:length]).max() < 1e-6
