"""Commands and code shown in the documentation are real: they parse, and their settings are valid."""

import re
import shlex
from pathlib import Path

import pytest

from koki2_train.cli.commands.sweep import parse_grid
from koki2_train.cli.main import cli
from koki2_train.cli.options import build_experiment
from koki2_train.cli.setting_sources import take_settings
from koki2_train.studies.sweep import make_cells

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "koki2_train" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page):
    text = page.read_text().replace("\\\n", " ")
    inline = re.findall(r"`(koki2-train [^`]*)`", text)
    blocks = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    pieces = [piece.strip() for line in blocks for piece in line.split(" && ")]
    shown = inline + [
        re.sub(r"^(.*/|PYTHONPATH=examples )koki2-train", "koki2-train", p) for p in pieces if "koki2-train " in p
    ]
    return [c for c in shown if c.startswith("koki2-train ") and "…" not in c and not c.endswith("--help")]


CASES = [(page.relative_to(ROOT), command) for page in PAGES for command in commands(page)]


@pytest.fixture(autouse=True)
def _examples_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    monkeypatch.setattr("koki2_train.runtime.jax_setup.set_up", lambda *_: None)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 90


def test_the_pages_show_commands():
    assert len(CASES) > 40
    assert {shlex.split(command)[1] for _, command in CASES} >= {
        "ladder",
        "baseline",
        "evolve",
        "evaluate",
        "factorial",
        "sweep",
    }


@pytest.mark.parametrize(("page", "command"), CASES, ids=[f"{page}:{command}"[:90] for page, command in CASES])
def test_it_parses_and_its_settings_are_valid(page, command):
    _, name, *arguments = shlex.split(command, comments=True)
    with (
        cli.make_context("koki2-train", [name]) as group,
        cli.get_command(group, name).make_context(name, arguments, parent=group) as context,
    ):
        if name in ("baseline", "evolve", "factorial", "sweep"):
            settings = take_settings(dict(context.params))
            build_experiment(context.params["rung"], settings)
        if name == "sweep":
            make_cells(context.params["rung"], settings, parse_grid(context.params["varied"]))


@pytest.mark.slow
def test_python_of_the_readme_runs(python):
    text = (ROOT / "koki2_train" / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert blocks
    for block in blocks:
        _, errors = (process := python("-c", block)).communicate(timeout=300)
        assert process.returncode == 0, errors


@pytest.mark.parametrize("page", sorted({page for page, _ in CASES}), ids=str)
def test_no_folder_is_a_run_and_a_folder_of_runs(page):
    kinds = {}
    for _, command in (case for case in CASES if case[0] == page):
        _, name, *arguments = shlex.split(command, comments=True)
        if name in ("evolve", "sweep", "factorial") and "--out" in arguments:
            is_single = name == "evolve" and "--seeds" not in arguments
            kinds.setdefault(arguments[arguments.index("--out") + 1], set()).add(is_single)
    assert not [out for out, kind in kinds.items() if len(kind) > 1]
