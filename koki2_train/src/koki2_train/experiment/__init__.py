"""Experiments: what is run, as plain data. Imports no JAX."""

from koki2_train.experiment.experiment import Experiment, Trial
from koki2_train.experiment.registration import BRAINS, GENOMES, STRATEGIES, Part
from koki2_train.experiment.settings_base import Settings, setting

__all__ = ["BRAINS", "GENOMES", "STRATEGIES", "Experiment", "Part", "Settings", "Trial", "setting"]
