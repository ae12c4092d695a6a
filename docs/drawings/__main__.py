"""Make all drawings, or those that are named: python -m docs.drawings [NAME ...]"""

import sys

from . import FOLDER, make, names

if __name__ == "__main__":
    for name in sys.argv[1:] or names():
        for file, text in make(name).items():
            (FOLDER / file).write_text(text, encoding="utf-8", newline="\n")
            print(f"docs/drawings/{file}")
