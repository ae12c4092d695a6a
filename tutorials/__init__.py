"""The course: lessons as scripts, exercises with stubs, solutions, and `python -m tutorials.check`."""
