"""What a study trains with: a validation split, and no weights of one network."""

import pytest

from tests.support.studies import FILE
from workbench.config import RunConfig
from workbench.errors import InputError
from workbench.study.file import parse_study
from workbench.study.space import Study, resolve_study
from workbench.study.summary import summarise_study


def resolved(*overrides: str, **data: object) -> Study:
    recipe = {**FILE["recipe"], "data": data}
    return resolve_study(parse_study({**FILE, "recipe": recipe}), *overrides)


@pytest.mark.parametrize(
    ("data", "overrides", "share"),
    [
        ({}, (), 0.1),
        ({"train_size": 500}, (), 0.1),
        ({"validation": 0.2}, (), 0.2),
        ({}, ("data.validation=0.3",), 0.3),
        ({"validation": None}, (), None),
        ({}, ("data.validation=null",), None),
    ],
)
def test_it_has_a_split_unless_its_recipe_says_otherwise(data, overrides, share) -> None:
    assert resolved(*overrides, **data).recipe.data.validation == share


def test_its_summary_says_which_images_its_numbers_are_of() -> None:
    notes = summarise_study(resolved(), ()).notes
    assert "Top-1 on validation images, 10 % of those of training." in notes
    notes = summarise_study(resolved("data.validation=null"), ()).notes
    assert "Top-1 on test images: there is no validation split." in notes


def test_without_a_split_its_runs_are_those_of_before() -> None:
    study = resolved("data.validation=null")
    run = RunConfig(variant="base", spec=study.base, recipe=study.recipe, seed=0)
    assert run.id.startswith("c0cb317d33203d97")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("task.name=detect", "recipe.task.name: 'detect' is refused: a study is of classifiers"),
        ("teacher.weights=teacher.pth", "recipe.teacher: is refused: a study's networks have sev"),
        ("init=start.pth", "recipe.init: is refused: a study's networks have several sizes"),
    ],
)
def test_other_tasks_and_weights_of_one_network_are_refused(override: str, line: str) -> None:
    with pytest.raises(InputError, match=line) as caught:
        resolved(override)
    assert "\n" not in str(caught.value)
