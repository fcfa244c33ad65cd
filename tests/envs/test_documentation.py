"""What the pages say is so."""

import re
from pathlib import Path

import pytest

from koki2_envs import RUNGS, make
from koki2_envs.knobs import knob_fields, spec_of
from koki2_envs.params import ForagingParams
from koki2_envs.testing import PROPERTIES

ROOT = Path(__file__).parents[2]
README = (ROOT / "koki2_envs" / "README.md").read_text(encoding="utf-8")
LADDER = ROOT / "docs" / "ladder"
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
FORAGING = (LADDER / "foraging.md").read_text(encoding="utf-8")
FORAGING_RUNGS = [name for name, row in RUNGS.items() if row.params is ForagingParams]

pytestmark = pytest.mark.usefixtures("quick_compilation")


def page(rung):
    return (LADDER / f"{rung}.md").read_text(encoding="utf-8")


def as_written(value):
    if isinstance(value, bool):
        return str(value).lower()
    return "1/128" if value == 1 / 128 else f"{value:g}"


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_readmes_code_runs(block):
    exec(compile(block, "README.md", "exec"), {})


def test_the_readme_has_code():
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("rung", RUNGS)
def test_the_readme_lists_every_rung(rung):
    row = RUNGS[rung]
    assert f"| {rung} | {row.title} | {row.pressure} |" in README


def test_the_readmes_skipped_property_exists():
    skipped = re.search(r'skip=\("(.*?)",\)', README)
    assert skipped
    assert skipped[1] in PROPERTIES


@pytest.mark.parametrize("name", knob_fields(ForagingParams))
def test_every_knob_is_documented_as_it_is_declared(name):
    field = knob_fields(ForagingParams)[name]
    spec = spec_of(field)
    allowed = "true or false" if isinstance(field.default, bool) else spec.allowed
    schedule = "yes" if spec.scheduled else "no"
    unit = f" {spec.unit}" if spec.unit else ""
    row = f"| `{name}` | {as_written(field.default)} | {allowed}{unit} | {schedule} | {spec.doc} |"
    assert row in FORAGING.splitlines()


def test_no_knob_is_documented_that_does_not_exist():
    table = FORAGING[FORAGING.index("## Knobs") :]
    assert set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)) == set(knob_fields(ForagingParams))


@pytest.mark.parametrize("rung", FORAGING_RUNGS)
def test_each_rungs_page_says_what_it_changes(rung):
    text = page(rung)
    row = RUNGS[rung]
    assert text.startswith(f"# {rung}: {row.pressure}\n")
    for name, value in {**row.structure, **row.knobs}.items():
        assert f"`{name}` = {as_written(value)}" in text or f"`{name}` is {as_written(value)}" in text
    for policy in ("random", "stay", "greedy", "oracle"):
        assert f"| `{policy}` |" in text


def test_entries_and_actions_are_documented_in_their_order():
    env, _ = make("L0.0")
    for names in (env.observation_names, env.action_names):
        for index, name in enumerate(names):
            assert f"| {index} | `{name}` |" in FORAGING


@pytest.mark.parametrize("path", sorted(LADDER.glob("*.md")), ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).is_file()
