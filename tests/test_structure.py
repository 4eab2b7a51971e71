"""The shape of the house: which part may import which."""

import ast
from pathlib import Path

import pytest

import blrzoo as blr
from tests.public import qualified

ROOT = Path(blr.__file__).parent

#: Each part may import those before it, and itself.
LAYERS = (
    "checks wording evaluate progress storage labels tables response values data statistics "
    "least_squares designs ops distributions priors terms advice likelihood gibbs sources building "
    "model reml zoo description sampling gene_sets evidence validation"
).split()
#: These know InferenceData and nothing of the rest.
READERS = ["posterior", "summaries", "diagnostics", "plots", "prediction"]
#: A fit is diagnosed as soon as it is drawn, and cross-validation predicts. New rows, and an X for
#: read-outs, are a user's data: they are checked and joined by the code that does it for a model.
ALSO_READS = {
    "sampling": {"diagnostics", "posterior", "summaries"},
    "validation": {"diagnostics", "posterior", "prediction", "summaries"},
    "evidence": {"posterior", "prediction", "summaries"},
    "prediction": {"storage", "tables"},
    "plots": {"least_squares", "values"},
    "posterior": {"storage", "tables"},
    "summaries": {"storage", "tables"},
    "gene_sets": {"posterior", "summaries"},
}
#: These stand alone, apart from the checks of arguments.
SOURCES = ["simulation", "datasets"]

FILES = sorted(ROOT.rglob("*.py"))


def part(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(path):
    """Parts of blrzoo that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("blrzoo."))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    here = part(path)
    if here in LAYERS:
        allowed = set(LAYERS[: LAYERS.index(here) + 1]) | ALSO_READS.get(here, set())
    elif here in READERS:
        allowed = {*READERS, "checks", "progress", "labels"} | ALSO_READS.get(here, set())
    elif here in SOURCES:
        allowed = {here, "checks"}
    else:  # the public names, the demo and the checks for authors stand on top of all
        assert here in ("__init__", "__main__", "demo", "testing"), f"{here} has no place yet"
        return
    assert set(imports(path)) <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_module_is_imported_from_another_package(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and "._" in str(node.module):
            package = Path(*str(node.module).split(".")).parent
            assert path.parent == ROOT.parent / package


def test_ops_share_only_what_their_cache_keys_follow():
    for path in (ROOT / "ops").glob("[!_]*.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        modules = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
        own = {name for name in modules if name.startswith("blrzoo.ops")}
        assert own <= {"blrzoo.ops.base", "blrzoo.ops.numba"}, path.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short_and_say_what_they_are_for(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 400


def test_public_names_exist_and_are_documented():
    for name, one in qualified().items():
        assert one.__doc__, name


def test_folders_of_tests_are_those_of_the_package():
    """But for what serves tests of several packages."""
    folders = {path.name for path in Path(__file__).parent.iterdir() if path.is_dir()}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - {"__pycache__", "fuzz", "oracles"} <= packages
