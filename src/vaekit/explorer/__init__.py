"""The explorer: a page in the browser about one run, from a local server or as one HTML file."""

from vaekit.explorer.app import CONTENT_SECURITY_POLICY, explorer_app
from vaekit.explorer.content import DiscreteFacts, ExplorerContent, Facts, LatentFacts
from vaekit.explorer.page import render_page

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "DiscreteFacts",
    "ExplorerContent",
    "Facts",
    "LatentFacts",
    "explorer_app",
    "render_page",
]
