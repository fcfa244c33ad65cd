"""Durable files that know nothing of runs."""
