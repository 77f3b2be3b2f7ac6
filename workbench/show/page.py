"""One page that holds a whole report and needs nothing else: no network, no other file.

Every text is escaped. Besides, the page's policy lets only its own script run, known by its hash,
and lets nothing be loaded, so that a name that is markup stays a name.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from workbench.show.table import Table

Facts = tuple[tuple[str, str | None], ...]  # a word and its text; without a text it is not shown


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the page: SVG made by matplotlib, and what it shows."""

    svg: str
    caption: str

    @property
    def drawing(self) -> Markup:
        """The SVG as it stands within a page, named for those who can't see it."""
        svg = self.svg[self.svg.index("<svg") :]
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
        label = f'<svg role="img" aria-label="{escape(self.caption)}"'
        return Markup(svg.replace("<svg", label, 1))


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run of the page's list, folded."""

    title: str
    facts: Facts
    text: str = ""


@dataclass(frozen=True, slots=True)
class ImageSection:
    """What a page says of single test images; `sheet` is a PNG of some of them."""

    sentences: tuple[str, ...]
    table: Table
    pictures: tuple[Picture, ...]
    sheet: bytes | None

    @property
    def address(self) -> str:
        """The sheet, within the page, whose policy allows such pictures where there is one."""
        return f"data:image/png;base64,{base64.b64encode(self.sheet or b'').decode()}"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows, in its order; `made` says how it was made, folded at the end."""

    name: str
    question: str
    answer: str
    main: Table
    pictures: Sequence[Picture]
    others: Sequence[Table]
    made: Facts
    runs: Sequence[RunEntry] = ()
    images: ImageSection | None = None

    @property
    def has_pixels(self) -> bool:
        """Whether a figure or the sheet of images is one of pixels, within the page."""
        sheet = self.images is not None and self.images.sheet is not None
        return sheet or any("data:image/" in picture.svg for picture in self.pictures)


def render(page: Page) -> str:
    """The HTML document, by the template `page.html`."""
    script = _resource("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = Environment(
        loader=PackageLoader("workbench.show", ""), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    ).get_template("page.html")  # fmt: skip
    return template.render(
        page=page, style=_resource("page.css"), script=script, digest=Markup(digest)
    )


def _resource(name: str) -> Markup:
    """A file of ours, which is no text to be escaped."""
    return Markup(files("workbench.show").joinpath(name).read_text(encoding="utf-8"))
