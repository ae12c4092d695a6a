"""Build the book: python -m docs.build (needs pip install '.[docs]'), then open build/book/site/index.html.

The lessons are executed, and kept until their cells or the library change; the first build takes some minutes, the
next ones less. `--lessons 1,4` builds these lessons alone, and no reference of the library; `--no-execute` runs none.
`--repository` adds links that open the lessons in Colab and Binder; it is the address named "Source" in setup.cfg, if
there is one.
"""

import argparse
import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEEDS = ("sphinx", "myst_nb", "jupytext", "furo", "numpydoc", "sphinx_copybutton")


def source_address() -> str:
    """Return the repository's address in setup.cfg, or an empty string."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["metadata"].get("project_urls", "").splitlines()
    addresses = dict(line.split(" = ", 1) for line in lines if " = " in line)
    return addresses.get("Source", "")


def lessons(text: str) -> list[int]:
    """Return the numbers in "1,4"."""
    from tutorials.check.__main__ import LESSONS

    try:
        numbers = sorted({int(word) for word in text.split(",")})
    except ValueError:
        numbers = [0]
    if not set(numbers) <= set(LESSONS):
        raise argparse.ArgumentTypeError(f"must be lessons such as 1,4, from 1 to {max(LESSONS)}, got {text!r}")
    return numbers


def missing() -> list[str]:
    """Return the packages that a build lacks."""
    import importlib.util

    return [name for name in NEEDS if importlib.util.find_spec(name) is None]


def main(words: list[str] | None = None) -> int:
    """Build the site and check its links; return 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m docs.build", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build/book", help="the folder for site and work files")
    parser.add_argument("--lessons", type=lessons, default=None, help="only these lessons, such as 1,4, and no library")
    parser.add_argument("--no-execute", action="store_true", help="show the lessons without their output")
    parser.add_argument("--repository", default=source_address(), help="its address, for links to Colab and Binder")
    options = parser.parse_args(words)
    if absent := missing():
        parser.error(f"{', '.join(absent)} not found: pip install '.[docs]'")
    from docs.make import guides, links, live
    from docs.make import lessons as course
    from tutorials.check.__main__ import LESSONS

    out = options.out.resolve()
    source, site = out / "source", out / "site"
    source.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "docs/book", source, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.md"))
    print("lessons ...", flush=True)
    course.prepare(source, options.repository, options.lessons or list(LESSONS))
    print("inspector, report and manual ...", flush=True)
    live.prepare(source, out / "live")
    guides.prepare(source, out / "live/accelerator/README.md", options.repository)
    environment = os.environ | {"MINISNN_BOOK_EXECUTE": "off" if options.no_execute else "cache", "EAGER_IMPORT": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment["PYTHONWARNINGS"] = "ignore:Unknown section Ports"  # of blocks; docs.make.docstrings shows them
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-d", out / "doctrees", source, site]
    if options.lessons:  # guides may link to the others
        shutil.rmtree(source / "generated", ignore_errors=True)
        shutil.rmtree(site, ignore_errors=True)
        (source / "api.md").write_text("# The library\n\nNot in a build of some lessons alone.\n", encoding="utf-8")
        command += ["-D", "suppress_warnings=myst.xref_missing"]
    print("pages ...", flush=True)
    if subprocess.run([sys.executable, *map(str, command)], env=environment).returncode:
        return 1
    found = [fault for fault in links.problems(site) if not (options.lessons and "#course/" in fault)]
    print(*found, sep="\n", end="\n" * bool(found))
    print(f"{site / 'index.html'}: {len(list(site.rglob('*.html')))} pages, {len(found)} faulty links or pictures")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
