"""The tables of `docs/statistics.md` are what the shipped folders say."""

import pytest

from benchmarks.before_after import BEGIN, END, PAGE, PLANS, Rejudged, rejudged, tables, with_tables


@pytest.fixture(scope="module")
def found() -> list[Rejudged]:
    return [each for plan in PLANS for each in rejudged(plan)]


@pytest.mark.slow
def test_the_page_has_the_verdicts_of_the_shipped_folders(found: list[Rejudged]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = with_tables(page, tables(found))
    assert page == made, "python -m benchmarks.before_after --write"
    assert page.count(BEGIN) == page.count(END) == 1


@pytest.mark.slow
def test_the_model_decides_no_less_than_the_t_test_did(found: list[Rejudged]) -> None:
    for plan in PLANS:
        own = [each for each in found if each.plan == plan]
        assert sum(each.after.decided for each in own) >= sum(each.before.decided for each in own)
    steps = [each for each in found if each.plan == "cmt_components"]
    assert sum(any(one.decided for one in each.both) for each in steps) >= 4
