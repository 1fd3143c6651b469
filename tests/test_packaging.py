"""The package as a whole: its public names, what stands on what, and what importing it costs."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.imports import imported

import unrelu

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "unrelu"

STANDS_ON: dict[str, set[str]] = {
    "wording": set(),
    "errors": {"wording"},
    "numerics": {"wording", "errors"},
    "activations": {"wording", "errors", "numerics"},
    "inputs": {"wording", "errors", "numerics"},
    "network": {"wording", "errors", "numerics", "activations", "inputs"},
    "links": {"numerics"},
    "stored": {"wording", "errors", "numerics", "inputs"},
    "samples": {"wording", "errors", "numerics", "inputs", "stored"},
    "checks": {"wording", "errors", "numerics", "network", "samples"},
    "formats": {"wording", "errors", "numerics", "activations", "inputs", "network", "stored"},
    "hardness": {"wording", "errors", "numerics", "inputs", "network"},
    "lower_bound": {"errors", "numerics", "network"},
    "noise": {"wording", "errors", "numerics", "network", "samples"},
    "fitting": {"numerics", "activations", "network", "samples", "noise"},
    "oracles": {"wording", "errors", "numerics", "formats"},
    "complete": {"wording", "errors", "numerics", "network", "samples", "checks", "fitting"},
    "inference": {
        "wording",
        "errors",
        "numerics",
        "activations",
        "inputs",
        "links",
        "network",
        "stored",
        "samples",
        "noise",
        "fitting",
    },
    "pictures": {
        "wording",
        "errors",
        "numerics",
        "inputs",
        "network",
        "formats",
        "stored",
        "samples",
        "inference",
    },
    "recipes": {"numerics", "activations", "network", "samples", "noise", "fitting"},
    "solutions": {"errors", "numerics", "inputs", "network", "samples", "checks", "complete"},
    "evidence": {
        "wording",
        "errors",
        "numerics",
        "inputs",
        "network",
        "links",
        "stored",
        "samples",
        "checks",
        "noise",
        "fitting",
        "complete",
        "inference",
        "solutions",
    },
    "certificate": {
        "wording",
        "errors",
        "numerics",
        "inputs",
        "network",
        "stored",
        "samples",
        "checks",
        "noise",
        "evidence",
    },
    "result": {
        "wording",
        "errors",
        "numerics",
        "inputs",
        "network",
        "checks",
        "formats",
        "stored",
        "noise",
        "inference",
        "pictures",
        "certificate",
    },
    "report": {
        "wording",
        "errors",
        "numerics",
        "inputs",
        "network",
        "samples",
        "checks",
        "formats",
        "noise",
        "inference",
        "evidence",
        "certificate",
        "result",
    },
    "search": {
        "wording",
        "errors",
        "numerics",
        "links",
        "activations",
        "inputs",
        "network",
        "stored",
        "samples",
        "checks",
        "formats",
        "noise",
        "fitting",
        "complete",
        "inference",
        "recipes",
        "solutions",
        "evidence",
        "certificate",
        "result",
    },
    "recover": {
        "wording",
        "errors",
        "numerics",
        "links",
        "activations",
        "inputs",
        "stored",
        "samples",
        "noise",
        "inference",
        "checks",
        "result",
        "search",
    },
    "estimator": {
        "stored",
        "wording",
        "errors",
        "numerics",
        "links",
        "activations",
        "inputs",
        "network",
        "samples",
        "noise",
        "inference",
        "evidence",
        "result",
        "search",
        "recover",
    },
    "extraction": {
        "wording",
        "errors",
        "numerics",
        "inputs",
        "links",
        "network",
        "samples",
        "checks",
        "fitting",
        "evidence",
        "certificate",
        "result",
        "search",
        "recover",
    },
    "extract": {
        "wording",
        "errors",
        "numerics",
        "activations",
        "inputs",
        "checks",
        "result",
        "search",
        "recover",
        "extraction",
    },
    "__init__": {
        "wording",
        "errors",
        "activations",
        "network",
        "checks",
        "formats",
        "hardness",
        "lower_bound",
        "noise",
        "oracles",
        "inference",
        "inputs",
        "solutions",
        "certificate",
        "result",
        "stored",
        "report",
        "recover",
        "estimator",
        "extract",
    },
    "commands": {
        "stored",
        "wording",
        "errors",
        "numerics",
        "links",
        "activations",
        "inputs",
        "network",
        "formats",
        "hardness",
        "noise",
        "oracles",
        "certificate",
        "result",
        "pictures",
        "report",
        "search",
        "recover",
        "extraction",
        "extract",
    },
    "cli": {"wording", "commands"},
    "__main__": {"cli"},
}
"""Each file or folder of src/unrelu, and the others that it may import, also for the type checker
alone. Arrows go down only: a line names lines above it. A folder may always import from itself."""

PUBLIC = [
    "Blocks",
    "Breakpoint",
    "Certificate",
    "FileError",
    "Goodness",
    "InputError",
    "InputTypeError",
    "Match",
    "MissingExtraError",
    "Network",
    "Noise",
    "OracleError",
    "OutputCurve",
    "Prediction",
    "Progress",
    "Recovery",
    "RecoveryError",
    "RectifiedNetworkRegressor",
    "Refutation",
    "Remark",
    "SearchProgress",
    "Smooth",
    "Smoothness",
    "Solutions",
    "Status",
    "Summary",
    "Uncertainty",
    "UnitErrors",
    "UnreluError",
    "activations",
    "assess",
    "draw_curve",
    "extract",
    "from_sklearn",
    "hardness",
    "lagged",
    "load",
    "load_result",
    "lower_bound",
    "match",
    "oracles",
    "output_curve",
    "recover",
    "save",
    "solutions",
    "to_sklearn",
    "unit_errors",
    "verify",
    "write_extraction_report",
    "write_report",
]


def parts_imported(code: str) -> set[str]:
    """The files and folders of src/unrelu among the imports; a plain name of the package counts
    as `__init__`."""
    names = (name.split(".") for name in imported(ast.parse(code)))
    return {
        name[1] if len(name) > 1 and name[1] in STANDS_ON else "__init__"
        for name in names
        if name[0] == "unrelu"
    }


def test_imports_are_seen_where_they_are() -> None:
    code = """
