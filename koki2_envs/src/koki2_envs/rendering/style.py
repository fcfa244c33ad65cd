"""Colours, marks and type. Nothing is distinguished by colour alone: shape, dashes or position differ too.

The hues are those of Okabe and Ito (2008, "Color universal design"), two of them darkened for text on white.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

INK = "#1f2328"
QUIET = "#6b7280"
FAINT = "#d9dce1"
GHOST = "#f3f4f6"
PAPER = "#ffffff"
GREEN = "#009e73"
VERMILLION = "#d55e00"
BLUE = "#0072b2"
PURPLE = "#a8467f"
SKY = "#3a9bd5"

FONT = "DejaVu Sans"
TITLE_SIZE, LABEL_SIZE, TICK_SIZE = 13.0, 9.5, 8.5

Shape = Literal["disc", "cross", "diamond", "triangle", "block"]
MARKERS: dict[Shape, str] = {"disc": "o", "cross": "X", "diamond": "D", "triangle": "^", "block": "s"}


@dataclass(frozen=True)
class Mark:
    """How one kind of thing looks.

    Attributes:
        colour: ``#rrggbb``.
        shape: its shape; a ``block`` fills its cell.
        dashed: whether its band over time is broken.
    """

    colour: str
    shape: Shape
    dashed: bool = False

    @property
    def marker(self) -> str:
        """The shape in matplotlib's letters."""
        return MARKERS[self.shape]


GOOD = Mark(GREEN, "disc")
BAD = Mark(VERMILLION, "cross", dashed=True)
ZONE = Mark("#f8dcc4", "block")  # a light vermillion, on which path and sources stand out
WATER = Mark(SKY, "diamond")
SALT = Mark(VERMILLION, "triangle", dashed=True)
SHELTER = Mark(BLUE, "triangle")
SECOND = Mark("#b8860b", "triangle")  # dark goldenrod, away from the greens and the blues
WALL = Mark("#8a919c", "block")
PAIN = Mark(PURPLE, "diamond")


def dress(ax: Any) -> None:
    """Gives an axes the house style: two spines, quiet ticks, one font."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(QUIET)
    ax.spines[["left", "bottom"]].set_linewidth(0.8)
    ax.tick_params(labelsize=TICK_SIZE, labelcolor=INK, color=QUIET, length=3, width=0.8, labelfontfamily=FONT)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(fontsize=LABEL_SIZE, color=INK, fontfamily=FONT)


Key = tuple[Any, str]
"""One entry of a legend: an artist, or a tuple of artists drawn over each other, and its label."""


def tint(colour: str, amount: float) -> str:
    """``colour`` mixed with white; 1 leaves it, 0 is white."""
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + amount * (channel - 255)):02x}" for channel in channels)


def legend(ax: Any, keys: list[Key], **where: Any) -> Any:
    """A frameless legend outside the data, where ``where`` says (``loc``, ``bbox_to_anchor``, ``ncols``)."""
    return ax.legend(
        [artist for artist, _ in keys],
        [label for _, label in keys],
        frameon=False,
        prop={"family": FONT, "size": TICK_SIZE + 0.5},
        labelcolor=INK,
        borderaxespad=0.0,
        handlelength=1.8,
        handletextpad=0.6,
        **where,
    )


def heading(figure: Any, title: str, subtitle: str, *, left: float, top: float) -> None:
    """Title and subtitle at the top left; ``left`` and ``top`` in inches from the figure's corner."""
    width, height = figure.get_size_inches()
    x = left / width
    figure.text(x, 1 - top / height, title, va="top", size=TITLE_SIZE, weight="bold", color=INK, family=FONT)
    below = 1 - (top + 0.29) / height
    figure.text(x, below, subtitle, va="top", size=LABEL_SIZE + 0.5, color=QUIET, family=FONT)
