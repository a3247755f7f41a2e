"""How the site is built: ``sphinx-build -W docs docs/_build``. No page asks for a network, built or read."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from pages import write_pages  # noqa: E402 (found beside this file)

from mgc_keras import __version__  # noqa: E402

write_pages(FOLDER / "generated")

project = "mgc_keras"
release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"mgc_keras {release}"
html_copy_source = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]

# Docstrings are numpydoc; what stands in single backticks is code.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
# Progress bars.
nb_output_stderr = "remove"
