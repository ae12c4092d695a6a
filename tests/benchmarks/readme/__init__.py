"""README's numbers: measured by one command, kept in one file, and put into the text from there.

``record`` keeps ``tutorials/results/readme.json`` and the marked blocks of README and of the guides; ``sections``
measures, in ``shop``; ``blocks`` and ``tables`` make text of the numbers. Start with
``python -m tests.benchmarks.readme --help``.
"""
