"""Do our worlds and reference policies agree with the earlier code's, on every variant and metric?

    python tools/agreement.py [--lives 8192]

For every variant of ``baselines.json`` and every policy in it, runs what ``koki2-train baseline`` runs and prints the
largest difference between means in joint standard errors. Exit status 1 where any exceeds 4.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from koki2_train.runtime.jax_setup import set_up

REFERENCE = Path(__file__).parent.parent / "tests" / "envs" / "data" / "baselines.json"
EXACT = 1e-6  # what float32 sums may differ by where neither side has any spread


def main() -> int:
    """Runs the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lives", type=int, default=8192)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.lives < 2:
        parser.error("--lives must be at least 2: a single life has no standard error")
    set_up()
    from koki2_envs import Schedule
    from koki2_train.evaluation import HeldOutLives
    from koki2_train.experiment import Experiment

    failed = 0
    for variant, entry in json.loads(REFERENCE.read_text()).items():
        settings = {k: Schedule(**v) if isinstance(v, dict) else v for k, v in entry["settings"].items()}
        settings = {"num_sources": 1, **settings}
        lives = HeldOutLives(Experiment.build("L0.0", settings), args.lives, args.seed)
        for policy, metrics in entry["baselines"].items():
            ours, worst = lives.evaluate_policy(policy), (0.0, "")
            for name, theirs in metrics.items():
                joint = max((ours[name]["se"] ** 2 + theirs["se"] ** 2) ** 0.5, EXACT * max(1.0, abs(theirs["mean"])))
                worst = max(worst, (abs(ours[name]["mean"] - theirs["mean"]) / joint, name))
            failed += worst[0] > 4
            fitness = f"{ours['fitness']['mean']:8.3f} here, {metrics['fitness']['mean']:8.3f} there"
            print(
                f"{variant:24} {policy:7} fitness {fitness}; largest difference {worst[0]:.2f} se ({worst[1]})",
                flush=True,
            )
    print("all agree" if not failed else f"{failed} disagree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
