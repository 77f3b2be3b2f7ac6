"""Images of other sizes: tables follow the map, and nothing stale or with a graph is kept."""

import copy
import pickle

import pytest
import torch
from torch import Tensor

from workbench import build, fuse, load_weights, spec
from workbench.errors import InputError
from workbench.models import Network

LEVIT = ("levit_128s", "resolution=32", "classes=4", "stride=[8,2,2]", "dim=[32,48,64]", "depth=1")
VOLO = ("volo_d1", "resolution=32", "dim=[12,24,24,24]", "depth=1", "classes=4")
TABLES = {
    "relative": ("cmt_digits",),
    "relative with a token": ("deit_digits", "position=relative"),
    "offsets": ("cmt_digits", "position=attention_bias"),
    "absolute": ("columnar_digits",),
    "absolute with a token": ("deit_digits",),
    "levit": LEVIT,
    "volo": VOLO,
}


def network(*words: str) -> Network:
    """With tables, residuals that start at zero and narrow weights made to count."""
    model = build(spec(*words)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "table" in name or not parameter.any():
                parameter.normal_(generator=generator)
            elif parameter.ndim == 2:
                parameter.normal_(0, parameter.shape[1] ** -0.5, generator=generator)
    return model


def image(height: int, width: int) -> Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(1))


def sides(model: Network) -> tuple[int, int]:
    home = model.spec.resolution
    return 2 * home, 3 * home


@pytest.mark.parametrize("words", TABLES.values(), ids=TABLES)
def test_what_is_kept_changes_no_output_and_holds_no_graph(words: tuple[str, ...]) -> None:
    model = network(*words)
    x = image(*sides(model))
    fresh = model(x)  # with gradients nothing is kept
    with torch.inference_mode():
        first, second = model(x), model(x)
    with torch.no_grad():
        third = model(x)
    for found in (first, second, third):
        torch.testing.assert_close(found, fresh, atol=1e-5, rtol=1e-4)
    model.train()(x).square().sum().backward()
    without = [name for name, p in model.named_parameters() if p.grad is None]
    assert without == []


