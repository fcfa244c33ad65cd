"""Pure functions that the families of worlds share: movement, sources, sensing, the body."""
