"""What the build makes from the library itself: pages of the API, docstrings, pictures."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from architecture import architecture_picture
from docstrings import indented, inline, inline_code, to_rest
from recipes_page import recipes_page

import unrelu

PICTURES = Path(tempfile.gettempdir()) / "unrelu-docs-pictures"
"""Where examples that write files write them during a build."""

ORDER = [
    "digits",
    "model_file",
    "behind_a_wide_network",
    "behind_a_trained_student",
    "phase_diagram",
    "ganglion_cells",
    "unknown_activation",
]
"""The order in which to read the examples; others follow."""


def kind_of(name: str) -> str:
    """Under which heading a public name is listed."""
    value = getattr(unrelu, name)
    if isinstance(value, ModuleType):
        return "Modules"
    if not inspect.isclass(value):
        return "Functions"
    if issubclass(value, BaseException):
        return "Errors"
    return "Results and values" if dataclasses.is_dataclass(value) else "Classes"


HEADINGS = {
    "Functions": "",
    "Classes": "",
    "Results and values": "Immutable: what functions return.",
    "Errors": "",
    "Modules": "",
}


def write_pages(folder: Path) -> None:
    """A page for every name in `unrelu.__all__`, and one that lists them."""
    folder.mkdir(exist_ok=True)
    pages = {"index": _listing()}
    for name in unrelu.__all__:
        directive = {"Functions": "autofunction", "Modules": "automodule"}.get(
            kind_of(name), "autoclass"
        )
        if kind_of(name) == "Errors":
            directive = "autoexception"
        body = [title(name), f".. {directive}:: unrelu.{name}"]
        elsewhere = _made_elsewhere(name) if directive == "automodule" else []
        if directive != "autofunction" and not elsewhere:
            body.append("   :members:")
        body += elsewhere
        pages[name] = "\n".join(body) + "\n"
    for name, text in pages.items():
        write(folder / f"{name}.rst", text)
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()


def _made_elsewhere(name: str) -> list[str]:
    """Directives for names that a module loads from other modules when they are used: autodoc does
    not find these."""
    module = getattr(unrelu, name)
    named = {each: getattr(module, each) for each in getattr(module, "__all__", [])}
    held = {
        each: value
        for each, value in named.items()
        if inspect.isroutine(value) or inspect.isclass(value)
    }
    if all(getattr(value, "__module__", None) == module.__name__ for value in held.values()):
        return []
    lines = [""]
    for each, value in held.items():
        kind = "autoclass" if inspect.isclass(value) else "autofunction"
        lines += [f".. {kind}:: unrelu.{name}.{each}"]
        lines += ["   :members:", ""] if kind == "autoclass" else [""]
    return lines


def write(path: Path, text: str) -> None:
    """A file that would not change stays as it is, so that a second build has little to do."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def title(text: str, line: str = "=") -> str:
    return f"{text}\n{line * len(text)}\n"


def first_sentence(name: str) -> str:
    paragraph = (inspect.getdoc(getattr(unrelu, name)) or "").split("\n\n")[0]
    return to_rest([" ".join(paragraph.split())])[0]


def _listing() -> str:
    parts = [
        title("API"),
        "All public names. Each is used as ``unrelu.name``, and is loaded when it is first used.\n",
    ]
    for heading, text in HEADINGS.items():
        names = [name for name in unrelu.__all__ if kind_of(name) == heading]
        if not names:
            continue
        parts += [title(heading, "-"), *([text, ""] if text else [])]
        parts += [".. list-table::", "   :widths: 30 70", ""]
        for name in names:
            parts += [f"   * - :doc:`{name}`", f"     - {first_sentence(name)}"]
        parts += ["", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in names), ""]
    return "\n".join(parts)


def command_line() -> str:
    """Every command with its options, read off click."""
    import click

    from unrelu.cli import main

    context = click.Context(main, info_name="unrelu")
    parts = [title("The command line"), *_paragraphs(main.help)]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        usage = command.get_usage(inner).removeprefix("Usage: ")
        parts += [title(f"unrelu {name}", "-"), *_paragraphs(command.help)]
        parts += [".. code-block:: none", "", *indented(usage.splitlines()), ""]
        records = [found for item in command.params if (found := item.get_help_record(inner))]
        records = [(option, text) for option, text in records if text]
        if records:
            parts += [".. list-table::", "   :widths: 30 70", "   :class: options", ""]
        for option, text in records:
            parts += [f"   * - {inline_code(option)}", f"     - {inline(' '.join(text.split()))}"]
        parts += ["", *_paragraphs(command.epilog)]
    return "\n".join(parts) + "\n"


def _paragraphs(text: str | None) -> list[str]:
    """Help as click reflows it; `\\b` marks a paragraph whose lines stay."""
    made: list[str] = []
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        if paragraph.startswith("\b"):
            lines = paragraph.splitlines()[1:]
            made += [".. code-block:: none", "", *indented(lines), ""]
        elif paragraph:
            made += [inline(" ".join(paragraph.split())), ""]
    return made


def show_docstring(
    _app: Any, _what: str, _name: str, _value: Any, _options: Any, lines: list[str]
) -> None:
    """autodoc's event: docstrings are plain text, and are made into reST here."""
    lines[:] = to_rest(lines)


def show_signature(
    _app: Any, what: str, _name: str, value: Any, _options: Any, signature: Any, returns: Any
) -> tuple[str, str | None] | None:
    """autodoc's event: constructors that no user calls are left out, aliases of types are names."""
    if not signature:
        return None
    # A dataclass whose constructor is written out is a value that users make.
    made_for_us = (
        what == "class" and dataclasses.is_dataclass(value) and value.__dataclass_params__.init  # type: ignore[union-attr]
    )
    if what == "exception" or made_for_us:
        return "", None
    return re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", signature), returns


def by_reading_order(path: str) -> tuple[int, str]:
    name = Path(path).stem
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def arguments(_conf: dict[str, Any], script: dict[str, Any]) -> list[str]:
    """sphinx-gallery's `reset_argv`: what an example is started with."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    writes_files = '"--output"' in Path(script["src_file"]).read_text(encoding="utf-8")
    return ["-o", str(PICTURES)] if writes_files else []


def written_pictures(_block: Any, variables: dict[str, Any], conf: dict[str, Any]) -> str:
    """sphinx-gallery's scraper of pictures that an example has written."""
    from sphinx_gallery.scrapers import figure_rst

    shown = []
    for path in sorted(PICTURES.glob("*.png")):
        target = next(variables["image_path_iterator"])
        shutil.move(path, target)
        shown.append(target)
    return str(figure_rst(shown, conf["src_dir"]))


def setup(app: Any) -> dict[str, bool]:
    write_pages(Path(app.srcdir) / "api")
    write(Path(app.srcdir) / "command-line.rst", command_line())
    results = Path(app.srcdir).parent / "benchmarks" / "results" / "recipes.csv"
    write(Path(app.srcdir) / "recipes.rst", recipes_page(results))
    write(Path(app.srcdir) / "architecture.svg", architecture_picture())
    app.connect("autodoc-process-docstring", show_docstring)
    app.connect("autodoc-process-signature", show_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
