"""What a manifest says of the checkout that the code belongs to, and of what programs were compiled under."""

import subprocess

import pytest

from koki2_train.runtime import provenance


@pytest.fixture
def checkout(tmp_path):
    """A project of somebody else with one commit."""

    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    (tmp_path / ".gitignore").write_text(".venv\n")
    (tmp_path / "own.py").touch()
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    return tmp_path


def git_state_from(path, monkeypatch):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    monkeypatch.setattr(provenance, "__file__", str(path))
    return provenance.describe_invocation([], [])["git"]


def test_the_commit_of_the_checkout_that_holds_the_code(checkout, monkeypatch):
    state = git_state_from(checkout / "own.py", monkeypatch)
    assert (len(state["commit"]), state["changed"]) == (40, False)
    (checkout / ".gitignore").write_text("")
    assert git_state_from(checkout / "own.py", monkeypatch)["changed"]


def test_an_environment_in_another_projects_checkout_tells_nothing_of_it(checkout, monkeypatch):
    inside = checkout / ".venv" / "koki2_train" / "provenance.py"
    assert git_state_from(inside, monkeypatch) is None
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))  # as inside of a hook
    assert git_state_from(inside, monkeypatch) is None


def test_outside_of_a_checkout_and_without_git(checkout, monkeypatch, tmp_path_factory):
    assert git_state_from(tmp_path_factory.mktemp("plain") / "provenance.py", monkeypatch) is None
    monkeypatch.setenv("PATH", "")
    assert git_state_from(checkout / "own.py", monkeypatch) is None


def test_what_jax_and_xla_are_told_by_the_environment(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_max_isa=AVX2")
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    monkeypatch.setenv("SECRET", "1")
    environment = provenance.describe_invocation([], [])["environment"]
    assert environment.items() >= {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2", "JAX_ENABLE_X64": "1"}.items()
    assert "SECRET" not in environment
