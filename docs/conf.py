"""How Sphinx builds the documentation: `make docs`. Nothing is fetched, neither at build time nor by a reader."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pictures

import cfensemble

project = "cfensemble"
author = "The cfensemble developers"
copyright = "the cfensemble developers"
version = release = cfensemble.__version__

extensions = ["mathml", "myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_templates"]
templates_path = ["_templates"]
myst_enable_extensions = ["amsmath", "attrs_block", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

autosummary_generate = True
default_role = "autolink"
nitpick_ignore_regex = [("py:obj", r"[A-Z_]+|cfensemble\.baselines")]  # constants, and a module
autodoc_typehints = "none"  # docstrings say it in words
numpydoc_show_class_members = False  # the template lists them
numpydoc_xref_param_type = False
# Of numpydoc's checks those on form and completeness. Not wanted are an extended summary, examples and `See Also` for
# everything, capitals where a name or a formula comes first, and a description of what the type says.
numpydoc_validation_checks = {
    "GL01", "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10", "SS01", "SS03", "SS04",
    "PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR10", "RT01", "RT02", "YD01",
}  # fmt: skip
# Docstrings without sections, of methods whose base class or signature says it all, need none; results have attributes
# that are their parameters; and several parameters may be documented as another's.
AS_THERE = r"[Aa]s (?:in|for) `"
numpydoc_validation_overrides = {
    "PR01": [r"(?s:\A(?!.*\n\s*-{4,}\n))", r"(?s:\A(?!.*\n\s*Parameters\n).*\n\s*Attributes\n)"],
    "PR03": [AS_THERE],
    "PR04": [AS_THERE],
    "RT01": [r"(?s:\A(?!.*\n\s*-{4,}\n))"],
}

html_theme = "pydata_sphinx_theme"
html_title = "cfensemble"
html_static_path = ["_static"]
html_css_files = ["cfensemble.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_nav_level": 2,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}


def escape_bars(app, what, name, obj, options, lines):
    """Make |x| in a docstring the size of x, not the substitution that reStructuredText takes it for."""
    for number, line in enumerate(lines):
        parts = re.split(r"(``.*?``|`.*?`)", line)
        lines[number] = "".join(part if part.startswith("`") else part.replace("|", r"\|") for part in parts)


def skip_foreign(app, what, name, obj, skip, options):
    """Leave out what other libraries' classes bring along."""
    function = getattr(obj, "fget", obj)
    return True if not (getattr(function, "__module__", None) or "cfensemble").startswith("cfensemble") else None


def setup(app):
    """Draw the pictures before anything is read."""
    app.connect("builder-inited", lambda _: pictures.draw_all(Path(__file__).parent / "pictures"))
    app.connect("autodoc-process-docstring", escape_bars, priority=400)  # before numpydoc
    app.connect("autodoc-skip-member", skip_foreign)
