"""Resuming: what is said where ``--resume`` finds nothing to continue."""

from __future__ import annotations

from pathlib import Path

from koki2_train.cli.output import tell


def warn_of_nothing_to_resume(what: str, out: Path) -> None:
    """Says on stderr that a run or study begins anew, and which folder may have been meant."""
    from koki2_train.runs.find import similar_place

    near = similar_place(out)
    hint = "" if near is None else f"; did you mean {near}?"
    tell(f"warning: no {what} in {out} yet: beginning anew{hint}")
