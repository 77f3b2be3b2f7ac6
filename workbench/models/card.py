"""The model card of a saved network; the hub reads its front matter."""

from collections.abc import Mapping
from typing import Any

from workbench.config import MAC

LIBRARY = "cmt-workbench"
PIPELINES = {"detect": "object-detection", "segment": "image-segmentation"}  # the hub's names


def card(config: Mapping[str, Any]) -> str:
    """`README.md` of a network that `config` describes."""
    channels, side, _ = config["input_size"]
    task = config.get("task", {}).get("name", "classify")
    pipeline = PIPELINES.get(task, "image-classification")
    return f"""---
library_name: {LIBRARY}
pipeline_tag: {pipeline}
tags:
- {pipeline}
- {LIBRARY}
---

# {config["architecture"]}

| | |
|---|---|
| Params | {config["params"]:,} |
| MACs | {config["macs"]:,} |
| Input | {channels} x {side} x {side} |
| Classes | {config["num_classes"]} |

{MAC}.

Source of the weights: {config["source"]}.

```python
import workbench as wb

model = wb.load("this/folder")  # {_use(task, config)}
```
{_normalised(task, config)}"""


def _use(task: str, config: Mapping[str, Any]) -> str:
    channels, side, _ = config["input_size"]
    classes = config["num_classes"]
    if task == "detect":
        masks = ", masks" if config["task"]["model"] == "mask_rcnn" else ""
        return f"[({channels}, H, W) from 0 to 1, ...] -> boxes, labels{masks} and scores of each"
    if task == "segment":
        return f"(B, {channels}, H, W) from 0 to 1 -> (B, {classes}, H, W)"
    return f"(B, {channels}, {side}, {side}) -> (B, {classes})"


def _normalised(task: str, config: Mapping[str, Any]) -> str:
    """Detectors and segmenters do it themselves."""
    if "mean" not in config or task != "classify":
        return ""
    mean, std = (", ".join(f"{x:.4f}" for x in config[key]) for key in ("mean", "std"))
    return f"\nThe images, from 0 to 1, are normalised by mean {mean} and std {std}.\n"
