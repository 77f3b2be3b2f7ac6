"""Plans: from a file to the variants and the runs of one ablation, before anything runs."""
