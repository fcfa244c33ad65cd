"""``python -m koki2_envs`` prints the ladder as a Markdown table."""

from koki2_envs.ladder import ladder_table

print(ladder_table())
