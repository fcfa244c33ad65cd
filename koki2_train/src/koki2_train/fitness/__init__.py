"""Fitness: how genomes are scored within a generation, and how the champion is chosen."""
