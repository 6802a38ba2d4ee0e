"""The explorer: a page in the browser about one run, from a local server or as one file."""

from vaekit.explorer.app import POLICY, explorer_app
from vaekit.explorer.content import Content
from vaekit.explorer.page import to_page

__all__ = ["POLICY", "Content", "explorer_app", "to_page"]
