"""torchvision's detectors over the maps of our networks."""

import pytest
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN, RetinaNet

import workbench as wb
from workbench.config import Spec
from workbench.errors import InputError
from workbench.tasks.maps import network_maps

Target = dict[str, Tensor]


def tiny(name: str = "cmt_digits", *overrides: str) -> Spec:
    """Strides 4, 8, 16, 32 in 200 thousand weights."""
    return wb.spec(
        name, "resolution=32", "depth=1", "stride=[4,2,2,2]", "stem.stride=2", *overrides
    )


def targets() -> list[Target]:
    boxes = torch.tensor([[4.0, 4.0, 30.0, 40.0], [20.0, 30.0, 60.0, 60.0]])
    masks = torch.zeros(2, 64, 96, dtype=torch.uint8)
    masks[0, 4:40, 4:30] = masks[1, 30:60, 20:60] = 1
    return [{"boxes": boxes, "labels": torch.tensor([1, 2]), "masks": masks}]


@pytest.mark.parametrize("kind", ["retinanet", pytest.param("mask_rcnn", marks=pytest.mark.slow)])
def test_a_detector_trains_and_detects(kind: str) -> None:
    model = wb.detector(tiny(), kind, classes=5, channels=32, resize=None)
    assert isinstance(model, RetinaNet | MaskRCNN)
    image = torch.rand(3, 64, 96)
    losses = model([image], targets())
    sum(losses.values()).backward()
    untrained = [name for name, each in model.named_parameters() if each.grad is None]
    assert untrained == []
    found = model.eval()([image])[0]
    assert set(found) == {"boxes", "labels", "scores"} | (
        {"masks"} if kind == "mask_rcnn" else set()
    )
    assert all(torch.isfinite(each).all() for each in found.values())


def test_levels_are_of_the_strides() -> None:
    model = wb.detector(tiny(), "retinanet", classes=5, channels=32)
    assert [info.stride for info in model.backbone.body.info] == [8, 16, 32]
    assert [sizes[0] for sizes in model.anchor_generator.sizes] == [32, 64, 128, 256, 512]
    whole = wb.detector(tiny(), "mask_rcnn", classes=5, channels=32)
    assert [info.stride for info in whole.backbone.body.info] == [4, 8, 16, 32]
    assert whole.rpn.anchor_generator.sizes == ((32,), (64,), (128,), (256,), (512,))


def test_maps_of_one_stride_are_the_last_ones() -> None:
    volo = network_maps(wb.spec("volo_d1", "resolution=32", "dim=[12,24,24,24]", "depth=1"), "fpn")
    assert volo.out_indices == (0, 3)


def test_images_of_any_size_are_padded() -> None:
    model = wb.detector(tiny(), "retinanet", classes=5, channels=32, resize=None).eval()
    found = model([torch.rand(3, 50, 41), torch.rand(3, 33, 64)])
    assert len(found) == 2


def test_images_are_padded_for_stages_that_give_no_map() -> None:
    """Stride 8 divides the padded image that the two maps would ask for; the network's 32 not."""
    model = wb.detector(tiny(), classes=5, channels=16, out_indices=(0, 1), resize=None).eval()
    assert len(model([torch.rand(3, 50, 41)])) == 1


def test_weights_of_a_classifier_keep_their_names() -> None:
    """So that a detector can begin from them."""
    classifier = wb.build(tiny(), seed=3)
    model = wb.detector(tiny(), "retinanet", classes=5, channels=32)
    body = {name: each for name, each in classifier.state_dict().items() if "head." not in name}
    assert model.backbone.body.network.load_state_dict(body).missing_keys == []


def test_a_seed_draws_all_weights_and_leaves_the_global_state() -> None:
    torch.manual_seed(1)
    one = wb.detector(tiny(), "retinanet", classes=5, channels=32, seed=4).state_dict()
    drawn = torch.rand(())
    torch.manual_seed(1)
    assert torch.rand(()) == drawn
    two = wb.detector(tiny(), "retinanet", classes=5, channels=32, seed=4).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="unknown 'retina'; nearest: 'retinanet'"):
        wb.detector(tiny(), "retina")
    with pytest.raises(InputError, match=r"out_indices: 7 is out of range; choose from -4 to 3"):
        wb.detector(tiny(), out_indices=(1, 7))
    with pytest.raises(InputError, match="head: 'class_token' runs class tokens beside the map"):
        wb.detector(wb.spec("deit_digits"))
    with pytest.raises(InputError, match="two of its maps are of stride 16; name one of each"):
        wb.detector("volo_d1", out_indices=(1, 2))


@pytest.mark.parametrize("kind", ["fpn", "upernet"])
def test_a_segmenter_says_a_class_for_every_pixel(kind: str) -> None:
    model = wb.segmenter(tiny(), kind, classes=7, channels=16)
    logits = model(torch.rand(2, 3, 64, 96))
    assert logits.shape == (2, 7, 64, 96)
    logits.sum().backward()
    assert [name for name, each in model.named_parameters() if each.grad is None] == []
    with pytest.raises(InputError, match=r"do not divide the side 50 .*nearest: 32, 64"):
        model(torch.rand(1, 3, 50, 64))


def test_a_segmenter_takes_networks_of_few_maps() -> None:
    volo = wb.spec("volo_d1", "resolution=32", "dim=[12,24,24,24]", "depth=1")
    assert wb.segmenter(volo, "upernet", classes=3, channels=16)(torch.rand(1, 3, 32, 64)).shape[
        2:
    ] == (32, 64)
