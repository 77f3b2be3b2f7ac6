"""Detectors and segmenters over the maps of a network: what stands between features and boxes."""

from workbench.tasks.detector import DETECTORS, detector

__all__ = ["DETECTORS", "detector"]
