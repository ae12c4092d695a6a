"""What can go wrong: a user's mistake, and a training that diverges."""


class InputError(ValueError):
    """A file, field or value that cannot be used.

    The message is one sentence that names what is wrong and the mend. The command line prints it
    without a traceback and exits with status 2; in the library it is an ordinary ``ValueError``.
    """


class TrainingError(RuntimeError):
    """A training that cannot go on: a number is not finite. The message names epoch, batch and layer."""
