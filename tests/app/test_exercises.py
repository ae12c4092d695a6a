"""The exercises: stubs that fail with their message, mistakes that get the words meant for them, and hints that unfold.

That every solution passes its checks is tested where the solutions are run, in `test_tutorials.py`.
"""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from tutorials.check.__main__ import LESSONS, exercises, main
from tutorials.check.exercise import Exercise
from tutorials.check.key import key as answer_key

COURSE = Path(__file__).parents[2] / "tutorials"
NUMBERS = [(lesson, number) for lesson in LESSONS for number in (1, 2, 3)]


def text_of(lesson, folder=""):
    return (COURSE / folder / LESSONS[lesson]).read_text(encoding="utf-8")


def words_of(markdown):
    """Return the words of a Markdown cell without marks of comments and line breaks."""
    return " ".join(re.sub(r"^# ?", "", markdown, flags=re.M).split())


def test_every_lesson_has_exercises():
    assert len(LESSONS) >= 15
    assert sorted(path.name for path in (COURSE / "exercises").glob("*.py")) == sorted(LESSONS.values())


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_stub_fails_with_its_message(lesson, capsys):
    assert main([str(lesson)]) == 1
    lines = capsys.readouterr().out.splitlines()
    for number, (line, exercise) in enumerate(zip(lines, exercises(lesson), strict=True), 1):
        assert line == (
            f"{lesson}.{number} {exercise.name}: not filled in yet: write {exercise.name} in {LESSONS[lesson]}"
        )


@pytest.mark.parametrize("lesson, number", NUMBERS)
def test_typical_mistakes_get_the_words_meant_for_them(lesson, number):
    exercise = exercises(lesson)[number - 1]
    assert len(exercise.mistakes) >= 2
    for words, mistake in exercise.mistakes.items():
        said = exercise.check(mistake)
        assert said.startswith(f"{words}: "), said
        assert not words.endswith("."), "the difference follows"


@pytest.mark.parametrize("lesson", LESSONS)
def test_stubs_repeat_the_lesson_and_have_hints(lesson):
    stubs = text_of(lesson, "exercises")
    listed = re.split(r"^# \d\. ", text_of(lesson).split("# ## Exercises\n")[1], flags=re.M)[1:]
    parts = re.split(r"^# ## \d\n", stubs, flags=re.M)[1:]
    for task, part, exercise in zip(listed, parts, exercises(lesson), strict=True):
        statement, *hints = part.split("# <details><summary>Hint ")
        assert words_of(statement) == words_of(task)
        assert exercise.name in words_of(task)
        assert 2 <= len(hints) <= 3
        for number, hint in enumerate(hints, 1):
            assert re.match(rf"{number}</summary>\n#\n# [\s\S]+\n#\n# </details>", hint), "blank lines around the text"
    functions = [node.name for node in ast.parse(stubs).body if isinstance(node, ast.FunctionDef)]
    assert functions == [exercise.name for exercise in exercises(lesson)]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_asks_for_a_prediction_before_a_cell_runs(lesson):
    """The question is the last thing before the code, and its answer is folded away."""
    asked = r"\n#\n# \*\*Predict before you run\.\*\*(?:.+\n)(?:# .+\n)*#\n# <details><summary>Answer</summary>\n#\n"
    found = re.findall(asked + r"(?:# .+\n)+#\n# </details>\n+# %%\n", text_of(lesson))
    assert found and len(found) == text_of(lesson).count("Predict before")
    assert all("?" in question.split("<details>")[0] for question in found)


def test_the_key_has_each_answer_and_what_mistakes_are_told():
    key = answer_key(4)
    for number, exercise in enumerate(exercises(4), 1):
        assert f"### Exercise 4.{number}: `{exercise.name}`" in key
        assert f"def {exercise.name}(" in key
        for words, mistake in exercise.mistakes.items():
            assert f"- {exercise.check(mistake)}\n" in f"{key}\n" and words in key
    assert "# %%" not in key and "<details>" not in key


def check(tmp_path, capsys, code, words="1.1"):
    file = tmp_path / "mine.py"
    file.write_text(code, encoding="utf-8")
    status = main([words, "--file", str(file)])
    return status, capsys.readouterr().out.strip()


LATE = """
import numpy as np

def account(cur, threshold):
    spk, mem, u, before, s = [], [], 0.0, 0.0, 0.0
    for current in cur:
        u, before = u - threshold * before + current, s
        s = float(u > threshold)
        spk.append(s), mem.append(u)
    return np.array(spk), np.array(mem), u - threshold * (s + before)
"""


