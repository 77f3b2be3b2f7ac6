"""Tables for a two-column paper: they fit, they compile, and their columns are chosen."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.checks import refused
from tests.support.samples import FACTS, chain, factorial, sweep
from workbench.report.beside_published import published_table
from workbench.report.findings import Findings
from workbench.report.latex import paper_table
from workbench.report.shares import shares_table
from workbench.shipped import in_checkout
from workbench.show.formats import as_latex
from workbench.statistics.facts import PlanFacts

SHIPPED = sorted(in_checkout("results/measured").glob("*/*.tex"))
PAPER = r"""\documentclass[twocolumn,10pt]{article}
\usepackage[letterpaper,margin=0.75in]{geometry}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""
SLACK = 5.0  # points that a line may be too wide


def too_wide(tables: list[str], folder: Path) -> list[float]:
    """By how many points lines of these tables are, in a paper that pdflatex makes of them."""
    (folder / "t.tex").write_text(PAPER % "\n\\clearpage\n".join(tables), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "t.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, said[-2000:]
    return [
        float(line.partition("(")[2].partition("pt")[0])
        for line in said.splitlines()
        if line.startswith("Overfull")
    ]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_tables_compile_as_they_are_and_fit(tmp_path: Path) -> None:
    hostile = Findings(FACTS, *sweep('a_b & 50% $x$ <#~^> "q" --'))
    cells = {frozenset(c): [80.0 + len(c), 81.0 + len(c)] for c in ((), "a", "b", "ab")}
    rows, runs = factorial(("a", "b"), cells)
    shares = Findings(PlanFacts("f", "factorial", seeds=(0, 1)), rows, runs).shares
    assert shares is not None
    made = [
        paper_table(hostile), as_latex(shares_table(shares)),
        as_latex(published_table("cmt_ablation")),
    ]  # fmt: skip
    shipped = [path.read_text(encoding="utf-8") for path in SHIPPED]
    assert len(shipped) > 5
    assert max(too_wide([*made, *shipped], tmp_path), default=0.0) < SLACK


def test_a_table_has_its_question_a_label_and_marks() -> None:
    rows, runs = chain({"DeiT-S": [80.0, 80.1, 80.2], "b": [85.0, 85.2, 85.1]})
    text = paper_table(Findings(FACTS, rows, runs))
    assert r"\caption{What does each component bring?}" in text
    assert r"\label{tab:sample}" in text
    assert "Top-1, \\%" in text
    assert "DeiT-S" in text
    assert r"$^{+}$ helps" in text
    assert text.count(r"$^{+}$") == 2


def test_columns_are_chosen_by_name() -> None:
    rows, runs = chain({"a": [80.0, 80.1], "b": [85.0, 85.2]})
    found = Findings(FACTS, rows, runs)
    text = paper_table(found, ("variant", "seeds", "Top-1, %"))
    assert r"Variant & Seeds & Top-1, \%" in text
    refused(lambda: paper_table(found, ("varient",)), "--columns", "'varient'", "'variant'")


def test_a_row_compared_to_several_says_to_which_and_repeats_nothing() -> None:
    rows, runs = chain({"a": [80.0, 80.1], "b": [85.0, 85.2], "c": [85.1, 85.1]})
    both = (*rows[:2], rows[2].model_copy(update={"also": ("a",)}))
    lines = paper_table(Findings(FACTS, both, runs)).splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith(r"\raggedright c"))
    assert r"\raggedright b" in lines[at]
    assert lines[at + 1].startswith(r" &  &  &  & \raggedright a & +")
