"""The ``koki2-train`` command. Thin: it reads flags, calls the packages, prints."""

from koki2_train.cli.main import main, run

__all__ = ["main", "run"]
