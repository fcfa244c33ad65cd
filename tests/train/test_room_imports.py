"""Import rules: which room of the trainer may import which, and what only the command line does."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import koki2_envs
import koki2_train

TRAINER = Path(koki2_train.__file__).parent
WORLDS = Path(koki2_envs.__file__).parent

BELOW = {
    "experiment": "",
    "storage": "",
    "runtime": "",
    "random_streams": "runtime",
    "strategies": "experiment",
    "brains": "experiment",
    "genomes": "experiment brains.blueprint",
    "rollout": "genomes brains experiment runtime random_streams",
    "fitness": "rollout brains genomes experiment runtime random_streams",
    "evolution": "fitness rollout genomes brains strategies experiment runtime random_streams",
    "distributed": "evolution experiment storage runtime",
    "runs": "distributed evolution fitness rollout experiment storage runtime random_streams",
    "evaluation": "runs evolution fitness rollout genomes brains experiment storage runtime random_streams",
}
"""What each room may import of the trainer beside itself; of ``brains.blueprint`` that module alone."""
ON_TOP = ("bench", "verification", "studies", "reporting")
"""Rooms that may import all of those below, and not each other."""
ROOMS = {
    **{room: tuple(below.split()) for room, below in BELOW.items()},
    **dict.fromkeys(ON_TOP, tuple(BELOW)),
    "cli": ("__version__", *BELOW, *ON_TOP),
    "__init__": (),
    "__main__": ("cli",),
}
EXTERNAL = {"evosax": {"strategies"}, "click": {"cli"}, "rich": {"cli"}}
"""Packages that only these rooms import."""


def room_of(path):
    return path.relative_to(TRAINER).parts[0].removesuffix(".py")


def imports_of(path):
    """Modules that a file imports anywhere in it, also for type checking alone; of a package its parts by name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_part_of(module, package):
    return module == package or module.startswith(f"{package}.")


def allowed(room, module):
    """Whether a file of a room may import a module."""
    package, _, inside = module.partition(".")
    if package != "koki2_train":
        files_alone = room in ("storage", "runtime") and package == "koki2_envs" and not is_part_of(inside, "files")
        no_jax = room == "experiment" and package in ("jax", "jaxlib")
        return not (files_alone or no_jax) and room in EXTERNAL.get(package, {room})
    return any(is_part_of(inside, below) for below in (room, *ROOMS[room]))


FILES = sorted(TRAINER.rglob("*.py"))


def test_every_file_imports_only_what_lies_below_its_room():
    assert {room_of(path) for path in FILES} <= set(ROOMS), "a new room needs its line in this table"
    wrong = {
        f"{path.relative_to(TRAINER)}: {m}" for path in FILES for m in imports_of(path) if not allowed(room_of(path), m)
    }
    assert not wrong


def test_the_worlds_know_nothing_of_the_trainer():
    files = sorted(WORLDS.rglob("*.py"))
    assert not [path for path in files for module in imports_of(path) if is_part_of(module, "koki2_train")]
    assert len(files) > 20


def rooms_below(room):
    return {below.partition(".")[0] for below in ROOMS[room]} - {"__version__"}


def test_the_table_has_no_cycles():
    seen = set()
    while len(seen) < len(ROOMS):
        lowest = {room for room in ROOMS if room not in seen and rooms_below(room) <= seen}
        assert lowest, f"these rooms import each other: {set(ROOMS) - seen}"
        seen |= lowest


def test_an_experiment_is_imported_without_jax():
    code = "import sys, koki2_train.experiment; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def speaks(tree):
    """Lines that print, name a flag (other than as a word of another program's command line), or end the process."""
    docstrings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    commands = [part for node in ast.walk(tree) if isinstance(node, ast.List | ast.Tuple) for part in node.elts]
    no_message = {id(node) for node in (*docstrings, *commands)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in no_message:
            if re.search(r"(?<![\w-])--[a-z]", node.value):
                yield f"{node.lineno} names a flag: {node.value!r}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "exit", "quit", "sys.exit", "os._exit"):
            yield f"{node.lineno} calls {ast.unparse(node.func)}"
        elif isinstance(node, ast.Raise) and node.exc and ast.unparse(node.exc).startswith("SystemExit"):
            yield f"{node.lineno} raises SystemExit"


@pytest.mark.parametrize("text", ["print(1)", "x = 'give --out'", "import os; os._exit(1)", "raise SystemExit(2)"])
def test_what_the_command_line_alone_does_is_recognised(text):
    assert list(speaks(ast.parse(text)))
    assert not list(speaks(ast.parse('"""What --out does."""\nx = "a -- b"\n')))


def test_only_the_command_line_speaks():
    silent = [path for path in FILES if room_of(path) not in ("cli", "__main__")]
    assert not [
        f"{path.relative_to(TRAINER)}:{line}" for path in silent for line in speaks(ast.parse(path.read_text()))
    ]


def calls_of(path):
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def test_text_is_read_and_written_in_an_encoding_that_is_stated():
    """The locale decides it otherwise."""
    wrong = []
    for path in (*FILES, *sorted(WORLDS.rglob("*.py"))):
        for call in calls_of(path):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            binary = any(isinstance(a, ast.Constant) and "b" in str(a.value) for a in call.args[:2])
            in_text = name in ("read_text", "write_text") or (name == "open" and call.args and not binary)
            if in_text and ast.unparse(call.func) not in (
                "os.open",
                "Image.open",
                "directory.open",
                "formatter.write_text",
            ):
                stated = any(keyword.arg == "encoding" for keyword in call.keywords)
                wrong += [] if stated else [f"{path.name}:{call.lineno} {ast.unparse(call)}"]
    assert wrong == []


def test_nothing_is_checked_by_a_statement_that_python_can_leave_out():
    files = (*FILES, *sorted(WORLDS.rglob("*.py")))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}
    assert not [f"{p.name}:{n.lineno}" for p, t in trees.items() for n in ast.walk(t) if isinstance(n, ast.Assert)]
