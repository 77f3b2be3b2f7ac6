"""Detectors and segmenters over the maps of a network: what stands between features and boxes."""

from workbench.tasks.detector import DETECTORS, detector
from workbench.tasks.segmenter import SEGMENTERS, Segmenter, segmenter

__all__ = ["DETECTORS", "SEGMENTERS", "Segmenter", "detector", "segmenter"]
