"""Import of matplotlib: any MPLBACKEND will do, and what is missing or unreadable is named."""

import importlib
import os
import subprocess
import sys

import pytest

from koki2_envs.matplotlib_import import import_matplotlib


@pytest.mark.parametrize(("backend", "in_force"), [("nonsense", "agg"), ("svg", "svg")])
def test_an_unknown_backend_does_not_matter_and_a_known_one_stays(backend, in_force):
    code = (
        "import os, koki2_envs.matplotlib_import, matplotlib.pyplot\n"
        "print(os.environ['MPLBACKEND'], matplotlib.rcParams['backend'])"
    )
    environment = {**os.environ, "MPLBACKEND": backend}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [backend, in_force], done.stderr


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib"), r"koki2-envs\[pictures\]"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "matplotlibrc.*invalid start byte"),
    ],
)
def test_what_is_missing_or_unreadable_is_named(monkeypatch, error, message):
    def fail(_):
        raise error

    monkeypatch.setenv("MPLBACKEND", "svg")
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(ImportError, match=message) as caught:
        import_matplotlib()
    assert caught.value.name == "matplotlib"
    assert os.environ["MPLBACKEND"] == "svg"
