"""A conformance suite for environments behind the Gymnax 1.0 interface, ours or anyone's."""

from koki2_envs.testing.conformance import PROPERTIES, check_env

__all__ = ["PROPERTIES", "check_env"]
