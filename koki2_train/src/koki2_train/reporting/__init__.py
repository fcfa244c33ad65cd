"""Pictures of runs, lives and studies."""
