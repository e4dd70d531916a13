"""What is made of a run, finished or not: tables, plots, the offline report, the comparison of two runs."""
