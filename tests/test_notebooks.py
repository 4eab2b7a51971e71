"""Every notebook runs from top to bottom in a clean kernel, and is stored as it ran."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TIMEOUT = 300  # seconds, of one cell
PERSONAL = re.compile(r"/(?:home|Users|root|tmp|work)/|[A-Z]:\\\\|site-packages")

of_each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code" and cell.source.strip()]


def text_of(output):
    """Return the text and the error of an output, without its pictures."""
    data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")}
    return f"{output.get('text', '')} {data} {output.get('traceback', '')}"


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS][:1] == ["01_first_fit.ipynb"]


@pytest.mark.slow
@of_each
def test_runs_in_a_clean_kernel(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    backend = "module://matplotlib_inline.backend_inline"  # as jupyter does
    client.execute(env=os.environ | {"PYTHONPATH": python_path, "MPLBACKEND": backend})
    assert not [o for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]


@of_each
def test_is_stored_as_it_ran(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3


@of_each
def test_shows_nothing_of_the_machine_it_ran_on(path):
    outputs = [text_of(output) for cell in code_cells(path) for output in cell.outputs]
    assert not [text for text in outputs if PERSONAL.search(text)]
    assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "python3"


def test_what_is_said_of_the_effects_of_two_traits_is_what_was_printed():
    cells = nbformat.read(ROOT / "notebooks/03_several_traits.ipynb", as_version=4).cells
    (place,) = [k for k, cell in enumerate(cells) if 'print(f"closer to the truth' in cell.source]
    printed = "".join(output.text for output in cells[place].outputs)
    alone, both = re.findall(r"root mean squared error (\S+)", printed)
    closer, of = re.findall(r"closer to the truth with both traits: (\d+) of (\d+)", printed)[0]
    said = " ".join(cells[place + 1].source.split())
    assert f"{closer} of the {of} come closer to the truth" in said
    assert f"root mean squared error falls from {alone} to {both}" in said
