"""Elaborate one block, and none of the blocks inside it.

MyHDL calls the function of a block as soon as the block is made, and so those of all blocks inside it: in a large
accelerator, thousands of lanes and millions of words of memory. Here a block inside another only notes its arguments.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import RLock, get_ident
from types import FrameType, SimpleNamespace
from typing import Any
from unittest.mock import patch

from myhdl import _block, _extractHierarchy, _instance, _simulator, _util
from myhdl._block import _Block, _CallInfo

from .constants import constants_computed
from .source import lines_of, text_of

_LOCK = RLock()  # MyHDL is changed while a block is elaborated
_elaborate = _Block.__init__


def unelaborated(make: Callable, *args: Any, **kwargs: Any) -> _Block:
    """Call a function that makes a block, and return the block without what is inside it; it cannot be simulated."""
    with _changed([], noting=True):
        return make(*args, **kwargs)


def elaborate(block: _Block, args: tuple, kwargs: dict) -> tuple[_Block, dict[str, Any], dict[str, Any]]:
    """Make a block of the same function with other arguments.

    Return it, and the local variables of its function as it ended: its own, and those of the functions around it.
    """
    frames: list[FrameType] = []
    code = getattr(block.func, "__func__", block.func).__code__
    with _changed(frames, noting=False):
        made = _Block(block.func, _decorator(block), block.func.__name__, "", 0, False, *args, **kwargs)
    names = next((frame.f_locals for frame in reversed(frames) if frame.f_code is code), {})
    own = {name: value for name, value in names.items() if name not in code.co_freevars}
    return made, own, {name: names[name] for name in code.co_freevars if name in names}


@contextmanager
def memories_forgotten() -> Iterator[None]:
    """Let MyHDL forget the memories of blocks that are made meanwhile; it would keep them for ever."""
    known = set(_extractHierarchy._memInfoMap)
    try:
        yield
    finally:
        for key in set(_extractHierarchy._memInfoMap) - known:
            del _extractHierarchy._memInfoMap[key]


def _decorator(block):
    """Return the decorator of a block's function, which may have code that is written by hand."""
    if hasattr(block, "decorator"):
        return block.decorator
    for each in _simulator._blocks:
        if block.func in (getattr(each, "func", None), getattr(each, "bound_func", None)):
            return each
    raise LookupError(f"{block.func.__name__} is not a block of MyHDL")


@contextmanager
def _changed(frames: list[FrameType], noting: bool) -> Iterator[None]:
    """Let blocks inside a block note their arguments, or each block if `noting`; collect the frames of their makers."""
    thread = get_ident()

    def init(self, func, decorator, name, srcfile, srcline, skipname, *args, **kwargs):
        nonlocal noting
        if get_ident() != thread or not noting:
            noting = noting or get_ident() == thread
            return _elaborate(self, func, decorator, name, srcfile, srcline, skipname, *args, **kwargs)
        frame = sys._getframe(2)
        while frame.f_code.co_name.startswith("<"):  # a comprehension
            frame = frame.f_back
        frames.append(frame)
        owner = frame.f_back.f_locals.get("self")
        self.func, self.args, self.kwargs, self.decorator = func, args, kwargs, decorator
        self.callinfo = _CallInfo(frame.f_code.co_name, isinstance(owner, _Block), frame.f_globals | frame.f_locals)
        self.modctxt, self.callername, self.name = self.callinfo.modctxt, frame.f_code.co_name, name
        self.subs, self.sigdict, self.memdict = [], {}, {}
        self.__doc__, self.vhdl_code, self.verilog_code = func.__doc__, None, None
        return None

    with _LOCK, patch.object(_Block, "__init__", init), without_sources(frames), constants_computed():
        yield


@contextmanager
def without_sources(frames: list[FrameType] | None = None) -> Iterator[None]:
    """Let MyHDL look up each source once, and none of the call stack to see who makes a block; note the frames."""
    noted = [] if frames is None else frames

    def stack():
        """Return what MyHDL reads of ``inspect.stack()``."""
        rows, frame = [], sys._getframe(1)
        while frame is not None and len(rows) < 6:
            rows.append((frame, "", 0, frame.f_code.co_name))
            noted.append(frame)
            frame = frame.f_back
        return rows

    quick = SimpleNamespace(**vars(inspect) | {"stack": stack, "getsource": text_of, "getsourcelines": lines_of})
    with _LOCK, ExitStack() as changes:
        changes.enter_context(patch.object(_util, "_dedent", _dedented))
        for module in (_block, _instance, _util):
            changes.enter_context(patch.object(module, "inspect", quick))
        yield


_dedented = cache(_util._dedent)
