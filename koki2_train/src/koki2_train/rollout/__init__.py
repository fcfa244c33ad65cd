"""Rollouts: one life in one scan, and populations of genomes that each live many."""
