"""The plot of docs/benchmarks.md."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from .timing import Figures

NAMES = {
    "IndexBinaryFlat, us": "FAISS IndexBinaryFlat",
    "IndexBinaryMultiHash, us": "FAISS IndexBinaryMultiHash",
    "PDQIndex, us": "threatexchange PDQIndex",
    "batch, us": "unseen_index, batches",
    "one at a time, us": "unseen_index, one at a time",
}


def plot(results: Figures, path: Path) -> None:
    """Draw microseconds a look-up against the number of hashes, both on logarithmic scales."""
    tables = {int(rows): figures for rows, figures in results["uniform"].items()}
    mpl.rcParams["svg.hashsalt"] = "unseen"  # the same file from the same figures
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for place, (key, name) in enumerate(NAMES.items()):
        points = [(rows, table[key]) for rows, table in tables.items() if key in table]
        axes.plot(*zip(*points, strict=True), marker="o", color=f"C{place}", label=name)
    axes.set(xscale="log", yscale="log", xlabel="hashes", ylabel="microseconds a look-up")
    axes.set_xticks(list(tables), [f"{rows:,}" for rows in tables], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
