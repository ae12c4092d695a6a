"""Checks of the exercises: they run a student's functions and say in plain words what is wrong.

`exercise.py` has the one way of checking. A file for each lesson says what each exercise returns, computes it in its own
way, and knows typical mistakes: an answer that equals a mistake's gets the words meant for it. The words name the first
value that differs, never the code that mends it.
"""
