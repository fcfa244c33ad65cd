"""Text of users in pictures, such as names of runs and values of knobs: literal, in one line, and short enough."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font

_FACES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}
_LEAST = 12  # characters that are left of any text


def font_path(bold: bool = False) -> Path:
    """The house font; matplotlib brings it along, so that it looks the same everywhere."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / _FACES[bold]


@cache
def _drawable() -> frozenset[int]:
    """The characters that the house font has in both weights."""
    return frozenset.intersection(*(frozenset(FT2Font(str(font_path(bold))).get_charmap()) for bold in _FACES))


def literal(text: str) -> str:
    r"""``text`` in one line of characters that can be drawn; others are written as in Python, such as ``\n``."""
    return "".join(
        c if c.isprintable() and ord(c) in _drawable() else c.encode("unicode_escape").decode() for c in text
    )


def shortened(text: str, longest: int) -> str:
    """``text`` of at most ``longest`` characters (at least 12), in whose middle a digest stands for what is left out.

    Texts that differ in their middle alone stay different.
    """
    longest = max(longest, _LEAST)
    if len(text) <= longest:
        return text
    middle = f"…{hashlib.sha256(text.encode()).hexdigest()[:4]}…"
    kept = longest - len(middle)
    return text[: kept - kept // 2] + middle + text[len(text) - kept // 2 :]


def fitted(text: str, fits: Callable[[str], bool]) -> str:
    """``text``, literal, shortened as far as needed to fit."""
    text = literal(text)
    longest = len(text)
    while not fits(shortened(text, longest)) and longest > _LEAST:
        longest = max(min(longest - 1, int(0.95 * longest)), _LEAST)
    return shortened(text, longest)
