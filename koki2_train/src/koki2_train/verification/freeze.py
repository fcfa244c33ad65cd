"""Freezing the golden runs anew, after an intended change: ``python -m koki2_train.verification.freeze``."""

from pathlib import Path

from koki2_train.runtime.jax_setup import set_up

if __name__ == "__main__":
    set_up(compilation_cache=False)
    from koki2_train.verification.golden_runs import freeze

    (Path(__file__).parent / "golden_runs.json").write_text(freeze(), encoding="utf-8")
