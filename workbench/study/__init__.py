"""Studies: what Optuna asks for goes through the same engine and ledger as an ablation.

study file -> search space -> session (ask, train, tell) -> summary -> figures
"""