@pytest.mark.parametrize("words", TABLES.values(), ids=TABLES)
def test_a_square_is_what_a_network_built_for_it_gives(words: tuple[str, ...]) -> None:
    """Tables are resized at run time as they are where weights are loaded for another size."""
    model = network(*words)
    side = 2 * model.spec.resolution
    larger = [word for word in words if not word.startswith("resolution")]
    built = build(spec(*larger, resolution=side)).eval()
    load_weights(built, model.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(model(image(side, side)), built(image(side, side)))


@pytest.mark.parametrize("words", TABLES.values(), ids=TABLES)
def test_a_changed_table_is_seen_at_once(words: tuple[str, ...]) -> None:
    model = network(*words)
    x = image(*sides(model))
    with torch.no_grad():
        before = model(x)
        for name, parameter in model.named_parameters():
            if "table" in name:
                parameter.data.copy_(parameter.flip(-1))  # leaves no trace in the version
        after = model(x)
        assert not torch.allclose(before, after)
        torch.testing.assert_close(copy.deepcopy(model)(x), after)


def kept(model: Network) -> int:
    caches = [module.kept._last for module in model.modules() if hasattr(module, "kept")]
    return sum(tensor.numel() for cache in caches for _, _, tensor in cache.values())


def test_one_size_is_kept_at_a_time_and_travels_with_nothing() -> None:
    model = network("cmt_digits")
    names = set(model.state_dict())
    with torch.no_grad():
        model(image(32, 32))
        large = kept(model)
        model(image(16, 16))
        small = kept(model)
    assert 0 < small < large
    assert set(model.state_dict()) == names
    assert kept(copy.deepcopy(model)) == 0
    assert kept(pickle.loads(pickle.dumps(model))) == 0
    model(image(16, 16))  # a step with gradients frees it
    assert kept(model) == 0


@pytest.mark.parametrize("words", TABLES.values(), ids=TABLES)
def test_a_map_that_is_turned_with_its_tables_is_the_map_turned(words: tuple[str, ...]) -> None:
    """Height and width are treated alike: the transposed network on the transposed image."""
    model, x = network(*words), image(16, 24) if words not in (LEVIT, VOLO) else image(32, 64)
    turned = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in turned.named_parameters():
            if parameter.ndim == 4 and "token" not in name:
                parameter.copy_(parameter.transpose(2, 3).clone())
        _turn_tables(turned)
        if any("outlook" in str(stage.mixer) for stage in model.spec.stages):
            _turn_outlook(turned)
        torch.testing.assert_close(turned(x.mT), model(x), atol=1e-4, rtol=1e-4)


def _turn_tables(model: Network) -> None:
    for name, table in model.named_parameters():
        if "table" not in name:
            continue
        tokens = model.token.shape[2] if model.token is not None else 0
        if "relative" in type(model.get_submodule(name.split(".table")[0])).__name__.lower():
            rows, columns = (_turned(size, tokens) for size in table.shape[1:])
            table.copy_(table[:, rows][:, :, columns])
        elif table.ndim == 3:  # absolute
            table.copy_(table[:, _turned(table.shape[1], tokens)])
        else:
            table.copy_(table[:, _turned(table.shape[1], 0)])


def _turned(length: int, tokens: int) -> Tensor:
    side = round((length - tokens) ** 0.5)
    grid = torch.arange(side * side).view(side, side).t().flatten() + tokens
    return torch.cat([torch.arange(tokens), grid])


def _turn_outlook(model: Network) -> None:
    order = _turned(9, 0)
    for stage in model.stages:
        for block in stage.blocks:
            if type(block.mixer).__name__ == "Outlook":
                for p in block.mixer.weights.parameters():
                    old = p.view(-1, 9, 9, *p.shape[1:])
                    p.copy_(old[:, order][:, :, order].reshape(p.shape))


def test_where_k_does_not_divide_the_last_row_and_column_are_repeated() -> None:
    model = network("cmt_digits", "mixer.k=[8,4,2,1]")
    reduce = model.stages[0].blocks[0].mixer.reduce
    x = torch.randn(2, 46, 10, 9)[:, : reduce.conv.in_channels]
    rows, columns = torch.arange(16).clamp(max=9), torch.arange(16).clamp(max=8)
    whole = x[:, :, rows][:, :, :, columns]
    with torch.no_grad():
        found = reduce(x)
        assert found.shape[2:] == (2, 2)
        torch.testing.assert_close(found, reduce(whole))


def test_where_k_does_not_divide_keys_are_padded_and_fusing_stays_exact() -> None:
    small = ("dim=[16,16,32,32]", "heads=[2,2,4,4]", "stride=[1,1,2,2]")
    model = network("cmt_digits", *small, "norm=bn", "mixer.k=[8,8,4,1]").double()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3)
                module.bias.normal_(0, 0.3)
        for each in (image(16, 8), image(12, 20)):  # every k divides; none of them does
            torch.testing.assert_close(fuse(model)(each.double()), model(each.double()))


@pytest.mark.parametrize(
    ("words", "size", "near"),
    [
        (("cmt_digits",), (16, 20), "side 20 .* nearest: 16, 24"),
        (("cmt_digits",), (3, 8), "3 .* nearest: 8"),
        (("columnar_digits",), (9, 8), "9 .* nearest: 8, 10"),
        (LEVIT, (36, 32), "36 .* nearest: 32, 40"),  # its stages round up
    ],
)
def test_a_size_that_strides_do_not_divide_names_the_nearest(
    words: tuple[str, ...], size: tuple[int, int], near: str
) -> None:
    model = build(spec(*words))
    with pytest.raises(InputError, match=near):
        model(image(*size))
    with pytest.raises(InputError, match=near):
        model.features(image(*size))


def test_features_of_chosen_stages() -> None:
    model = network("cmt_digits")
    every = model.features(image(16, 8))
    chosen = model.features(image(16, 8), out_indices=(-1, 1))
    assert [torch.equal(a, b) for a, b in zip(chosen, (every[3], every[1]), strict=True)]
    assert [(info.channels, info.stride) for info in model.feature_info] == [
        (24, 1), (48, 2), (72, 4), (96, 8),
    ]  # fmt: skip
    for wrong in ((4,), (-5,), ()):
        with pytest.raises(InputError, match="out_indices"):
            model.features(image(16, 8), out_indices=wrong)


@pytest.mark.slow
def test_blocks_that_run_again_in_the_backward_pass_have_the_same_gradients() -> None:
    gradients = []
    for again in (False, True):
        model = network("cmt_digits", "conv_norm=ln", "head.dropout=0").train()
        for stage in model.stages:
            stage.checkpointing = again
        model(image(16, 8)).square().sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed)
