"""What modules import."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def imported(tree: ast.AST, *, types: bool = True) -> Iterator[str]:
    """Full names of what a module imports, also inside functions; those for the type checker alone
    only with `types`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for branch in (node.body if types else [], node.orelse):
                yield from imported(ast.Module(list(branch), []), types=types)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where an arrow goes"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported(node, types=types)
