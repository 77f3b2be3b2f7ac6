"""Finished runs of other results folders: found by their identity, taken over, merged."""
