"""Conformance suite for environments behind the Gymnax 1.0 interface, of this package or any other."""

from koki2_envs.testing.conformance import PROPERTIES, check_env

__all__ = ["PROPERTIES", "check_env"]
