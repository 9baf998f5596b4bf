"""The phones that words are made of, as the recognizer's network knows them."""

from __future__ import annotations

from typing import Final

PHONES: Final = (
    *("-", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH"),
    *("IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W"),
    *("Y", "Z", "ZH"),
)
"""The network's outputs: the blank of CTC, then the 39 phones of the CMU dictionary."""
