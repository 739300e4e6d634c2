"""What the benchmarks share: data sets, baselines, a load generator, timing, results."""
