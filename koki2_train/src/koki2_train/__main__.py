"""``python -m koki2_train``: the command line."""

from koki2_train.cli import run

run()
