"""The notebook runs from top to bottom, and is kept without outputs."""

from pathlib import Path

import nbformat
import pytest
from helpers.quicker import quicker
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "quickstart.ipynb"


def test_outputs_are_not_committed():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_notebook_runs(reader_folder):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, code in zip(cells, quicker([cell.source for cell in cells]), strict=True):
        cell.source = code
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(reader_folder)}}).execute()
    last = notebook.cells[-1].outputs[-1]
    assert "image/png" in last.data
    assert (reader_folder / "out" / "drive.overlay.mp4").is_file()
