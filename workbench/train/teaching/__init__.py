"""Training from other weights than random ones, and by other targets than labels: teachers, init.

`weights.py` finds files and pins them, `teacher.py` runs a teacher, `losses.py` and `objective.py`
are what a step minimises, `start.py` is where a run begins and what it leaves as it is.
"""
