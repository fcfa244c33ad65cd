"""Tables for people: folded into a terminal's width between words and columns, so that no number is ever cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

_GAP = 2
_LONG_WORD = 20  # a longer one that is not a number, such as a path, may be broken
_NUMBERS = re.compile(r"\[[\d.,+\-–eEinfa %]+\]|[±→] \S+|\S+")  # an interval, what follows a sign, or a word
_NUMBER = re.compile(r"[\[±→]?[\d.,+\-–eEinfa ]+\]?")
_STEPS = re.compile(r"[^/_]+[/_]*|[/_]+")  # of a path or a name

Grid = list[list[str]]


def table_lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, *, keys: int = 1, words: bool = False
) -> Iterator[tuple[str, bool]]:
    """The lines of a table, each with whether it belongs to the heading.

    Too wide a table is first wrapped between words, then divided into several below each other, which all begin with
    the columns that name a row. Where even one more column does not fit, every row is a list of headings and values.

    Args:
        columns: headings; they are always wrapped to the width of what is below them.
        rows: cells.
        width: of the terminal; None where lines may have any length.
        keys: how many columns name a row; they stand left, the others right.
        words: whether the others hold words, and stand left too.
    """
    table = [list(columns), *(list(row) for row in rows)]
    blocks = _blocks(table, width, keys)
    if blocks is None:
        yield from _records(table, width, keys)
        return
    for number, block in enumerate(blocks):
        if number:
            yield "", False
        chosen = [[row[i] for i in block] for row in table]
        yield from _block_lines(chosen, width, len(chosen[0]) if words else keys)


def wrapped(text: str, width: int | None, *, break_words: bool = True) -> list[str]:
    """The lines of a text, broken between words, and within long ones that are no numbers if ``break_words``."""
    if width is None or cell_len(text) <= width:
        return [text]
    lines = [""]
    for gap, piece in _pieces(text, break_words):
        if lines[-1] and cell_len(lines[-1] + gap + piece) > width:
            lines.append(piece)
        else:
            lines[-1] += (gap if lines[-1] else "") + piece
    return lines


def _pieces(text: str, break_words: bool = True) -> Iterator[tuple[str, str]]:
    """What a line may be broken between, each with the gap before it."""
    for word in _NUMBERS.findall(text):
        if not break_words or cell_len(word) <= _LONG_WORD or _NUMBER.fullmatch(word):
            yield " ", word
            continue
        gap = " "
        for step in _STEPS.findall(word):
            for part in chop_cells(step, _LONG_WORD):
                yield gap, part
                gap = ""


def _least(cell: str) -> int:
    """The width below which a cell cannot be wrapped."""
    return max((cell_len(piece) for _, piece in _pieces(cell)), default=0)


def _blocks(table: Grid, width: int | None, keys: int) -> list[list[int]] | None:
    """The columns of each block of a table that is as wide as it has to be; None where a column does not fit."""
    every = range(len(table[0]))
    if width is None:
        return [list(every)]
    least = [max(_least(row[i]) for row in table) for i in every]
    named = list(range(keys))

    def fits(block: list[int]) -> bool:
        return sum(least[i] for i in block) + _GAP * (len(block) - 1) <= width

    blocks = [named]
    for i in every[keys:]:
        if not fits([*named, i]):
            return None
        if fits([*blocks[-1], i]):
            blocks[-1] = [*blocks[-1], i]
        else:
            blocks.append([*named, i])
    return blocks if fits(named) else None


def _block_lines(block: Grid, width: int | None, left: int) -> Iterator[tuple[str, bool]]:
    heading, *rows = block
    every = range(len(heading))
    least = [max(_least(row[i]) for row in block) for i in every]
    widths = [max(_least(heading[i]), *(cell_len(row[i]) for row in rows), 0) for i in every]
    while width is not None and sum(widths) + _GAP * (len(widths) - 1) > width:
        widths[max(every, key=lambda i: (widths[i] > least[i], widths[i]))] -= 1
    for number, row in enumerate(block):
        cells = [wrapped(cell, widths[i]) for i, cell in enumerate(row)]
        height = max(len(lines) for lines in cells)
        for lines in cells:  # a heading stands directly above its column, a cell begins in the first line of its row
            empty = [""] * (height - len(lines))
            lines[:] = [*empty, *lines] if number == 0 else [*lines, *empty]
        for line in zip(*cells, strict=True):
            yield _joined(line, widths, left), number == 0


def _joined(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    """A line of cells, of which the first ``left`` stand left in their columns and the others right."""
    padded = []
    for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        space = " " * (width - cell_len(cell))
        padded.append(cell + space if i < left else space + cell)
    return (" " * _GAP).join(padded).rstrip()


def _records(table: Grid, width: int | None, keys: int) -> Iterator[tuple[str, bool]]:
    heading, *rows = table
    for row in rows:
        for i, cell in enumerate(row):
            indent = "" if i < keys else "  "
            lines = wrapped(f"{heading[i]}: {cell}", width and width - len(indent))
            yield from ((indent + line, i < keys) for line in lines)
