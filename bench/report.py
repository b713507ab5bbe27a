"""Draw the results of bench/run.py, and write docs/performance.md from them.

python bench/report.py   (again from bench/out/results.json)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent / "out"
NAMES = {
    "floor": "floor: read the needed columns, write the same rows",
    "product_1": "perlinsos determine, 1 thread",
    "product_2": "perlinsos determine, 2 threads",
    "pandas_1": "pandas script, 1 thread",
    "pandas_2": "pandas script, 2 threads",
    "array_1": "hand-written array code, 1 thread",
    "array_2": "hand-written array code, 2 threads",
    "product_quarter": "perlinsos determine, 1 thread, a quarter of the families",
}


def draw(results: dict[str, Any], file: Path) -> None:
    """CPU seconds and peak memory as bars, each round as a dot."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "perlinsos"  # the same picture for the same results
    matplotlib.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as plt

    names = [name for name in NAMES if name in results["runs"]][::-1]
    figure, axes = plt.subplots(1, 2, figsize=(13, 3.8), sharey=True)
    for axis, field, title in ((axes[0], "cpu_s", "CPU seconds"), (axes[1], "peak_mb", "peak memory, MB")):
        for position, name in enumerate(names):
            colour = "#1b6ca8" if name.startswith("product") else "#b0b0b0"
            axis.barh(position, results["medians"][name][field], color=colour)
            dots = [run[field] for run in results["runs"][name]]
            axis.plot(dots, [position] * len(dots), "o", color="black", markersize=3)
        axis.set_yticks(range(len(names)), [NAMES[name] for name in names])
        axis.set_title(f"{title} (bar: median, dots: rounds)", fontsize=10)
    families = results["rows"]["decisions"] // 2
    figure.suptitle(f"PKH and BPNT of {results['rows']['population']:,} register rows, {families:,} families", fontsize=11)
    figure.tight_layout()
    figure.savefig(file, dpi=120, metadata={"Date": None} if file.suffix == ".svg" else None)
    plt.close(figure)


def contender_table(results: dict[str, Any]) -> list[str]:
    """One line a contender: seconds, memory, and CPU over the rivals' and the floor's."""
    medians = results["medians"]
    pandas, array, floor = (medians[name]["cpu_s"] for name in ("pandas_1", "array_1", "floor"))
    lines = ["| | CPU s | wall s | peak memory | CPU / pandas | CPU / array | CPU / floor |", "|---|" + "---:|" * 6]
    for name, text in NAMES.items():
        run, cpu = medians[name], medians[name]["cpu_s"]
        shares = f"{cpu / pandas:.2f} | {cpu / array:.2f} | {cpu / floor:.1f}" if name != "product_quarter" else "| | "
        lines.append(f"| {text} | {cpu:.1f} | {run['wall_s']:.1f} | {run['peak_mb'] / 1024:.2f} GB | {shares} |")
    return lines


def ratio_lines(results: dict[str, Any]) -> list[str]:
    """The ratios in words."""
    ratios, medians, commands = results["ratios"], results["medians"], results["commands"]
    explained = commands["explain"]["cpu_s"] - commands["explain_start"]["cpu_s"]
    return [
        f"- product / pandas script, CPU: **{ratios['product_to_pandas_1_thread']:.2f}** with one thread, "
        f"**{ratios['product_to_pandas_2_threads']:.2f}** with two (goal: at most 0.5)",
        f"- product / hand-written array code, CPU: **{ratios['product_to_array_1_thread']:.2f}** with one thread, "
        f"**{ratios['product_to_array_2_threads']:.2f}** with two",
        f"- product / floor, CPU: **{ratios['product_to_floor']:.1f}** (goal: at most 4)",
        f"- peak memory: **{medians['product_1']['peak_mb'] / 1024:.2f} GB** with one thread, "
        f"**{medians['product_2']['peak_mb'] / 1024:.2f} GB** with two (goal: at most 0.8); "
        f"{ratios['memory_product_to_pandas']:.2f} of the pandas script's, "
        f"{ratios['memory_product_to_array']:.2f} of the array code's",
        f"- CPU for four times the families: **{ratios['four_times_the_families']:.2f}** times (goal: at most 4.4)",
        f"- CPU with two threads instead of one: **{ratios['product_2_threads_to_1']:.2f}** times",
        f"- `explain` of one family of that list beyond the command's start: **{explained:.2f} CPU s** (goal: under 0.5)",
    ]


