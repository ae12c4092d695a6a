"""What `python -m docs.build` does before Sphinx: lessons become notebooks, commands and results become pages.

`lessons.py` and `guides.py` write pages into the source folder of a build, `live.py` makes the pages of the inspector
and of the report, and `links.py` checks the site that comes out. Start with `docs/build.py`.
"""
