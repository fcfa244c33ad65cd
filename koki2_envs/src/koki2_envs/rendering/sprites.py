"""Small Pillow pictures: marks, fonts and the palette of a film."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from koki2_envs.rendering.style import FAINT, GHOST, INK, PAPER, QUIET, Mark, tint
from koki2_envs.rendering.text import font_path

_OVERSAMPLING = 8
_TINTS = 9


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The house font, in pixels."""
    return ImageFont.truetype(str(font_path(bold)), size)


@lru_cache
def sprite(mark: Mark, size: int, hollow: bool = False) -> Image.Image:
    """A mark as a smooth RGBA picture of ``size`` pixels; ``hollow`` for a thing that is gone but will be back."""
    n = size * _OVERSAMPLING
    picture = Image.new("RGBA", (n, n), (255, 255, 255, 0))
    draw = ImageDraw.Draw(picture)
    colour = mark.colour
    outline = {"fill": None, "outline": colour, "width": n // 10} if hollow else {"fill": colour}
    low, high, middle = 0.04 * n, 0.96 * n, 0.5 * n
    if mark.shape == "disc":
        draw.ellipse((low, low, high, high), **outline)
    elif mark.shape in ("block", "square"):
        inset = 0 if mark.shape == "block" else n // 8
        draw.rectangle((inset, inset, n - 1 - inset, n - 1 - inset), **outline)
    else:
        draw.polygon(_corners(mark, low, high, middle), **outline)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _corners(mark: Mark, low: float, high: float, middle: float) -> list[tuple[float, float]]:
    if mark.shape == "diamond":
        return [(middle, low), (high, middle), (middle, high), (low, middle)]
    if mark.shape == "triangle":
        return [(middle, low), (high, high), (low, high)]
    if mark.shape == "wedge":
        return [(low, low), (high, low), (middle, high)]
    if mark.shape in ("pentagon", "star"):
        return _spikes(5, low, high, inner=0.45 if mark.shape == "star" else 0.81)
    if mark.shape == "plus":
        a, b = middle - 0.17 * (high - low), middle + 0.17 * (high - low)
        upper = [(a, low), (b, low), (b, a), (high, a), (high, b), (b, b)]
        return [*upper, (b, high), (a, high), (a, b), (low, b), (low, a), (a, a)]
    arm = 0.27 * (high - low)  # a cross with arms this wide, standing on its feet
    corner = [(low + arm, low), (middle, middle - arm), (high - arm, low), (high, low + arm)]
    right = [(middle + arm, middle), (high, high - arm), (high - arm, high), (middle, middle + arm)]
    return [*corner, *right, (low + arm, high), (low, high - arm), (middle - arm, middle), (low, low + arm)]


def _spikes(count: int, low: float, high: float, inner: float) -> list[tuple[float, float]]:
    """A star whose inner corners lie at a share of its radius; the first corner is at the top."""
    angles = np.pi * np.arange(2 * count) / count
    radii = (high - low) / 2 * np.where(np.arange(2 * count) % 2, inner, 1.0)
    x, y = (low + high) / 2 + radii * np.sin(angles), (low + high) / 2 - radii * np.cos(angles)
    return list(zip(x.tolist(), y.tolist(), strict=True))


@lru_cache
def agent_sprite(size: int, dead: bool = False) -> Image.Image:
    """The agent: a dark disc in a white rim; crossed out where it is dead."""
    n = size * _OVERSAMPLING
    picture = Image.new("RGBA", (n, n), (255, 255, 255, 0))
    draw = ImageDraw.Draw(picture)
    rim = n // 8
    draw.ellipse((0, 0, n - 1, n - 1), fill=PAPER)
    draw.ellipse((rim, rim, n - 1 - rim, n - 1 - rim), fill=INK)
    if dead:
        low, high = 0.34 * n, 0.66 * n
        for ends in ((low, low, high, high), (low, high, high, low)):
            draw.line(ends, fill=PAPER, width=n // 9)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def palette_of(colours: list[str], flat: Sequence[str] = ()) -> Image.Image:
    """A palette picture with the given colours and the house greys, each in tints down to white for smooth edges.

    Colours that are ``flat``, as those of blocks are, have no tints, which would crowd about white. One fixed palette
    for all frames keeps them from flickering and the file small.
    """
    bases = list(dict.fromkeys([INK, QUIET, *colours]))[: 250 // _TINTS]
    tints = [tint(base, (i + 1) / _TINTS) for base in bases for i in range(_TINTS)]
    shades = list(dict.fromkeys([PAPER, GHOST, FAINT, *flat, *tints]))
    picture = Image.new("P", (1, 1))
    picture.putpalette([int(shade[i : i + 2], 16) for shade in shades for i in (1, 3, 5)])
    return picture
