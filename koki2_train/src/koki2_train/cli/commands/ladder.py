"""``koki2-train ladder``."""

from __future__ import annotations

import click

from koki2_envs.knobs import knob_fields, spec_of
from koki2_envs.knobs.plain import to_dict
from koki2_envs.ladder import RUNGS, Rung
from koki2_envs.ladder import rung as rung_called
from koki2_train.cli.completion import complete_rungs
from koki2_train.cli.options import check_rung, json_option
from koki2_train.cli.output import print_json, print_table


@click.command("ladder")
@click.argument(
    "rung", required=False, callback=lambda c, p, v: None if v is None else check_rung(c, p, v),
    shell_complete=complete_rungs,
)  # fmt: skip
@json_option
def command(rung: str | None, as_json: bool) -> None:
    """List the rungs, or show RUNG with all its knobs."""
    rows = [rung_called(rung)] if rung else list(RUNGS.values())
    if as_json:
        print_json({"rungs": [_describe(row) for row in rows]})
    elif rung:
        _show(rows[0])
    else:
        table = [[row.id, row.title, row.pressure] for row in rows]
        print_table("The ladder", ["rung", "world", "the one new pressure"], table, words=True)


def _describe(row: Rung) -> dict[str, object]:
    return {
        "rung": row.id,
        "title": row.title,
        "pressure": row.pressure,
        "structure": dict(row.structure),
        "knobs": to_dict(row.default_params),
    }


def _show(row: Rung) -> None:
    params = row.default_params
    structure = [
        [name, str(value), row.structure_spec(name).spec.allowed, row.structure_spec(name).spec.doc]
        for name, value in row.structure.items()
    ]
    knobs = []
    for name, field in knob_fields(params).items():
        spec, value = spec_of(field), getattr(params, name)
        shown = f"{value:g}" if isinstance(value, float) else str(spec.named(value)).lower()
        knobs.append(
            [
                name,
                f"{shown} {spec.unit}".strip(),
                "true or false" if isinstance(value, bool) else spec.allowed,
                spec.doc,
            ]
        )
    title = f"{row.id}: {row.title}; {row.pressure}"
    print_table(title, ["knob", "default", "allowed", "what it is"], structure + knobs, words=True)
