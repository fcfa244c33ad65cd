"""Held-out variants: the variant of a rung's world, if it has one, that is kept for tests of generalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from koki2_envs.ladder import rung
from koki2_train.experiment import Experiment


def with_held_out_variant(
    experiments: Sequence[Experiment], evaluate: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Results in the rung's world and, if it has one, in its held-out variant.

    Args:
        experiments: all that was trained, or is evaluated. Where one of them has another value of a knob of the variant
            than the rung, the variant can no longer be called held-out, and is left out.
        evaluate: gives results with these knobs set.

    Returns:
        What ``evaluate`` gives with nothing set and, in ``"held_out"``, what it gives in the held-out variant, with the
        ``"knobs"`` of it. That entry is absent where there is no such variant, or several rungs.
    """
    row = rung(experiments[0].rung)
    trained = {name: getattr(row.default_params, name) for name in row.held_out}
    alike = all(
        each.rung == experiments[0].rung and all(getattr(each.params, name) == value for name, value in trained.items())
        for each in experiments
    )
    result = evaluate({})
    if row.held_out and alike:
        result["held_out"] = {"knobs": dict(row.held_out), **evaluate(dict(row.held_out))}
    return result
