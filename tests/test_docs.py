"""What the documentation says can be done: links, commands, and the component in twenty lines."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli import app
from workbench.cost import checked_cost
from workbench.models import SLOTS, spec
from workbench.plans.load import load_plan
from workbench.user_modules import import_modules

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")]
YOURS = (ROOT / "docs" / "your_component.md").read_text()


def block(language: str) -> str:
    """The one block of code in that language on the page about components of one's own."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", YOURS, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_their_options_exist(page: Path) -> None:
    from typer.main import get_command

    commands = get_command(app).commands  # type: ignore[attr-defined]
    text = page.read_text().replace("\\\n", " ")
    typed = r"(?:^|`|&& )workbench ([a-z][a-z-]*)([^`\n|]*)"
    for name, rest in re.findall(typed, text, re.MULTILINE):
        assert name in commands, name
        known = {option for param in commands[name].params for option in param.opts} | {"--help"}
        for option in re.findall(r"(--[a-z-]+)", rest):
            assert option in known, f"workbench {name} {option}"


@pytest.fixture
def wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module of the page, in a folder of its own; forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "wide.py").write_text(block("python"))
    return tmp_path


def test_the_component_of_the_page_costs_what_it_says_and_makes_a_plan(wide: Path) -> None:
    try:
        import_modules(["wide"])
        cost = checked_cost(spec("cmt_digits", "mixer=wide", "position=none"))
        assert cost.by_slot["mixer"].macs > 0
        (wide / "plan.yaml").write_text(block("yaml"))
        assert [v.name for v in load_plan(wide / "plan.yaml").variants] == ["LMHSA", "wide"]
    finally:
        SLOTS["mixer"].pop("wide", None)
        sys.modules.pop("wide", None)


def test_the_readme_s_component_is_that_of_the_page() -> None:
    assert f"```python\n{block('python')}```" in (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_component_of_the_page_holds_to_the_contract(wide: Path) -> None:
    suite = str(ROOT / "tests" / "models" / "test_contract.py")
    command = [sys.executable, "-m", "pytest", suite, "--modules", "wide", "-k", "wide", "-rA"]
    done = subprocess.run(command, cwd=wide, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
