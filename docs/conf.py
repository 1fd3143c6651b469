"""How the documentation is built: `make docs`, without any network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import unrelu  # noqa: E402

project = "unrelu"
author = "the unrelu authors"
copyright = author  # noqa: A001
version = release = unrelu.__version__

extensions = [
    "sphinx.ext.autodoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "reference",  # ours, beside this file
]
exclude_patterns = ["_build", "examples/*.py", "examples/*.ipynb"]
default_role = "code"
highlight_language = "none"
smartquotes = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

# Headings of pages that are linked as page.md#heading.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {name: name for name in ("Array", "ArrayLike", "Index")}
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"unrelu {release}"
html_static_path = ["_static"]
html_css_files = ["unrelu.css"]
html_show_sphinx = False
html_copy_source = False

# An example that draws with pyplot shows its pictures where they are drawn; one that writes files
# is told to write them where `reference.written_pictures` looks.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "reference.by_reading_order",
    "image_scrapers": ("matplotlib", "reference.written_pictures"),
    "reset_argv": "reference.arguments",
    "matplotlib_animations": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "plot_gallery": not tags.has("examples_not_run"),  # noqa: F821, from sphinx-build -t
    "abort_on_example_error": True,
    "thumbnail_size": (480, 320),
}
