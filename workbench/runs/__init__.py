"""Runs: from a resolved plan to a ledger, whatever is killed on the way."""
