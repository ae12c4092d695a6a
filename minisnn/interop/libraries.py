"""torch and snntorch, imported only where a network of theirs is read or made."""

from typing import Any

from ..errors import InputError


def torch_library() -> Any:
    """Return the module torch; raise InputError if it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise InputError(f"this needs torch, which cannot be imported ({error}): pip install torch") from error
    return torch


def snntorch_library() -> Any:
    """Return the module snntorch; raise InputError if it is not installed."""
    torch_library()  # the sentence names the one that is missing
    try:
        import snntorch
    except ImportError as error:
        raise InputError(f"this needs snntorch, which cannot be imported ({error}): pip install snntorch") from error
    return snntorch
