"""What unrelu does when nothing but its lean dependencies is installed with it.

    python tests/support/lean_installation.py VERSION

in an environment that has nothing else; with --pretend in any other: optional packages are hidden.

It imports the unrelu that Python finds, and prints a line for each thing that works.
"""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import NamedTuple


class Required(NamedTuple):
    """A call of `require` in the source: an optional module, and the extra that installs it."""

    module: str
    extra: str
    where: str

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


def required(source: Path) -> Iterator[Required]:
    """Every call of `unrelu.errors.require` below a folder."""
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("require"):
                where = f"{path.name}, line {node.lineno}"
                if ast.unparse(node.args[0]) == "form.package":
                    continue  # of the table of forms, whose readers ask again
                names = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
                assert len(names) == 2, f"{where}: write module and extra as plain texts"
                yield Required(str(names[0]), str(names[1]), where)


@contextmanager
def hidden(packages: set[str]) -> Iterator[None]:
    """Optional packages as if they were not installed."""

    class Nowhere(MetaPathFinder):
        def find_spec(self, name: str, *_: object) -> None:
            if name.partition(".")[0] in packages:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    before = {name: sys.modules[name] for name in sys.modules if name.split(".")[0] in packages}
    finder = Nowhere()
    for name in before:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.update(before)


def check_version(expected: str) -> str:
    import unrelu

    assert unrelu.__version__ == metadata.version("unrelu") == expected
    return f"unrelu {expected} in {Path(unrelu.__file__).parent}"


def check_recovery() -> str:
    import numpy as np

    import unrelu

    rng = np.random.default_rng(0)
    V, b = rng.standard_normal((3, 5)), rng.standard_normal(3)
    secret = unrelu.Network(V, rng.standard_normal((2, 3)), b, [0.5, -0.5])
    X = rng.standard_normal((300, 5))
    result = unrelu.recover(X, secret(X), rng=0)
    assert result.status == "exact", result
    assert result.network is not None
    assert unrelu.match(result.network, secret).max_error < 1e-12
    model = unrelu.RectifiedNetworkRegressor(random_state=0).fit(X, secret(X))
    assert model.score(X, secret(X)) == 1.0
    with tempfile.TemporaryDirectory() as folder:
        unrelu.save(result.network, f"{folder}/net.npz")
        assert unrelu.match(unrelu.load(f"{folder}/net.npz"), secret).max_error < 1e-12
    return "recovers, saves and loads a network; the estimator fits"


def check_missing(needed: Required) -> str:
    from unrelu.errors import MissingExtraError, require

    try:
        require(needed.module, needed.extra, "this needs")
    except MissingExtraError as error:
        command = f"pip install 'unrelu[{needed.extra}]'"
        assert str(error) == f"this needs {needed.package}, which is not installed: {command}"
        return f"without {needed.package}: {command}"
    raise AssertionError(f"{needed.package} is installed ({needed.where})")


def check_command(*command: str) -> str:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    return finished.stdout.strip()


def check_all(version: str, needed: list[Required], alone: bool) -> Iterator[str]:
    yield check_version(version)
    yield check_recovery()
    offered = set(metadata.metadata("unrelu").get_all("Provides-Extra") or ())
    for each in needed:
        assert each.extra in offered, f"{each.where}: there is no extra {each.extra!r}"
        yield check_missing(each)
    yield check_command(sys.executable, "-m", "unrelu", "--version")
    if not alone:
        return
    unrelu = str(Path(sys.executable).with_name("unrelu"))
    yield check_command(unrelu, "--version")
    with tempfile.TemporaryDirectory() as folder:
        demo = [unrelu, "demo", "-o", f"{folder}/demo", "--units", "5", "--queries", "800"]
        assert "5 of 5" in check_command(*demo)
    yield "unrelu demo recovers its network"


def main() -> None:
    version, *options = sys.argv[1:]
    spec = importlib.util.find_spec("unrelu")
    assert spec is not None
    assert spec.origin is not None
    needed = sorted(set(required(Path(spec.origin).parent)))
    pretend = "--pretend" in options
    with hidden({each.package for each in needed} if pretend else set()):
        for line in check_all(version, needed, alone=not pretend):
            print(line)


if __name__ == "__main__":
    main()
