"""Colours, marks and type. Nothing is distinguished by colour alone: shape, dashes or position differ too.

The hues are those of Okabe and Ito (2008, "Color universal design"), two of them darkened for text on white. Pictures
are drawn in a style of their own, :func:`house_style`, and on a canvas of their own, :func:`new_figure`: a user's
matplotlibrc, the backend of a notebook and pyplot change nothing in them, and they change nothing there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from koki2_envs.rendering.text import fitted, literal

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

Dashes = tuple[float, ...]
SOLID: Dashes = ()
DASHED: Dashes = (4, 1.5)
DOTTED: Dashes = (1.2, 1.2)

FONT = "DejaVu Sans"
TITLE_SIZE, LABEL_SIZE, TICK_SIZE = 13.0, 9.5, 8.5

Shape = Literal["disc", "cross", "diamond", "triangle", "block", "plus", "star", "square", "wedge", "pentagon"]
MARKERS: dict[Shape, str] = {
    "disc": "o",
    "cross": "X",
    "diamond": "D",
    "triangle": "^",
    "block": "s",
    "plus": "P",
    "star": "*",
    "square": "s",
    "wedge": "v",
    "pentagon": "p",
}


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


# Things in the world.
GOOD = Mark(GREEN, "disc")
BAD = Mark(VERMILLION, "cross", dashed=True)
ZONE = Mark("#f8dcc4", "block")  # a light vermillion, on which path and sources stand out
WATER = Mark(SKY, "diamond")
SALT = Mark(VERMILLION, "triangle", dashed=True)
SHELTER = Mark(BLUE, "triangle")
SECOND = Mark("#b8860b", "triangle")  # dark goldenrod, away from the greens and the blues
WALL = Mark("#8a919c", "block")

# What happens to the agent, in shapes that no thing has.
ATE = Mark(GREEN, "plus")
ATE_SECOND = Mark(SECOND.colour, "square")
DRANK = Mark(SKY, "wedge")
DRANK_SALT = Mark(VERMILLION, "pentagon")
HARMED = Mark(VERMILLION, "star")
UNRIPE = Mark(PURPLE, "pentagon")
PAIN = Mark(PURPLE, "wedge")


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's defaults while a picture is built or written, and text that is drawn as it stands."""
    defaults = {name: value for name, value in matplotlib.rcParamsDefault.items() if not name.startswith("backend")}
    with matplotlib.rc_context({**defaults, "text.parse_math": False}):
        yield


def new_figure(width: float, height: float, dpi: int) -> Figure:
    """An empty white figure, in inches, on a canvas of its own."""
    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


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
        [literal(label) for _, label in keys],
        frameon=False,
        prop={"family": FONT, "size": TICK_SIZE + 0.5},
        labelcolor=INK,
        borderaxespad=0.0,
        handlelength=1.8,
        handletextpad=0.6,
        **where,
    )


def fit_legend(drawn: Any, width: float) -> None:
    """Sets a legend in smaller type while it is wider than ``width`` inches."""
    figure, texts = drawn.get_figure(), drawn.get_texts()
    renderer = figure.canvas.get_renderer()
    for size in (TICK_SIZE, 0.9 * TICK_SIZE, 0.8 * TICK_SIZE, 0.7 * TICK_SIZE):
        if drawn.get_window_extent(renderer).width <= width * figure.dpi:
            return
        for text in texts:
            text.set_size(size)


def heading(figure: Any, title: str, subtitle: str, *, left: float, top: float) -> None:
    """Title and subtitle at the top left; ``left`` and ``top`` in inches from the figure's corner."""
    _write_line(figure, title, left, top, TITLE_SIZE, weight="bold", color=INK)
    _write_line(figure, subtitle, left, top + 0.29, LABEL_SIZE + 0.5, color=QUIET)


def _write_line(figure: Any, text: str, left: float, top: float, size: float, **style: Any) -> None:
    """One line of text, in smaller type or shortened where it would leave the figure."""
    width, height = figure.get_size_inches()
    line = figure.text(left / width, 1 - top / height, "", va="top", size=size, family=FONT, **style)

    def fits(shown: str) -> bool:
        line.set_text(shown)
        return bool(line.get_window_extent(figure.canvas.get_renderer()).x1 <= figure.bbox.x1 - 0.1 * figure.dpi)

    for smaller in (size, 0.9 * size, 0.8 * size):
        line.set_size(smaller)
        if fits(literal(text)):
            return
    line.set_text(fitted(text, fits))