def test_a_file_with_a_mistake_is_told_which(tmp_path, capsys):
    status, said = check(tmp_path, capsys, LATE, "1.3")
    assert status == 1
    assert said == (
        "1.3 account: the reset is taken away one step late: spike 1, expected 0 at step 2; "
        "membrane 1.3125, expected 0.3125 at step 2"
    )


def test_a_walk_back_is_told_where_its_error_arose():
    """All values before it are wrong too, so the last wrong step is the one to look at."""
    right = exercises(4)[1].right
    said = exercises(4)[1].check(lambda *case: np.cumsum(right(*case)[::-1] > 1, axis=0)[::-1] + right(*case))
    assert said.endswith(" at step 7, neuron 0")


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda x: -x, "result -1, expected 1 at step 1, neuron 0 (every value has the wrong sign)"),
        (lambda x: 0.5 * x, "result 0.5, expected 1 at step 1, neuron 0 (every value is 0.5 times the expected one)"),
        (
            lambda x: np.vstack([[7, 7], x[:-1]]),
            "result 7, expected 0 at step 0, neuron 0 (every value comes one step late)",
        ),
        (
            lambda x: np.vstack([x[1:], [7, 7]]),
            "result 1, expected 0 at step 0, neuron 0 (every value comes one step early)",
        ),
        (lambda x: x + (x == 9), "result 10, expected 9 at step 3, neuron 1"),
        (lambda x: x.T, "result is turned: it has the shape (2, 4), expected the shape (4, 2) (step, neuron)"),
        (lambda x: x[0], "result has the shape (2,), expected the shape (4, 2) (step, neuron)"),
    ],
)
def test_one_cause_of_all_differences_is_named(change, said):
    values = np.array([[0.0, 0], [1, 4], [2, 3], [5, 9]])
    exercise = Exercise("f", [(values,)], lambda x: x, {}, axes=("step", "neuron"))
    assert exercise.check(change) == said


def test_functions_above_a_failed_assertion_are_checked(tmp_path, capsys):
    code = "def steps_to_half(beta):\n    return 14\n\nassert steps_to_half(0.5) == 1, 'at 0.5'\n"
    status, said = check(tmp_path, capsys, code, "1")
    assert status == 1
    assert said.splitlines() == [
        "mine.py stops in line 4: AssertionError: at 0.5",
        "1.1 steps_to_half: number of steps 14, expected 2 (beta = 0.5)",
    ]


@pytest.mark.parametrize(
    "code, said",
    [
        ("def steps_to_half(beta):\n    return\n", "is there a return?"),
        (
            "def steps_to_half(beta):\n    x = 0\n    return 1 / x\n",
            "it stops in line 3: ZeroDivisionError: division by zero",
        ),
        ("def other():\n    pass\n", "mine.py has no function named steps_to_half"),
        ("def steps_to_half(beta):\n    return [1, 2]\n", "has the shape (2,), expected the shape of a single number"),
        ("def steps_to_half(beta:\n", "mine.py is not Python: line 1"),
        ("x = 1\nnothing + x\n", "mine.py stops in line 2: NameError: name 'nothing' is not defined"),
        ("def steps_to_half(beta):\n    return 'fourteen'\n", "number of steps 'fourteen', expected 14"),
        ("def steps_to_half():\n    return 14\n", "it stops: TypeError: steps_to_half() takes 0 positional arguments"),
    ],
)
def test_other_faults_are_told_in_a_sentence(tmp_path, capsys, code, said):
    status, printed = check(tmp_path, capsys, code)
    assert status == 1
    assert said in printed and "Traceback" not in printed and "\n" not in printed


def test_a_right_answer_may_be_written_in_any_way(tmp_path, capsys):
    code = "import math\n\ndef steps_to_half(b):\n    return math.floor(math.log(2) / -math.log(b)) + 1\n"
    assert check(tmp_path, capsys, code) == (0, "1.1 steps_to_half: right")


def test_a_function_may_change_its_arguments():
    """Each call gets copies, so a student's in-place change cannot spoil the expected values."""
    exercise = Exercise("f", [([3, 1, 2],), ([2, 2],)], sorted, {}, use=lambda f, x: f(x))
    assert not exercise.check(lambda x: x.sort() or x)


@pytest.mark.parametrize("words", ["0", "16", "4.9", "x", "1.1.1"])
def test_another_exercise_is_refused_in_a_sentence(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main([words])
    assert stop.value.code == 2
    assert "must be a lesson from 1 to 15" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["1", "--file", "nowhere.py"])
    assert stop.value.code == 2
    assert "there is no file nowhere.py" in capsys.readouterr().err
