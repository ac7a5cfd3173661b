"""The picture of how the pipeline's steps grow, `docs/benchmarks.svg`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Series


def draw(series: Sequence[Series], path: Path) -> None:
    """Seconds by rows for each step, both logarithmic, with what Great Expectations takes of the validation.

    Raises:
        ImportError: matplotlib is not installed (the extra `bench`).
    """
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "gpu-catalog"  # the same bytes for the same figures
    lines: dict[str, list[tuple[int, float]]] = {}
    for one in series:
        step, _, rows = one.case.rpartition(", ")
        at = int(rows.removesuffix(" rows").replace(",", ""))
        lines.setdefault(step, []).append((at, one.median("call_seconds")))
        if "expectations_seconds" in one.runs[0]:
            share = f"{step}: Great Expectations' share"
            lines.setdefault(share, []).append((at, one.median("expectations_seconds")))
    figure, axes = plt.subplots(figsize=(8, 5))
    for name, points in lines.items():
        style = "--" if name.endswith("share") else "-"
        axes.plot(*zip(*sorted(points), strict=True), style, marker="o", markersize=4, label=name)
    axes.set(xscale="log", yscale="log", xlabel="rows", ylabel="seconds, imports not counted")
    axes.set_title("How the pipeline grows")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(visible=True, which="major", alpha=0.4)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
