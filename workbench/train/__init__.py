"""Training: recipes as data, one Lightning module, and `fit`, which brings a run to its outcome.

`workbench.train.recipes` needs no torch; everything else does, so nothing is imported here.
"""
