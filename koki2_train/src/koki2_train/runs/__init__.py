"""A run on disk, and the one host loop that feeds it."""
