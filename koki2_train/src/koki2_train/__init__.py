"""Evolve spiking policies in the koki2 worlds."""

__version__ = "0.1.0"
