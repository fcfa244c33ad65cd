"""Pictures of runs, lives and studies."""

from koki2_envs import rendering as rendering  # imports matplotlib with any configuration, so it comes first
