"""Samples in several .parquet files, or a folder of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from support.planting import plant

import unrelu
from unrelu.commands.recover import recover
from unrelu.commands.verify import verify
from unrelu.errors import FileError
from unrelu.formats.layout import Layout
from unrelu.formats.samples import check_target, read_named
from unrelu.stored.rows import StoredRows

TRUTH = plant(3, 2, 2, 1, seed=1, bias=0.5).truth
X = np.random.default_rng(0).standard_normal((400, 3))
Y = TRUTH(X)


def written(folder: Path) -> list[str]:
    """Three files, in two row groups each."""
    for number, rows in enumerate(np.array_split(np.arange(400), 3)):
        columns = {f"x{j}": X[rows, j] for j in range(3)} | {f"y{j}": Y[rows, j] for j in range(2)}
        pq.write_table(pa.table(columns), folder / f"{number}.parquet", row_group_size=70)
    return [str(path) for path in sorted(folder.glob("*.parquet"))]


def test_files_and_their_folder_are_one_table(tmp_path: Path) -> None:
    files = written(tmp_path)
    for paths in (files, tmp_path, [tmp_path]):
        read_X, read_Y = read_named(paths)
        assert isinstance(read_X, StoredRows)
        assert np.array_equal(read_X, X)
        assert np.array_equal(read_Y, Y)
    named = read_named(tmp_path, layout=Layout(x=("x2", "x0"), y=("y1",)))
    assert isinstance(named[0], StoredRows)
    assert named[0].columns == ("x2", "x0")
    assert np.array_equal(named[0], X[:, [2, 0]])


def test_commands_take_them(tmp_path: Path) -> None:
    files = written(tmp_path)
    net, other = str(tmp_path / "net.npz"), str(tmp_path / "other.npz")
    for samples, output in ((files, net), ([str(tmp_path)], other)):
        ended = CliRunner().invoke(recover, [*samples, "-o", output, "--seed", "0"])
        assert ended.exit_code == 0, ended.output
    assert unrelu.load(net) == unrelu.load(other)
    assert unrelu.match(unrelu.load(net), TRUTH).max_error < 1e-12
    assert CliRunner().invoke(verify, [net, *files]).exit_code == 0


def test_what_does_not_go_together(tmp_path: Path) -> None:
    written(tmp_path)
    pq.write_table(pa.table({"x0": X[:, 0], "y0": Y[:, 0]}), tmp_path / "9.parquet")
    with pytest.raises(FileError, match="other columns"):
        read_named(tmp_path)
    (empty := tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match=r"without \.parquet files"):
        read_named(empty)
    with pytest.raises(FileError, match="a folder"):
        check_target(empty)
    (empty / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(FileError, match="torn"):
        read_named(empty)
