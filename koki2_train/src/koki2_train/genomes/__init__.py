"""What evolves, and how it develops into a brain."""

from koki2_train.genomes.base import Encoding
from koki2_train.genomes.direct import DirectEncoding, DirectGenome

__all__ = ["DirectEncoding", "DirectGenome", "Encoding"]
