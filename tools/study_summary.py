"""The summary of a comparison that is kept in the repository: its JSON without every metric of every seed, and tables.

python tools/study_summary.py OUT/comparison.json [docs/results/studies/NAME.json]

Prints the tables of docs/results/learning.md as Markdown.
"""

import json
import sys
from pathlib import Path
from typing import Any

DROPPED = ("by_seed", "difference_by_seed")
DIGITS = 5


def summary_of(value: Any) -> Any:
    """The same without the metrics of single seeds but their fitness, in numbers of five digits."""
    if isinstance(value, dict):
        dropped = (*DROPPED, "metrics") if "control" in value else DROPPED
        return {name: summary_of(entry) for name, entry in value.items() if name not in dropped}
    if isinstance(value, list):
        return [summary_of(entry) for entry in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def interval(summary: dict[str, Any], digits: int = 2) -> str:
    """Mean and interval of an arm or a difference."""
    low, high = summary["ci95"]
    return f"{summary['mean']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def tables_of(result: dict[str, Any], title: str, primary: str) -> list[str]:
    """Arms, comparisons and controls in one world, as lines of Markdown."""
    lines = [f"### {title}", "", "| arm | mean [95 %] | IQM | median | normalized |", "|---|---|---|---|---|"]
    for arm in result["arms"]:
        numbers, score = arm["primary"], arm["normalized"]
        shown = "–" if score is None else f"{score:.3f}"
        row = (arm["arm"], interval(numbers), f"{numbers['iqm']:.2f}", f"{numbers['median']:.2f}", shown)
        lines.append(f"| {' | '.join(row)} |")
    policies = ", ".join(f"{name} {value[primary]['mean']:.2f}" for name, value in result.get("policies", {}).items())
    lines += [
        "",
        policies,
        "",
        "| difference | mean [95 %] | P(larger) | p | p (Holm) | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for pair in result["comparisons"]:
        larger = f"{pair['probability_of_improvement']['value']:.2f}"
        tests = (larger, f"{pair['p']:.4f}", f"{pair['p_holm']:.4f}", pair["verdict"])
        lines.append(f"| {pair['arm']} − {pair['minus']} | {interval(pair['difference'])} | {' | '.join(tests)} |")
    if result.get("controls"):
        names = list(dict.fromkeys(entry["control"] for entry in result["controls"]))
        lines += ["", f"| arm | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
        for arm in dict.fromkeys(entry["arm"] for entry in result["controls"]):
            found = {e["control"]: e["primary"]["mean"] for e in result["controls"] if e["arm"] == arm}
            lines.append(f"| {arm} | {' | '.join(f'{found[name]:.2f}' for name in names)} |")
    return [*lines, ""]


def main() -> None:
    """Prints the tables, and writes the summary where a place is given."""
    result = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    primary = result["primary"]
    lines = tables_of(result, result["title"], primary)
    if "held_out" in result:
        lines += tables_of(result["held_out"], "held-out variant", primary)
    for name, entry in result.get("tests", {}).items():
        lines += tables_of(entry, name, primary)
    print("\n".join(lines))
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(summary_of(result)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
