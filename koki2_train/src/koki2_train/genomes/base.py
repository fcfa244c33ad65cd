"""What a genome encoding is to the rest of the program."""

from __future__ import annotations

from typing import Any, Protocol

import jax


class Encoding(Protocol):
    """A kind of genome. The object is static (hashable); a genome is a pytree of float32 arrays."""

    def init(self, key: jax.Array) -> Any:
        """A genome to start evolution from."""
        ...

    def develop(self, genome: Any) -> Any:
        """The phenotype, the params of a brain. Deterministic; runs once per genome, not once per life."""
        ...
