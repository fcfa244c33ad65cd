"""The machine: JAX's set-up, devices, signals, provenance. Knows nothing else of this package."""
