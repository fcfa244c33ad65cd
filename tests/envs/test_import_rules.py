"""Import rules of the package: which of its parts may import which, and what none of them may."""

import ast
from pathlib import Path

import pytest

import koki2_envs

PACKAGE = Path(koki2_envs.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
# Each part may import the parts before it in its list, and itself.
ALLOWED = {
    "suggestions": set(),
    "files": set(),
    "matplotlib_import": set(),
    "knobs": {"suggestions"},
    "params": {"knobs", "suggestions"},
    "nursing": {"knobs", "params", "suggestions"},
    "ladder": {"knobs", "params", "suggestions"},
    "mechanics": {"knobs"},
    "environments": {"knobs", "params", "mechanics", "suggestions", "matplotlib_import"},
    "reference_policies": {"knobs", "params", "mechanics", "environments", "suggestions"},
    "life_record": {"knobs"},
    "rollout": {"knobs", "suggestions", "life_record", "reference_policies"},
    "wrappers": set(),
    "testing": {"knobs", "suggestions"},
    "rendering": {
        "files",
        "matplotlib_import",
        "knobs",
        "params",
        "mechanics",
        "environments",
        "life_record",
        "ladder",
    },
    "__main__": {"ladder"},
}


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path):
    """Every module that a file imports, also within functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module


def test_every_part_has_a_rule():
    assert {part_of(path) for path in MODULES} - {"__init__"} == set(ALLOWED)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downhill(path):
    part = part_of(path)
    for module in imports_of(path):
        first, *rest = module.split(".")
        assert first != "koki2_train"
        assert first not in ("matplotlib", "PIL") or part == "rendering", module
        assert first not in ("jax", "gymnax", "flax") or part not in ("params", "nursing", "ladder", "files"), module
        if first == "koki2_envs" and part != "__init__":
            target = rest[0] if rest else "the package itself"
            assert target == part or target in ALLOWED[part], f"{part} may not import {target}"
