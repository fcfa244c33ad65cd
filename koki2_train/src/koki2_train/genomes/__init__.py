"""Genomes: what evolves, and how it is compiled into the arrays of a blueprint."""

from koki2_train.genomes.base import Genome
from koki2_train.genomes.direct import DirectGenome

__all__ = ["DirectGenome", "Genome"]
