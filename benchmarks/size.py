"""Claim: the library stays small: lines of code, the longest functions and files, complexity.

Lines of code are lines that hold a token other than a comment or a docstring, as ruff formats them
at 100 columns. Complexity is McCabe's, as ruff counts it.

    python benchmarks/size.py [folder]
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUNCTION, FILE, COMPLEXITY = 60, 350, 15
"""The most lines of code of a function, lines of a file, and paths through a function."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_lines(source: str) -> set[int]:
    """The numbers of the lines that hold code."""
    lines: set[int] = set()
    idle = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (*idle, tokenize.ENDMARKER):
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                lines -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return lines


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "src"
    total, functions, files = 0, [], []
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text()
        code, name = code_lines(source), path.relative_to(folder)
        total += len(code)
        length = source.count("\n")
        files += [(length, str(name))] if length > FILE else []
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, Function):
                size = len(code & set(range(node.lineno, (node.end_lineno or 0) + 1)))
                functions += [(size, f"{name}: {node.name}")] if size > FUNCTION else []
    print(f"{total} lines of code in {folder}")
    for what, found in ((f"functions over {FUNCTION}", functions), (f"files over {FILE}", files)):
        print(f"\n{what}: {len(found)}")
        print(*(f"  {size:4} {name}" for size, name in sorted(found, reverse=True)), sep="\n")
    rule = ["--isolated", "--select", "C901", "--output-format", "concise"]
    rule += ["--config", f"lint.mccabe.max-complexity={COMPLEXITY}"]
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "ruff", "check", *rule, folder], check=False)


if __name__ == "__main__":
    main()
