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
FAMILIES = list(dict.fromkeys(row.params for row in RUNGS.values()))
"""The params of each family; its page is called after them."""


def page(rung):
    return (LADDER / f"{rung}.md").read_text(encoding="utf-8")


def family_page(params):
    name = params.__name__.removesuffix("Params").lower()
    return (LADDER / f"{name}.md").read_text(encoding="utf-8")


def own_knobs(params):
    """The knobs that a family adds to those of the family from which it derives, on whose page the others are."""
    known = {} if params is ForagingParams else knob_fields(params.__base__)
    return {name: field for name, field in knob_fields(params).items() if name not in known}


def as_written(value):
    if isinstance(value, bool | str):
        return str(value).lower()
    return "1/128" if value == 1 / 128 else f"{value:g}"


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_readmes_code_runs(block):
    exec(compile(block, "README.md", "exec"), {})


def test_the_readme_has_code():
    assert len(BLOCKS) >= 4


def test_the_readmes_skipped_property_exists():
    skipped = re.search(r'skip=\("(.*?)",\)', README)
    assert skipped
    assert skipped[1] in PROPERTIES


@pytest.mark.parametrize(("params", "name"), [(params, name) for params in FAMILIES for name in own_knobs(params)])
def test_every_knob_is_documented_as_it_is_declared(params, name):
    field = own_knobs(params)[name]
    spec = spec_of(field)
    allowed = "true or false" if isinstance(field.default, bool) else spec.allowed
    schedule = "yes" if spec.scheduled else "no"
    unit = f" {spec.unit}" if spec.unit else ""
    row = f"| `{name}` | {as_written(spec.named(field.default))} | {allowed}{unit} | {schedule} | {spec.doc} |"
    assert row in family_page(params).splitlines()


@pytest.mark.parametrize("params", FAMILIES)
def test_no_knob_is_documented_that_does_not_exist(params):
    text = family_page(params)
    table = text[text.index("## Knobs") :]
    assert set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)) == set(own_knobs(params))


@pytest.mark.parametrize("rung", RUNGS)
def test_each_rungs_page_says_what_it_changes(rung):
    text = page(rung)
    row = RUNGS[rung]
    assert text.startswith(f"# {rung}: {row.pressure}\n")
    for name, value in {**row.structure, **row.knobs}.items():
        assert f"`{name}` = {as_written(value)}" in text or f"`{name}` is {as_written(value)}" in text
    for policy in ("random", "stay", "greedy", "oracle"):
        assert f"| `{policy}` |" in text


@pytest.mark.parametrize("rung", RUNGS)
def test_entries_and_actions_are_documented_in_their_order(rung):
    env, params = make(rung)
    text = family_page(type(params))
    for index, name in enumerate(env.observation_names):
        assert f"| {index} | `{name}` |" in text
    for index, name in enumerate(env.action_names):
        assert f"| {index} | `{name}` |" in family_page(ForagingParams)


@pytest.mark.parametrize("path", sorted(LADDER.glob("*.md")), ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).is_file()
