"""A hook of mkdocs: links from a page to files outside of docs/ work in the built site, too.

A page names a file of the source from its own place in the repository, `../benchmarks/results/startup.json`. mkdocs
knows only what lies in docs/. So the pages of the repository's root that the navigation names (the changelog) become
pages of the site, and any other file that a page links to is copied into the site, to `source/`. Then the site is
complete by itself and works without a network. Where the text of a link is the name of a page's file, the site shows
the page's title.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files


ROOT = Path(__file__).resolve().parents[3]
SOURCE = "source"
LINK = re.compile(r"(\]\(|(?:href|src)=\")(?!\w+:|#|/)([^)\s#\"]+)(#[^)\s\"]*)?")
"""The target of a link or a picture that is no address: what stands before it, its path, and its anchor."""

NAMED = re.compile(r"\[(?:docs/)?[\w-]+\.md\]\(([\w./-]+)(#[^)\s]*)?\)")
"""A link whose text is the name of a page's file, which a reader of the site does not know."""


def root_pages(nav: Any) -> list[str]:
    """The files of a navigation that lie in the root of the repository and not in docs/."""
    if isinstance(nav, str):
        return [nav] if not (ROOT / "docs" / nav).exists() and (ROOT / nav).is_file() else []
    return [page for item in (nav.values() if isinstance(nav, dict) else nav or []) for page in root_pages(item)]


def target(page: File, link: str) -> str:
    """Where a link of a page leads, as a path from the root of the repository."""
    here = Path(page.abs_src_path).relative_to(ROOT) if page.abs_src_path else Path("docs", page.src_uri)
    return posixpath.normpath(posixpath.join(here.parent.as_posix(), link))


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the root, and all files outside of docs/ that a page links to."""
    for name in root_pages(config.nav):
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for page in list(files.documentation_pages()):
        for _, link, _ in LINK.findall(page.content_string):
            path = target(page, link)
            known = path.startswith("docs/") or {path, f"{SOURCE}/{path}"} & files.src_uris.keys()
            if not known and (ROOT / path).is_file():
                files.append(File.generated(config, f"{SOURCE}/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Write each link to a file outside of docs/, or from the root into docs/, as the site has it; and titles."""

    def rewritten(match: re.Match) -> str:
        before, link, anchor = match.groups()
        path = target(page.file, link)
        places = (path.removeprefix("docs/"), path, f"{SOURCE}/{path}")
        for place in places[:1] if path.startswith("docs/") else places[1:]:
            if place in files.src_uris:
                here = posixpath.dirname(page.file.src_uri) or "."
                return f"{before}{posixpath.relpath(place, here)}{anchor or ''}"
        return match.group()

    def titled(match: re.Match) -> str:
        link, anchor = match.groups()
        named = files.src_uris.get(posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), link)))
        if named is None or named.page is None:
            return match.group()
        return f"[{named.page.title}]({link}{anchor or ''})"

    return NAMED.sub(titled, LINK.sub(rewritten, markdown))
