"""Tables: no number is cut and no line is too long, at any width of a terminal."""

import re

import pytest
from rich.cells import cell_len

from koki2_train.cli.output import number, print_table, printable, shell_quoted
from koki2_train.cli.tables import table_lines, wrapped

COLUMNS = ["champion or policy", "fitness ± se", "fitness [95 %]", "normalized", "bad arrivals", "pass rate → last"]
ROWS = [
    ["runs/20261125-163000_L0.2_seed0/some/where/deep", "122.25 ± 3.10", "122.2 [100.1, 201.7]", "0.873", "–", "0.50"],
    ["greedy", "-1234567.25 ± 300000.10", "nan [-1234567.2, 1234567.8]", "1.000", "12.250", "0.50 → 1.00"],
    ["a[lr=0.1] cost$5_$x", "3e+38", "–", "1.000", "12.250", "0.50 → 1.00"],
]


def lines(width, **how):
    return [line for line, _ in table_lines(COLUMNS, ROWS, width, **how)]


@pytest.mark.parametrize("width", [60, 70, 80, 100, 140, 200])
@pytest.mark.parametrize("words", [False, True])
def test_no_number_is_cut_and_no_line_is_too_long(width, words):
    text = "\n".join(lines(width, words=words))
    assert max(map(cell_len, text.splitlines())) <= width
    for row in ROWS:
        for cell in row[1:]:
            for part in re.findall(r"\[.*\]|[^ ]+", cell):
                assert part in text
    assert "…" not in text
    assert re.sub(r"\s", "", "".join(line[:22] for line in lines(60, words=words))).count("seed0/some/where/deep") >= 1


def test_a_table_that_fits_has_a_line_for_each_row_and_any_length_where_there_is_no_terminal():
    for width in (None, 200):
        shown = lines(width)
        assert [line.split("  ")[0] for line in shown[-3:]] == [row[0] for row in ROWS]
        for line, row in zip(shown[-3:], ROWS, strict=True):
            assert all(cell in line for cell in row)


def test_what_does_not_fit_beside_each_other_stands_below_with_the_names_again():
    shown = lines(60)
    assert sum("greedy" in line for line in shown) == sum("champion" in line for line in shown) > 1
    assert "" in shown


def test_rows_are_lists_where_names_and_one_column_do_not_fit():
    shown = lines(24)
    assert "fitness [95 %]:" in " ".join(shown)
    assert any("[-1234567.2, 1234567.8]" in line for line in shown)


def test_brackets_of_a_heading_stay_together():
    assert wrapped("minus the first [95 %]", 16) == ["minus the first", "[95 %]"]


def test_a_path_in_a_message_stays_whole():
    path = "/tmp/" + "a_long_folder/" * 8
    assert wrapped(f"{path}: done: 3 generations", 60, break_words=False) == [f"{path}:", "done: 3 generations"]


def test_wide_letters_are_counted_as_wide():
    shown = [line for line, _ in table_lines(["名前", "value"], [["世界", "1.0"], ["ab", "22.0"]], None)]
    assert {cell_len(line) for line in shown} == {cell_len("世界  value")}


@pytest.mark.parametrize("name", ["[bold]x[/bold]", "a[lr=0.1]", "cost$5_$x", "-x", "a b", "🙂", "naïve", "👩‍🔬"])
def test_names_are_shown_as_they_are(capsys, name):
    print_table(name, ["run", "x"], [[name, "1"]])
    title, _, row = capsys.readouterr().out.splitlines()
    assert title == name
    assert row.startswith(name)


def test_what_cannot_be_seen_is_escaped():
    assert printable("a\nb\tc\x1b[31m\u202e\udcff") == "a\\nb\\tc\\x1b[31m\\u202e\\udcff"


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("runs/a", "runs/a"),
        ("a b", "'a b'"),
        ("cost$5_$x", "'cost$5_$x'"),
        ("-x", "./-x"),
        ("a'b\\\n\udcff", "$'a\\'b\\\\\\x0a\\xff'"),
    ],
)
def test_paths_in_commands_can_be_copied(name, quoted):
    assert shell_quoted(name) == quoted


def test_numbers_of_any_size_are_short():
    assert [number(x) for x in (None, 1.0, -12.345, 3e38, float("nan"), float("-inf"))] == [
        "–", "1.00", "-12.35", "3e+38", "nan", "-inf",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 80])
def test_commands_fit_into_a_terminal(cli, finished, monkeypatch, width):
    monkeypatch.setattr("koki2_train.cli.output.terminal_width", lambda _: width)
    few = ("--episodes", 8)
    commands = [
        ("ladder",),
        ("ladder", "L3.2"),
        ("baseline", "L1.0", *few, "--steps", 12, "--policy", "all"),
        ("evaluate", finished.path, *few, "--baseline", "greedy"),
    ]
    for command in commands:
        result = cli(*command)
        assert result.code == 0, result.err
        text = re.sub(r"\x1b\[\d*m", "", result.out)
        assert max(map(cell_len, text.splitlines())) <= width, command
        assert "…" not in text
