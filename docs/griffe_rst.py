"""An extension of griffe that translates the RST of numpydoc docstrings into Markdown."""

import re

import griffe

SECTION = re.compile(r"^\w[\w ]*\n-{3,}$", flags=re.M)


class Rst(griffe.Extension):
    """Translate every docstring before it is parsed."""

    def on_object(self, *, obj, **kwargs):
        """Translate the description, and names, formulas and citations in all sections."""
        if obj.docstring is None:
            return
        text = obj.docstring.value
        first = SECTION.search(text)
        end = len(text) if first is None else first.start()
        text = definitions(text[:end]) + types(text[end:])
        obj.docstring.value = citations(mathematics(links(text)))


def definitions(text):
    """Make a paragraph of a term and its definition, which is indented below it."""
    item = re.compile(r"^(\w[^\n]*)\n((?: {4}\S.*\n?)+)", flags=re.M)
    return item.sub(lambda m: f"**{m[1]}**: {one_line(m[2])}\n\n", text)


def types(text):
    """Remove backticks from types of parameters, which are shown as code anyway."""
    return re.sub(r"^\w[\w, ]* : .*``.*$", lambda m: m[0].replace("``", ""), text, flags=re.M)


def links(text):
    """Link a public name to its entry."""
    name = r"blrzoo\.(?:(?:evidence|gene_sets|priors|testing)\.)?\w+"
    return re.sub(rf"`({name})`", r"[`\1`][\1]", text)


def mathematics(text):
    """Put formulas between dollars."""
    block = re.compile(r"^\.\. math::((?:.*\S.*\n?)+)", flags=re.M)
    text = block.sub(lambda m: f"$$\n{one_line(m[1])}\n$$\n", text)
    return re.sub(r":math:`([^`]+)`", lambda m: f"${one_line(m[1])}$", text)


def citations(text):
    """Make a numbered list of references, and put their numbers in brackets."""
    text = re.sub(r"^(\s*)\.\. \[(\d+)\] ", r"\1\2. ", text, flags=re.M)
    return re.sub(r"\s\[(\d+)\]_", r" [\1]", text)


def one_line(text):
    """Join lines."""
    return " ".join(text.split())
