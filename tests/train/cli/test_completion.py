"""Completion in a shell: what can follow, quickly, and nothing else."""

import pytest
from click.shell_completion import ShellComplete

from koki2_train.cli.main import _COMMANDS, cli


def completions(*words):
    *before, incomplete = words
    found = ShellComplete(cli, {}, "koki2-train", "_KOKI2_TRAIN_COMPLETE").get_completions(before, incomplete)
    return [item.value for item in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ev"], ["evolve", "evaluate"]),
        (["evolve", "L0"], ["L0.0", "L0.1", "L0.2"]),
        (["ladder", "L3"], ["L3.0", "L3.1", "L3.2"]),
        (
            ["evolve", "L0.2", "--preset", ""],
            ["demo", "l1_hard", "plastic", "plastic_classic", "plastic_gain", "quick"],
        ),
        (["sweep", "L0.2", "--nursing", "risk_gating:0.5+m"], ["risk_gating:0.5+motor_maturation"]),
        (["evolve", "L0.2", "--brain", ""], ["gru", "spiking"]),
        (["evolve", "L0.2", "--nursing", "combined+pl"], ["combined+plasticity"]),
        (["evaluate", "runs/x", "--control", "s"], ["shuffled", "sign_turned"]),
        (["evolve", "L3.0", "--num-z"], ["--num-zones"]),
        (["evolve", "L0.2", "--num-z"], []),
        (["evolve", "L0.2", "--no-terminate"], ["--no-terminate-on-reach"]),
        (["baseline", "L0.2", "--grad-g"], ["--grad-gain"]),
        (["sweep", "L0.2", "--vary", "grad_d"], ["grad_dropout_p="]),
        (["evaluate", "runs/x", "--set", "num-w"], ["num_walls=", "num_water="]),
        (["baseline", "L0.2", "--policy", "o"], ["oracle"]),
        (["bench", "wo"], ["worlds"]),
        (["evolve", "nowhere:RUNG", "--brain", "nowhere:Brain", "--sigma-f"], ["--sigma-floor"]),
        (["nonsense", "x"], []),
    ],
)
def test_what_can_follow(words, expected):
    assert sorted(completions(*words)) == sorted(expected)


def test_all_commands_can_follow_nothing():
    assert completions("") == list(_COMMANDS)


def test_a_shell_is_answered_without_jax_and_without_complaint(python):
    ask = (
        "import os, sys\n"
        "os.environ.update(_KOKI2_TRAIN_COMPLETE='bash_complete', COMP_WORDS=sys.argv[1], COMP_CWORD='2')\n"
        "from koki2_train.cli.main import main\n"
        "try:\n    main()\n"
        "finally:\n    assert not {'jax', 'scipy', 'matplotlib'} & set(sys.modules)\n"
    )
    out, err = python("-c", ask, "koki2-train evolve L1.").communicate(timeout=60)
    assert (out, err) == ("plain,L1.0\nplain,L1.1\nplain,L1.2\n", "")
    for invalid in ("koki2-train evolve 'unclosed", "koki2-train nonsense --what"):
        assert python("-c", ask, invalid).communicate(timeout=60)[1] == ""
