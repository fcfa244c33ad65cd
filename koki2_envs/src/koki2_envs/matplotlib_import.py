"""Import of matplotlib and Pillow with any configuration. Importing this module does it, before Gymnax and pictures do.

A ``MPLBACKEND`` that matplotlib does not know, such as that of a notebook whose packages are not installed here, makes
its import fail, although no picture of this package uses a backend. It is put aside for the import, and is in force
afterwards if it is known.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress

_BACKEND = "MPLBACKEND"


def import_matplotlib() -> None:
    """Imports matplotlib and Pillow.

    Raises:
        ImportError: one of them is missing, or matplotlib's configuration cannot be read.
    """
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop(_BACKEND, None)
    try:
        matplotlib = importlib.import_module("matplotlib")
        importlib.import_module("PIL")
    except ImportError as error:
        text = f'Gymnax and pictures need matplotlib and Pillow: pip install "koki2-envs[pictures]" ({error})'
        raise ImportError(text, name=error.name) from error
    except (OSError, ValueError) as error:
        text = f"matplotlib cannot read its configuration, a file named matplotlibrc: {error}"
        raise ImportError(text, name="matplotlib") from error
    finally:
        if backend is not None:
            os.environ[_BACKEND] = backend
    if backend:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


import_matplotlib()
