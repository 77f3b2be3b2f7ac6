"""Every notebook runs top to bottom, and is stored with outputs that name no machine's paths."""

import ast
import re
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
MOST = 1_000_000  # bytes
MINUTES = 10  # for one cell on a busy machine
SHORTER = {  # what a cell trains and measures, where less of it asks the same of the notebook
    "attention_and_features": {"photographs(160)": "photographs(64)"},
    "accuracy_vs_flops": {
        "seconds=0.3": "seconds=0.02",
        "batch=4": "batch=1",
        '    "cmt_xs",\n': "",
        '    "levit_384",\n': "",
        '    "deit_s",\n': "",
    },
    "scaling_study": {"side=40": "side=12"},
    "your_own_component": {
        "epochs: 10, data: {train_size: 600}": "epochs: 1, data: {train_size: 60, test_size: 50}"
    },
}

parametrize = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@parametrize
def test_is_small_and_stored_with_outputs_in_the_order_of_its_cells(path: Path) -> None:
    assert path.stat().st_size < MOST
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code(notebook)
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert "error" not in kinds
    assert any("image/png" in output.get("data", {}) for c in cells for output in c.outputs)


@parametrize
def test_outputs_name_no_folder_of_a_machine_and_no_warning(path: Path) -> None:
    for cell in code(nbformat.read(path, as_version=4)):
        for output in cell.outputs:
            texts = [output.get("text", ""), *output.get("data", {}).values()]
            for text in map(str, texts):
                assert not re.search(r"(^|[\s'\"(])/(work|tmp|home|root|opt|Users)/", text), text
            assert output.get("name") != "stderr", output


@parametrize
def test_what_it_imports_of_the_workbench_is_there(path: Path) -> None:
    cells = [cell.source for cell in code(nbformat.read(path, as_version=4))]
    trees = [ast.parse(source) for source in cells if not source.startswith("%%")]
    named = [
        (str(node.module), each.name)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("workbench")
        for each in node.names
    ]
    assert named
    for module, name in named:
        assert hasattr(import_module(module), name) or import_module(f"{module}.{name}")


@pytest.mark.slow
@parametrize
def test_runs_top_to_bottom(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, so that it can't lean on files beside it."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    for long, short in SHORTER.get(path.stem, {}).items():
        (cell,) = (cell for cell in code(notebook) if long in cell.source)
        cell.source = cell.source.replace(long, short)
    folder = tmp_path / "work"
    folder.mkdir()
    client = NotebookClient(
        notebook,
        timeout=60 * MINUTES,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    assert all(cell.execution_count for cell in code(notebook))
