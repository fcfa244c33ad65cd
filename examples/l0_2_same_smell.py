"""L0.2, same smell, different consequence: a run on disk with the viability test, its curve, and a life as a film.

python examples/l0_2_same_smell.py [folder [generations]]
"""

import sys
from pathlib import Path

from koki2_train.runtime.jax_setup import set_up

set_up()

import jax

from koki2_train.evaluation import evaluate_runs, load_champion
from koki2_train.experiment import Experiment, Trial
from koki2_train.reporting.learning_curve import write_learning_curve
from koki2_train.reporting.life_pictures import write_life
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.problem import Problem
from koki2_train.runs.chunks import RunOptions
from koki2_train.runs.directory import RunDirectory
from koki2_train.runs.runner import run_trial

run = RunDirectory(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/example_l0_2"))
settings = {"generations": int(sys.argv[2]) if len(sys.argv) > 2 else 200, "mvt": True, "mvt_min_action_entropy": 0.5}
experiment = Experiment.build("L0.2", settings)
run_trial(run, Trial(experiment, seed=0), RunOptions(), resume=True)

result = evaluate_runs([run.path], episodes=512, seed=1, baselines=("random", "greedy", "oracle"))
print("viable at first:", f"{run.read_generations()[0]['pass_rate']:.0%}")
print("champion", round(result["runs"][0]["metrics"]["fitness"]["mean"], 1))
references = {name: entry["metrics"]["fitness"]["mean"] for name, entry in result["baselines"].items()}
print(references)

print(write_learning_curve(run, references=references))
problem = Problem.of(experiment)
weights = problem.develop(load_champion(run, experiment), Knobs.of(experiment).brain)
write_life(
    problem.env, experiment.params, problem.brain, weights, jax.random.key(3),
    png_path=run.path / "life.png", gif_path=run.path / "life.gif",
)  # fmt: skip
