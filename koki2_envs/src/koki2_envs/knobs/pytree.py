"""Pytree dataclasses that are declared without importing JAX."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar, dataclass_transform

import wrapt

from koki2_envs.knobs.spec import choice, knob

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(knob, choice, dataclasses.field))
def pytree_dataclass(cls: type[T]) -> type[T]:
    """Makes ``cls`` a frozen dataclass that is a JAX pytree of all its fields.

    Registration waits until JAX is imported, so that declaring params costs no import. Unflattening does not run
    ``__post_init__``: transformations put tracers, batch axes or ``None`` where numbers were.
    """
    cls = dataclasses.dataclass(frozen=True)(cls)
    names = tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]

    def flatten(value: Any) -> tuple[tuple[Any, ...], None]:
        return tuple(getattr(value, name) for name in names), None

    def unflatten(_: None, children: tuple[Any, ...]) -> Any:
        value = object.__new__(cls)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(value, name, child)
        return value

    def register(jax: Any) -> None:
        keys = tuple(jax.tree_util.GetAttrKey(name) for name in names)
        jax.tree_util.register_pytree_with_keys(
            cls, lambda value: (tuple(zip(keys, flatten(value)[0], strict=True)), None), unflatten, flatten
        )

    wrapt.register_post_import_hook(register, "jax")
    return cls
