"""Hooks of mkdocs: links of the repository also work in the site, and dead ones fail the build."""

import logging
import re

log = logging.getLogger("mkdocs.hooks")
# Links to pages have been rewritten to their addresses before this hook runs.
UNRESOLVED = re.compile(r'href="(?![a-z]+:)([^"#]+\.(?:md|ipynb))[#"]')


def on_page_markdown(markdown, page, **kwargs):
    """Rewrite links to notebooks, which are within docs/ in the site but not in the repository."""
    return markdown.replace("](../notebooks/", "](notebooks/")


def on_page_content(html, page, **kwargs):
    """Warn about links to pages and notebooks that are not part of the documentation."""
    if page.file.src_uri.endswith(".ipynb"):
        for link in UNRESOLVED.findall(html):
            log.warning("%s: no page for the link %r", page.file.src_uri, link)
