"""Bad input of every command: one line, exit code 2."""

import pytest

from tests.support.command import Run

REFUSED = {
    "ablat quickstart": ("command", "ablat", "nearest: 'ablate"),
    "ablate": ("plan: missing", "quickstart"),
    "cost": ("name: missing", "workbench cost --help"),
    "cost timm:resnet18 lpu=none --task retinanet": ("lpu=none: timm:resnet18 takes none",),
    "cost cmt_s --resolutoin 192": ("--resolutoin", "nearest: '--resolution"),
    "cost cmt_s --resolution big": ("resolution", "'big'", "a side such as 224, or 800x1280"),
    f"cost cmt_s --resolution {'9' * 5000}": ("resolution: '999", "a side such as 224"),
    "cost cmt_s --resolution 22²": ("resolution: '22²'", "a side such as 224"),
    "cost cmt_s --resolution": ("--resolution", "requires an argument"),
    "report one two": ("unexpected", "two"),
    "ablate quickstart --logger tensorbord": ("logger", "tensorbord", "tensorboard"),
    "ablate quickstart --import my_mixr": ("import", "my_mixr"),
    "fetch cifar": ("cifar", "nearest: 'cifar10"),
    "cost cmt_s lppu=none": ("lppu", "lpu"),
    "cost cmt_s lpu=nono": ("lpu", "nono", "nearest: 'none'"),
    "cost cmt_s mixer=wide": ("mixer: unknown 'wide'; choose from: ", "lmhsa", "--import MODULE"),
    "cost cmt_digits --batch 0": ("--batch", "0", "it must be at least 1;"),
    "cost cmt_digits --speed --device cudaa": ("device", "'cudaa'", "cpu"),
    "cost cmt_x": ("cmt_x", "cmt_xs"),
    "cost cmt_s depth=three": ("depth", "three"),
    "cost cmt_s mixer.k=0": ("mixer.k", "0"),
    "cost cmt_s heads=[1,2,3,8]": ("heads[2]", "3", "nearest: 2, 4"),
    "scale cmt_s --phi big": ("--phi: 'big' is refused: it must be a number;",),
    "cost cmt_s --resolution 225": ("resolution", "225", "fit: 224, 256"),
    "cost cmt_s --resolution 200": ("mixer.k[0]: 8 does", "10; resolutions that fit: 192, 224"),
    "cost cmt_s mixer.k=[3,4,2,1]": ("mixer.k[0]", "3", "nearest"),
    "cost timm:efficientnet_b22": ("efficientnet_b22", "efficientnet_b2"),
    "models --family cmtt": ("family", "cmtt", "cmt"),
    "study quickstart": ("is a plan of kind additive; run it with: workbench ablate quickstart",),
    "ablate quickstartt": ("quickstartt", "quickstart"),
    "report nowhere --width column": ("--width: is for figures; give --figures too",),
    "report nowhere --figures --columns top1": ("--columns: is for tables",),
    "report nowhere --figures --width wide": ("--width", "'wide'", "column"),
    "report nowhere --figures --format pfd": ("--format", "'pfd'", "pdf"),
    "ablate quickstart --seeds 0,0": ("seeds", "0"),
    "ablate quickstart --seeds zero": ("seeds", "zero"),
    f"ablate quickstart --logger {'x' * 5000}": ("logger: unknown 'xxx", "...xxxxx'; choose"),
    f"report {'x' * 5000}": ("'xxx", "File name too long"),
    "runs http://[::1": ("ledger: 'http://[::1' is not a database URL",),
    "ablate quickstart --dry-run --logger tensorbord": ("logger", "tensorbord", "tensorboard"),
    "ablate quickstart --dry-run --ledger sqlite://": ("ledger: ", "in memory"),
    "ablate quickstart --dry-run --ledger nosuch://x": ("ledger: ", "driver is not installed"),
    "ablate quickstart --set recipe.data.name=folder --set recipe.data.path=~nobody-is/x": (
        "'~nobody-is/x' does not exist",
    ),
    "ablate quickstart --shard 3/2": ("--shard: '3/2' is refused",),
    "ablate quickstart --no-reuse --reuse-any": ("--no-reuse: it contradicts",),
    "slurm quickstart --slurm partitoin=gpu": ("--slurm: unknown 'partitoin'", "'partition'"),
    "merge nowhere --into all": ("nowhere", "does not exist"),
    "ablate quickstart --set recipe.epoch=3": ("epoch", "epochs"),
    "ablate quickstart --set epochs=3": ("--set: unknown 'epochs'; nearest: 'recipe.epochs'",),
    "ablate quickstart --set lr=3": ("--set: unknown 'lr'; nearest: 'recipe.optimiser.lr'",),
    "ablate quickstart --set optimiser.l=3": ("--set", "nearest: 'recipe.optimiser.l'"),
    "ablate quickstart --set recipe=digits": ("--set: 'recipe=digits'", "recipe.KEY=VALUE"),
    "ablate quickstart --set recipe.data.name=imagenet": ("'imagenet'", "'folder'", "val/CLASS"),
    "ablate quickstart --set recipe.epochs=three": ("epochs", "three"),
    "ablate quickstart --set recipe.data.name=digit": ("digit", "digits"),
    "ablate quickstart --set lpu.shortcutt=false": ("shortcutt", "shortcut"),
    "probe cmt_digits": ("--weights: missing; cmt_digits has none of its own",),
    "ablate quickstart --only cmt": ("only", "cmt"),
    "ablate quickstart --engine rai": ("engine", "rai", "nearest: 'ray'"),
    "ablate quickstart --dry-run --ray-address head:6379": ("head:6379", "--engine ray"),
    "ablate quickstart --engine slurm --slurm partitoin=gpu": ("--slurm: unknown", "'partition'"),
    "ablate quickstart --engine slurm --slurm ntasks=2": ("--slurm: 'ntasks'", "--jobs says"),
    "ablate quickstart --slurm partition=gpu": ("--slurm: it is for --engine slurm",),
    "ablate quickstart --set recipe.data.name=folder --set recipe.data.path=nowhere": (
        "data.path",
        "nowhere",
    ),
    "report nowhere": ("nowhere",),
}


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: words[:70])
def test_bad_input_is_one_line_and_exit_code_2(run: Run, words: str) -> None:
    ran = run(*words.split())
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert len(ran.err) < 1500
    for part in REFUSED[words]:
        assert part in ran.err
