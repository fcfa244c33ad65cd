"""Verification: golden runs, kept with the code, that show whether a machine gives the same bits."""

from koki2_train.verification.golden_runs import GOLDEN_RUNS, Comparison, Difference, freeze, verify

__all__ = ["GOLDEN_RUNS", "Comparison", "Difference", "freeze", "verify"]
