"""Build backend of the repository's root, which is not a package: it says what to install instead."""

from typing import NoReturn


def _reject(*_: object, **__: object) -> NoReturn:
    raise SystemExit("This folder holds two packages. Install both:  pip install ./koki2_envs[pictures] ./koki2_train")


get_requires_for_build_wheel = get_requires_for_build_sdist = get_requires_for_build_editable = _reject
build_wheel = build_sdist = build_editable = _reject
