"""Golden lives: every rung is still the same world."""

import numpy as np
import pytest
from golden_lives import LIVES, STEPS, golden_lives, read

from koki2_envs import RUNGS


@pytest.mark.parametrize("rung", RUNGS)
def test_lives_go_as_they_went(rung):
    kept = {name.split("/")[1]: array for name, array in read().items() if name.startswith(f"{rung}/")}
    lived = golden_lives(rung)
    assert set(kept) == set(lived)
    for name, expected in kept.items():
        np.testing.assert_allclose(lived[name], expected, rtol=1e-5, atol=1e-5, err_msg=f"{rung} {name}")


@pytest.mark.parametrize("rung", RUNGS)
def test_something_happens_in_them(rung):
    kept = read()
    observations, rewards, ends = (kept[f"{rung}/{name}"] for name in ("observations", "rewards", "ends"))
    assert observations.shape[:2] == (LIVES, STEPS + 1)
    assert rewards.shape == (LIVES, STEPS)
    assert (np.abs(np.diff(observations, axis=1)).max(axis=(0, 1)) > 0).sum() >= 2
    energy = observations[..., RUNGS[rung].make().observation_names.index("energy")]
    assert ((np.diff(energy, axis=1) > 0) & ~ends).any(), "some agent should eat"


def test_no_rung_is_kept_that_does_not_exist():
    assert {name.split("/")[0] for name in read()} == set(RUNGS)
