"""An extension of griffe: what numpydoc docstrings have of RST becomes Markdown for the site."""

import re

import griffe

SECTION = re.compile(r"^\w[\w ]*\n-{3,}$", flags=re.M)


class Rst(griffe.Extension):
    """Translate every docstring before it is parsed."""

    def on_object(self, *, obj, **kwargs):
        """Translate the description, and what sections hold of names, formulas and citations."""
        if obj.docstring is None:
            return
        text = obj.docstring.value
        first = SECTION.search(text)
        end = len(text) if first is None else first.start()
        text = definitions(text[:end]) + types(text[end:])
        obj.docstring.value = citations(mathematics(links(text)))


def definitions(text):
    """A term, and its definition indented below: a paragraph that begins with the term."""
    item = re.compile(r"^(\w[^\n]*)\n((?: {4}\S.*\n?)+)", flags=re.M)
    return item.sub(lambda m: f"**{m[1]}**: {one_line(m[2])}\n\n", text)


def types(text):
    """The types of parameters are shown as code anyway."""
    return re.sub(r"^\w[\w, ]* : .*``.*$", lambda m: m[0].replace("``", ""), text, flags=re.M)


def links(text):
    """From a public name to its entry."""
    return re.sub(r"`(blrzoo\.\w+)`", r"[`\1`][\1]", text)


def mathematics(text):
    """Formulas in dollars."""
    block = re.compile(r"^\.\. math::((?:.*\S.*\n?)+)", flags=re.M)
    text = block.sub(lambda m: f"$$\n{one_line(m[1])}\n$$\n", text)
    return re.sub(r":math:`([^`]+)`", lambda m: f"${one_line(m[1])}$", text)


def citations(text):
    """A numbered list of references, and their numbers in brackets."""
    text = re.sub(r"^(\s*)\.\. \[(\d+)\] ", r"\1\2. ", text, flags=re.M)
    return re.sub(r"\s\[(\d+)\]_", r" [\1]", text)


def one_line(text):
    """Join lines."""
    return " ".join(text.split())
