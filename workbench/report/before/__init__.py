"""Before a plan runs: its rows with their costs and times, and what it could detect."""
