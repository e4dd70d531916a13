"""Parts of `benchmarks/reliability.py`: each has `run(data, work)`, which takes the pictures and an empty folder, and
returns its `Findings`."""