if TYPE_CHECKING:
    from unrelu.network import Network
else:
    import unrelu.samples
def late():
    from unrelu.search.hyperplanes import propose
    from unrelu import __version__
    import numpy
"""
    assert parts_imported(code) == {"network", "samples", "search", "__init__"}


def test_arrows_go_down_only() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        assert part in STANDS_ON, f"{path}: give it a line in STANDS_ON"
        forbidden = parts_imported(path.read_text(encoding="utf-8")) - STANDS_ON[part] - {part}
        assert not forbidden, f"{path.relative_to(ROOT)} imports {sorted(forbidden)}"


def test_the_table_names_lines_above_only() -> None:
    above: set[str] = set()
    for part, below in STANDS_ON.items():
        assert below <= above, f"{part} stands on {sorted(below - above)}, further down"
        above.add(part)


def test_the_root_is_small() -> None:
    assert len(list(SOURCE.glob("*.py"))) <= 12


def test_no_file_is_called_utils() -> None:
    assert not [path for path in SOURCE.rglob("*.py") if "util" in path.stem]


def test_public_names_are_listed_and_there() -> None:
    assert unrelu.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(unrelu))
    for name in PUBLIC:
        assert getattr(unrelu, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        unrelu.nonsense  # noqa: B018


def test_recover_is_the_function_whatever_was_imported_first() -> None:
    code = """
import unrelu.recover, sys
import unrelu
from unrelu.recover import recover
assert unrelu.recover is recover and callable(recover)
assert sys.modules["unrelu.recover"].recover is recover
"""
    run(code)


def run(code: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running the code."""
    listed = run(code + "\nimport sys; print('\\n' + ' '.join(sys.modules))")
    return {name.split(".")[0] for name in listed.splitlines()[-1].split()}


HEAVY = {
    "numpy",
    "scipy",
    "sklearn",
    "matplotlib",
    "PIL",
    "jinja2",
    "rich",
    "pyarrow",
    "flint",
    "highspy",
    "onnx",
    "onnxruntime",
    "safetensors",
    "h5py",
    "pyscipopt",
    "torch",
}


def test_importing_unrelu_is_light() -> None:
    assert not modules_after("import unrelu") & (HEAVY | {"click"})


def test_help_is_light() -> None:
    code = """
from unrelu.cli import main
for arguments in (["--help"], ["--version"], ["verify", "--help"]):
    main(arguments, standalone_mode=False)
"""
    assert not modules_after(code) & HEAVY


def test_the_network_needs_numpy_alone() -> None:
    code = "import unrelu; unrelu.Network([[1.0]], [[1.0]]); unrelu.save, unrelu.load"
    assert modules_after(code) & HEAVY == {"numpy"}


def test_every_module_has_a_docstring_and_imports() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
        if path.stem != "__main__":
            importlib.import_module(name.removesuffix(".__init__"))


def test_constraints_are_plain_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    pinned = [names for extra, names in extras.items() if extra != "benchmarks"]
    wanted = [*project["dependencies"], *(name for names in pinned for name in names)]
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in wanted} - {"unrelu"}
    assert names <= {line.split("==")[0].lower() for line in lines}


def test_all_extras_for_users_are_in_all() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    others = {"all", "test", "docs", "dev", "benchmarks", "gpu"}  # the last one is large
    assert set(extras["all"]) == {f"unrelu[{name}]" for name in extras.keys() - others}
