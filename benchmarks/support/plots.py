"""The plot in docs/benchmarks.md."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from .timing import Figures

LABELS = {
    "IndexBinaryFlat, us": "FAISS IndexBinaryFlat",
    "IndexBinaryMultiHash, us": "FAISS IndexBinaryMultiHash",
    "PDQIndex, us": "threatexchange PDQIndex",
    "batch, us": "unseen_index, batches",
    "single, us": "unseen_index, one at a time",
}


def plot(results: Figures, path: Path) -> None:
    """Plot microseconds per lookup against the number of hashes, on logarithmic scales."""
    by_rows = {int(rows): figures for rows, figures in results["uniform"].items()}
    mpl.rcParams["svg.hashsalt"] = "unseen"  # the same results give the same file
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for number, (key, label) in enumerate(LABELS.items()):
        points = [(rows, figures[key]) for rows, figures in by_rows.items() if key in figures]
        axes.plot(*zip(*points, strict=True), marker="o", color=f"C{number}", label=label)
    axes.set(xscale="log", yscale="log", xlabel="hashes", ylabel="microseconds per lookup")
    axes.set_xticks(list(by_rows), [f"{rows:,}" for rows in by_rows], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