def command_lines(results: dict[str, Any]) -> list[str]:
    """What other commands took."""
    named = [
        ("synth", f"`perlinsos synth` of {results['rows']['population']:,} register rows with deliveries, truth and clean inputs")
    ]
    named += [("help", "`perlinsos --help`"), ("explain", "`perlinsos explain` of one family of that list")]
    named += [("explain_start", "`perlinsos explain --help`: its start alone")]
    runs = {"synth": results["synth"], **results["commands"]}
    return [
        f"- {text}: {runs[name]['wall_s']:.2f} s, {runs[name]['cpu_s']:.2f} CPU s, {runs[name]['peak_mb'] / 1024:.2f} GB"
        for name, text in named
        if runs[name]
    ]


def platform_lines(folder: Path) -> list[str]:
    """What the last runs of coverage_page.py and backfill.py said; nothing of one that was not run."""
    lines = []
    if (page := _read(folder / "coverage_page.json")) is not None:
        seconds = page["median_seconds"]
        lines += [
            f"- coverage page with {page['regions']} regions x {page['stages']} stages in Chromium: interactive after "
            f"**{seconds['interactive']:.2f} s** (goal: under 3), the last cell read after {seconds['last_cell']:.2f} s; the "
            f"server answers after {seconds['server']:.2f} s (medians of {page['rounds']} rounds, load {page['load']:.1f})"
        ]
    if (past := _read(folder / "backfill.json")) is not None:
        own, stages = past["airflow_own_cpu_seconds"], past["stages"]
        lines += [
            f"- backfill of {stages} stages of a region of {past['families']:,} families: "
            f"{past['steps_cpu_seconds'] + own:.1f} CPU s above the idle services, of which {own:.1f} for Airflow's own tasks, "
            f"beside {past['determine_cpu_seconds']:.1f} CPU s of {stages} `perlinsos determine` runs: "
            f"**{past['ratio_with_airflow']:.2f}** times the runs plus Airflow's own tasks (goal: at most {past['limit']}); "
            f"with Airflow left out on both sides {past['ratio_of_steps']:.2f} times"
        ]
    return ["## The platform", "", *lines, ""] if lines else []


def _read(file: Path) -> dict[str, Any] | None:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def is_busy(machine: dict[str, Any]) -> bool:
    """Whether other work ran beside the measurement."""
    return bool(machine["load_before"] > machine["cores"] / 2)


def write_document(results: dict[str, Any], file: Path) -> None:
    """Write the page from the results alone."""
    machine, versions, rows = results["machine"], results["versions"], results["rows"]
    equal = (
        "All rows of the four tables were equal"
        if not results["differences"]
        else "ROWS DIFFERED: " + "; ".join(results["differences"])
    )
    lines = [
        "# How fast the determination is",
        "",
        "Written by `bench/run.py --document` from its measurements; do not edit. How to read it: `bench/README.md`.",
        "",
        f"Job: PKH and BPNT of one region, {rows['population']:,} register rows, {rows['decisions'] // 2:,} families decided, "
        f"{rows['signal']:,} signals; {rows['findings']:,} findings and {rows['components']:,} components written. "
        f"{equal} between the product and both rivals, and between one thread and two.",
        "",
        "The rivals are written apart from the product and from each other: the *pandas script* as a data engineer writes and "
        "keeps it, the *hand-written array code* for speed, on numpy arrays of numbered families; `bench/README.md` says why.",
        "",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB; "
        f"Python {versions['python']}, DuckDB {versions['duckdb']}, pyarrow {versions['pyarrow']}, pandas {versions['pandas']}, "
        f"numpy {versions['numpy']}. Measured {results['measured_on']}, medians of {results['rounds']} alternating rounds, whole "
        f"processes; load average before: {machine['load_before']}. Seconds do not carry over to another machine, ratios do.",
        *(["", "**The machine was busy with other work**: seconds are too high, ratios less exact."] if is_busy(machine) else []),
        "",
        *contender_table(results),
        "",
        *ratio_lines(results),
        "",
        f"![CPU seconds and peak memory; each dot is one round]({file.stem}.svg)",
        "",
        "## Other commands",
        "",
        *command_lines(results),
        "",
        *platform_lines(OUT),
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    draw(results, file.with_suffix(".svg"))


if __name__ == "__main__":
    kept = json.loads((OUT / "results.json").read_text(encoding="utf-8"))
    draw(kept, OUT / "determination.png")
    write_document(kept, OUT.parents[1] / "docs" / "performance.md")
