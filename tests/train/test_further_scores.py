"""Accuracy averaged over classes, and calibration, beside top-1."""

import pytest
import torch

from workbench.train.evaluation import calibration_error, class_mean


def test_every_class_counts_alike_however_many_images_it_has() -> None:
    labels = torch.tensor([0, 0, 0, 2, 2, 5])
    right = torch.tensor([1, 1, 0, 0, 1, 1], dtype=torch.bool)
    assert class_mean(labels, right) == pytest.approx(100 * (2 / 3 + 1 / 2 + 1) / 3)
    assert class_mean(labels, ~right) == pytest.approx(100 - class_mean(labels, right))


def test_the_calibration_error_is_that_of_the_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(400, generator=generator, dtype=torch.float64)
    right = torch.rand(400, generator=generator, dtype=torch.float64) < confidence**2
    whole = 0.0
    for low in range(15):
        within = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if within.any():
            gap = right[within].double().mean() - confidence[within].mean()
            whole += float(gap.abs()) * int(within.sum()) / 400
    assert calibration_error(confidence, right) == pytest.approx(100 * whole)
    sure = torch.ones(10, dtype=torch.float64)
    assert calibration_error(sure, torch.ones(10, dtype=torch.bool)) == 0
    assert calibration_error(sure, torch.zeros(10, dtype=torch.bool)) == 100
