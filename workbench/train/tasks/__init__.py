"""Training and scoring of detectors and segmenters; optimiser, schedule and resume are a run's."""

from workbench.train.tasks.parts import build_task_parts

__all__ = ["build_task_parts"]
