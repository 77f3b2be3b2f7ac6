"""The database of a ledger: how it is opened, its tables, how one waits for it, who holds it."""
