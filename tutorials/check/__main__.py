"""Check your exercises: python -m tutorials.check 4, or 4.2 for one of them; --file PATH if yours is elsewhere."""

import argparse
import contextlib
import importlib
import io
import re
import sys
import traceback
from pathlib import Path

COURSE = Path(__file__).parents[1]
LESSONS = {int(path.name[:2]): path.name for path in sorted(COURSE.glob("[0-9]*.py"))}


def exercises(lesson: int) -> list:
    """Return the three exercises of a lesson."""
    return importlib.import_module(f"tutorials.check.lesson_{lesson:02d}").EXERCISES


def load(path: Path) -> tuple[dict, str]:
    """Run a student's file without its output; return its names up to where it ends or stops, and why it stopped."""
    names = {"__name__": "exercises", "__file__": str(path)}
    sys.path.insert(0, str(COURSE))  # a file may import what the lessons share
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, names)
        return names, ""
    except SyntaxError as error:
        return {}, f"{path.name} is not Python: line {error.lineno}: {error.msg}"
    except Exception as error:  # whatever a student's code may raise
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f" in line {lines[-1]}" if lines else ""
        return names, f"{path.name} stops{where}: {type(error).__name__}: {error}".rstrip(": ")
    finally:
        sys.path.remove(str(COURSE))


def wanted(text: str) -> tuple[int, list[int]]:
    """Return the lesson and the exercises that "4" or "4.2" names."""
    match = re.fullmatch(r"(\d{1,2})(?:\.(\d))?", text)
    lesson = int(match[1]) if match else 0
    if lesson not in LESSONS or (match[2] or "1") not in "123":
        raise argparse.ArgumentTypeError(
            f"must be a lesson from 1 to {max(LESSONS)}, or an exercise such as 4.2 (1 to 3), got {text!r}"
        )
    return lesson, [int(match[2])] if match[2] else [1, 2, 3]


def main(words=None) -> int:
    """Print a line for each exercise; return 0 if all are right, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m tutorials.check", description=__doc__)
    parser.add_argument("exercise", type=wanted, help="a lesson (4) or one of its exercises (4.2)")
    parser.add_argument("--file", type=Path, help="your file, if it is not the one in tutorials/exercises")
    options = parser.parse_args(words)
    lesson, numbers = options.exercise
    path = options.file or COURSE / "exercises" / LESSONS[lesson]
    if not path.is_file():
        parser.error(f"there is no file {path}")
    names, stopped = load(path.resolve())
    chosen = [(number, exercises(lesson)[number - 1]) for number in numbers]
    if stopped:  # a student's own assertion is no reason to stay silent about the function above it
        print(stopped)
        chosen = [(number, exercise) for number, exercise in chosen if exercise.name in names]
    right = not stopped
    for number, exercise in chosen:
        wrong = exercise.check(names.get(exercise.name), path.name)
        print(f"{lesson}.{number} {exercise.name}: {wrong or 'right'}", flush=True)
        right = right and not wrong
    return 0 if right else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; if nothing came for a while: is there a loop in your file that never ends?")
