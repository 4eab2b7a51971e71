"""A hook of mkdocs: a notebook's dead link fails the strict build, as a page's does."""

import logging
import re

log = logging.getLogger("mkdocs.hooks")
# Links that lead to a page were rewritten to its address before this hook runs.
UNRESOLVED = re.compile(r'href="(?![a-z]+:)([^"#]+\.(?:md|ipynb))[#"]')


def on_page_content(html, page, **kwargs):
    """Warn of links to pages and notebooks that are not part of the documentation."""
    if page.file.src_uri.endswith(".ipynb"):
        for link in UNRESOLVED.findall(html):
            log.warning("%s: no page for the link %r", page.file.src_uri, link)
