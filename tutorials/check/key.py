"""Print the answer key for lecturers, as Markdown: python -m tutorials.check.key [LESSON ...]

For each exercise: the task, the answer with its code from the solutions, and the typical mistakes with the words that
`python -m tutorials.check` says to them.
"""

import re
import sys

from .__main__ import COURSE, LESSONS, exercises


def text_of(comments: str) -> str:
    """Return a Markdown cell as Markdown."""
    return re.sub(r"^# ?", "", comments, flags=re.M).strip()


def parts(lesson: int, folder: str) -> list[str]:
    """Return the three parts of a lesson's exercises or solutions, in the percent format."""
    script = (COURSE / folder / LESSONS[lesson]).read_text(encoding="utf-8")
    return re.split(r"^# ## [123]\n", script, flags=re.M)[1:]


def solution(part: str) -> str:
    """Return a part of the solutions as Markdown: text, and code between fences."""
    cells = re.split(r"^# %%(.*)\n", part, flags=re.M)
    written = [text_of(cells[0])]
    for kind, cell in zip(cells[1::2], cells[2::2]):
        if cell.strip():
            written.append(text_of(cell) if kind.strip() else f"```python\n{cell.strip()}\n```")
    return "\n\n".join(written)


def key(lesson: int) -> str:
    """Return the answers to a lesson's exercises as Markdown."""
    title = (COURSE / LESSONS[lesson]).read_text(encoding="utf-8").splitlines()[1].removeprefix("# # ")
    pages = [f"## {title}"]
    both = zip(exercises(lesson), parts(lesson, "exercises"), parts(lesson, "solutions"), strict=True)
    for number, (exercise, task, answer) in enumerate(both, 1):
        pages.append(f"### Exercise {lesson}.{number}: `{exercise.name}`")
        pages.append(text_of(task.split("# <details>")[0]))
        pages.append("**Answer.** " + solution(answer))
        said = [f"- {exercise.check(mistake)}" for mistake in exercise.mistakes.values()]
        pages.append("**What students often write, and are told:**\n\n" + "\n".join(said))
    return "\n\n".join(pages)


def main(words: list[str]) -> None:
    """Print the key of the lessons that are named by their numbers, or of all."""
    print("# Answer key\n")
    for lesson in [int(word) for word in words] or LESSONS:
        print(key(lesson), end="\n\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
