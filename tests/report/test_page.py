import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.samples import FACTS, sweep
from workbench.report.answer import answer
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.report.page import page
from workbench.report.write import write_report
from workbench.runs.results import load_sweep
from workbench.shipped import in_checkout
from workbench.show.page import Picture
from workbench.statistics.facts import PlanFacts

ATTACK = "<script>document.title='owned'</script>"
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-logging=stderr",
)
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


class Outline(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]
        self.handlers += [k for k, _ in attrs if k.startswith("on")]


def browse(address: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    command = [BROWSER, *QUIET, f"--user-data-dir={folder / 'profile'}", *more, address]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a report, with figures, whose every text is an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    rows, runs = sweep(ATTACK)
    facts = PlanFacts(ATTACK, ATTACK, ATTACK, (0, 1, 2), ATTACK, ATTACK, ATTACK, (ATTACK,))
    write_report(folder, Findings(facts, rows, runs))
    return folder / "report.html"


def without_figures(found: Findings, folder: Path) -> Path:
    path = folder / "report.html"
    path.write_text(page(found, main_table(found), [], []), encoding="utf-8")
    return path


def unlocked(path: Path, script: str) -> str:
    """The page with hands of its own; its policy would let none but a reader's act."""
    text = path.read_text(encoding="utf-8")
    text, policies = re.subn(r'<meta http-equiv="Content-Security-Policy".*?>\n', "", text)
    assert policies == 1
    path.write_text(text.replace("</body>", f"{script}</body>"))
    return path.as_uri()


def order(dom: str) -> list[str]:
    """Variants of the main table in the order shown, without hidden rows."""
    table = dom[dom.index('id="table"') : dom.index('id="runs"')]
    shown = re.findall(r"<tr class=\"\w*\"(?! hidden)[^>]*><td data-value=\"([^\"]*)\"", table)
    return [name.replace("&amp;", "&") for name in shown]


@pytest.mark.slow
def test_the_page_needs_nothing_else_and_escapes_every_text(hostile: Path) -> None:
    text = hostile.read_text(encoding="utf-8")
    outline = Outline(text)
    assert outline.tags.count("script") == 1
    assert outline.handlers == []
    assert {"link", "img", "iframe", "image"}.isdisjoint(outline.tags)
    assert all(link.startswith("#") for link in outline.links)
    assert not re.findall(r"url\((?!#)", text)
    assert "@import" not in text


def test_a_page_without_figures_and_runs_is_whole() -> None:
    rows, _ = sweep()
    found = Findings(FACTS, rows, ())
    text = page(found, main_table(found), [], [])
    assert Outline(text).tags.count("tr") == len(rows) + 1
    assert 'id="figures"' not in text


@pytest.mark.parametrize("pixels", [True, False])
def test_a_figure_of_pixels_is_let_in_and_nothing_else_is(pixels: bool) -> None:
    found = Findings(FACTS, *sweep())
    inside = '<image href="data:image/png;base64,AA"/>' if pixels else "<path/>"
    text = page(found, main_table(found), [Picture(f"<svg>{inside}</svg>", "what")], [])
    assert ("; img-src data:" in text) is pixels


def test_the_answer_comes_first_and_the_environment_folded_at_the_end() -> None:
    found = Findings(FACTS, *sweep())
    text = page(found, main_table(found), [], [])
    assert answer(found) in text
    parts = (FACTS.question, 'id="answer"', 'id="table"', 'id="runs"', 'id="made"', "<dd>2.15</dd>")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "<details><summary>Plan, command, environment</summary>" in text


@pytest.mark.slow
@needs_browser
def test_a_browser_shows_it_and_runs_only_its_own_script(hostile: Path, tmp_path: Path) -> None:
    where = hostile.as_uri()
    shown = browse(where, tmp_path, "--dump-dom")
    assert "<title>&lt;script&gt;" in shown.stdout
    assert "<title>owned" not in shown.stdout
    assert "CONSOLE" not in shown.stderr  # no error, and nothing the page's policy had to stop
    assert "4 of 4" in shown.stdout  # written by its script
    shot = tmp_path / "shot.png"
    browse(where, tmp_path, f"--screenshot={shot}", "--window-size=1200,2400")
    pixels = np.asarray(Image.open(shot).convert("L"))
    assert 0.005 < (pixels < 128).mean() < 0.3
    assert (pixels[1200:] < 200).any()  # figures, below the table


MEASURE = """<script>
const box = document.querySelector("#table .scroll");
const over = () => box.scrollWidth - box.clientWidth;
const seen = () => [...box.querySelectorAll("th")].filter((th) => th.offsetWidth).length;
const before = [over(), seen()];
document.querySelector("#table .more").click();
document.title = [...before, seen()].join(" ");
</script>"""


@pytest.mark.slow
@needs_browser
def test_the_quickstart_s_table_fits_and_a_box_shows_its_rare_columns(tmp_path: Path) -> None:
    found = load_sweep(in_checkout("results/measured/quickstart"))
    where = unlocked(without_figures(Findings.of(found), tmp_path), MEASURE)
    dom = browse(where, tmp_path, "--dump-dom", "--window-size=1400,1100").stdout
    assert re.findall("<title>(.*)</title>", dom) == [
        "0 10 16"
    ]  # nothing to scroll; of 16 columns 10 are shown at first


HANDS = """<script>
const title = document.querySelector('#table th[data-key="top1_mean"] button');
title.click();
title.click();
const box = document.querySelector("#runs input");
box.value = "stem";
box.dispatchEvent(new Event("input"));
document.querySelector("details:not([hidden]) summary").click();
</script>"""


@pytest.mark.slow
@needs_browser
def test_a_click_sorts_words_filter_and_a_run_shows_its_configuration(tmp_path: Path) -> None:
    path = without_figures(Findings(FACTS, *sweep()), tmp_path)
    dom = browse(unlocked(path, HANDS), tmp_path, "--dump-dom").stdout
    assert order(dom) == ["+ LPU", "+ stem", "base", "norm_$bn$"]  # descending, by two clicks
    assert "<output>3 of 12</output>" in dom
    (opened,) = re.findall(r"<details[^>]* open=.*?</details>", dom, re.DOTALL)
    assert "+ stem, seed 0: completed" in opened
    assert "<pre>variant: + stem\nseed: 0\n" in opened
    assert "name: &lt;b&gt;adamw&lt;/b&gt;" in opened
    assert "workbench ablate sample --only" in opened


@pytest.mark.slow
@needs_browser
def test_a_browser_sorts_and_filters(tmp_path: Path) -> None:
    rows, runs = sweep()
    where = without_figures(Findings(FACTS, rows, runs), tmp_path).as_uri()
    assert order(browse(where, tmp_path, "--dump-dom").stdout) == [row.name for row in rows]
    down = browse(f"{where}#sort=top1_mean:descending", tmp_path, "--dump-dom").stdout
    assert order(down) == ["+ LPU", "+ stem", "base", "norm_$bn$"]  # nothing measured comes last
    up = browse(f"{where}#sort=top1_mean&filter=slot", tmp_path, "--dump-dom").stdout
    assert order(up) == ["base", "+ stem", "+ LPU"]
    assert 'aria-sort="ascending"' in up
    assert "3 of 4" in up
