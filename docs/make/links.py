"""Check a site: every local link and anchor exists, every picture has words, nothing is asked of other hosts."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The names, links, files and pictures of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.names, self.links, self.asked, self.silent = set(), [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Note what a tag names, links to, asks for, or shows."""
        values = dict(attributes)
        self.names |= {values.get("id"), values.get("name")}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        files = [values.get("src"), values.get("srcset")]
        if tag == "link" and values.get("rel") != "canonical":
            files.append(values.get("href"))
        self.asked += [file for file in files if file and not file.startswith("data:")]
        if tag == "img" and not (values.get("alt") or "").strip(" ./") or values.get("alt") == values.get("src", 0):
            self.silent.append((values.get("src") or "")[:80])


def problems(site: Path) -> list[str]:
    """Return a sentence for each fault of a site."""
    site = site.resolve()
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site} has no pages"]
    for path, page in pages.items():
        name = path.relative_to(site)
        found += [f"{name}: asks {file} of another host" for file in page.asked if urlsplit(file).netloc]
        found += [f"{name}: the picture {file} has no alternative text" for file in page.silent]
        for link in page.links + page.asked:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            to = to / "index.html" if to.is_dir() else to
            if not to.exists():
                found.append(f"{name}: the link to {link} leads nowhere")
            elif parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].names:
                found.append(f"{name}: {link} names an anchor that is not there")
    for style in sorted(site.rglob("*.css")):
        hosts = re.findall(r"(?:url\(|@import )[\"']?((?:https?:)?//[^\"')]+)", style.read_text(errors="ignore"))
        found += [f"{style.name}: asks {host} of another host" for host in hosts]
    return found
