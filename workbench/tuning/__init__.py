"""Trials before a plan's seeds: its rows' values of training, how steps are computed, workers."""
