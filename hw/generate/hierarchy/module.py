"""One kind of block as text: MyHDL converts its processes, and takes our instances of sub-blocks for code by hand."""

import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from myhdl import intbv
from myhdl._always_comb import _AlwaysComb
from myhdl._block import _Block
from myhdl._extractHierarchy import _MemInfo, _UserVerilogCode, _UserVhdlCode
from myhdl._instance import _Instantiator
from myhdl._ShadowSignal import ConcatSignal, _SliceSignal
from myhdl._Signal import _Signal
from myhdl.conversion import _misc, _toVerilog, _toVHDL

from .arguments import like, members, signals_of
from .compact import head_of_module
from .conditions import converts, readable
from .constants import constants_computed
from .elaborate import without_sources
from .instances import LEAST, in_order, instances
from .joined import Joined
from .kinds import Child, Port, given, owners_of, ports_of
from .names import Names
from .source import places
from .start import started
from .tidy import tidy

PACKAGE = f"pck_myhdl_{_toVHDL._shortversion}"


class _Text(_UserVhdlCode, _UserVerilogCode):
    """Code by hand for MyHDL, which asks for it when all signals have their names."""

    def __init__(self, write):
        self.write = write

    def __str__(self):
        return self.write()


class _Stub(_Block):
    """A block for MyHDL that is nothing but a text."""

    def __init__(self, name, write):
        self.name, self.subs, self.sigdict, self.memdict = name, [], {}, {}
        self.vhdl_code = self.verilog_code = _Text(write)


class _Unit(_Block):
    """A block for MyHDL with the parts, names and ports that we say."""

    def __init__(self, design, subs, sigdict, memdict, interface):
        self.__dict__.update(vars(design))
        self.subs, self.sigdict, self.memdict, self.interface = subs, sigdict, memdict, interface
        self.__doc__ = self.vhdl_code = self.verilog_code = None

    def _inferInterface(self):  # MyHDL asks when it knows what is driven and read
        self.argdict = self.interface()
        self.argnames = list(self.argdict)


class Module:
    """The conversion of one kind: see :func:`minisnn_hw.generate.hierarchy.kinds.kinds_of` for the arguments."""

    def __init__(self, hdl, std_logic, kind, made, local, outside, kinds, top):
        self.hdl, self.kind, self.made, self.top, self.std_logic = hdl, kind, made, top, std_logic and top
        self.ports, self.owners = ports_of(given(made)), owners_of(given(made))
        by_hand = made.vhdl_code if hdl == "vhdl" else made.verilog_code
        self.by_hand = by_hand is not None
        subs = [_Stub("code", by_hand.__str__)] if by_hand is not None else made.subs
        self.processes = [sub for sub in subs if isinstance(sub, _Instantiator)]
        self.registers = self._driven(lambda process: not isinstance(process, _AlwaysComb))
        self.combinational = self._driven(lambda process: isinstance(process, _AlwaysComb))
        _refuse_signals_from_outside(made, self.processes, outside)
        self.names = Names({made.func.__name__, *(kinds[key].func.__name__ for key in kinds)})
        self._name_ports_and_processes()
        children = self._children([sub for sub in subs if id(sub) in kinds], kinds, local)
        self.memories = {name: memory for name, memory in made.memdict.items() if memory._used}
        self.names.taken |= {name.lower() for name in self.memories}
        self._name_signals(local, children)
        self.opened = self._connect(children)
        self.bridges: list[tuple[str, Any, bool]] = []
        self.undriven: list[Any] = []
        first = {id(group[0]): group for group in in_order(children)}
        by_sub = dict(zip((id(sub) for sub in subs if id(sub) in kinds), children))
        parts: list[Any] = []
        for sub in subs:
            if id(sub) not in kinds:
                parts.append(sub)
            elif group := first.get(id(by_sub[id(sub)])):
                parts.append(_Stub("instances", lambda group=group: instances(group, hdl, self.names)))
        parts.append(_Stub("bridges", self._bridge))
        kind.children = children
        order = places(made.func)
        ranked = sorted(self.names.signals.items(), key=lambda pair: order.get(self.names.roots[pair[0]], len(order)))
        kind.text = self._converted(_Unit(made, parts, dict(ranked), self.memories, self._interface))

    def _driven(self, chosen):
        """Return the ids of the signals that some processes drive."""
        result = set()
        for process in self.processes:
            if chosen(process):
                for name in process.outputs:
                    value = process.symdict.get(name, process.sigdict.get(name))
                    result |= {id(signal) for _, signal in signals_of(value, "")}
        return result

    def _name_ports_and_processes(self):
        for name, signal in self.ports.items():
            if name.lower() in self.names.taken:
                raise ValueError(f"block {self.made.func.__name__}: the name of port {name} is taken; rename it")
            self.names.taken.add(name.lower())
            self.names.port(name, signal)
        for process in self.processes:
            process.funcobj.__name__ = self.names.free(process.name, "label")

    def _children(self, subs, kinds, local):
        """Return the instances of sub-blocks; a block that is a variable has its name."""
        variables = {id(value): name for name, value in local.items() if isinstance(value, _Block)}
        counts = Counter(sub.func.__name__ for sub in subs if id(sub) not in variables)
        seen: Counter = Counter()
        result = []
        for sub in subs:
            name = sub.func.__name__
            if id(sub) in variables:
                label = variables[id(sub)]
            else:
                seen[name] += 1
                label = f"u_{name}" + (f"_{seen[name]}" if counts[name] > 1 else "")
            signals, kind = ports_of(given(sub)), kinds[id(sub)]
            label = self.names.free(label, "block")
            result.append(Child(label, kind, {path: signals[path] for path in kind.ports}))
        return result

    def _name_signals(self, local, children):
        """Name what processes use, lists, variables, and at last what only sub-blocks share."""
        names = self.names
        used = {id(signal) for process in self.processes for signal in process.sigdict.values()}
        groups = [group for group in in_order(children) if len(group) >= LEAST]
        for name, value in local.items():
            if isinstance(value, list) and value and not any(value is memory.mem for memory in self.memories.values()):
                self._array(name, value, set())
        known = {id(part) for value in local.values() for _, part in [("", value), *members(value)]}
        for group in groups:
            for path in group[0].actuals:
                signals = [child.actuals[path] for child in group]
                if not all(id(signal) in known for signal in signals):
                    self._array(f"{group[0].kind.func.__name__}_{path}", signals, used)
        listed = {id(signal) for memory in self.memories.values() for signal in memory.mem}
        scopes = [local, *(process.sigdict for process in self.processes)]
        for name, value in [pair for scope in scopes for pair in scope.items()]:
            if not isinstance(value, (list, tuple)) or all(isinstance(part, _Signal) for part in value):
                for path, signal in signals_of(value, name):
                    if id(signal) not in listed:
                        names.name(signal, path, name)
        for child in children:
            for path, signal in child.actuals.items():
                if id(signal) not in listed and id(getattr(signal, "_sig", signal)) not in listed:
                    names.name(signal, f"{child.label.removeprefix('u_')}_{path}")
        for name, signal in list(names.signals.items()):
            for part in getattr(signal, "_sigargs", ()):
                if id(part) not in listed and id(getattr(part, "_sig", part)) not in listed:
                    names.name(part, f"{name}_part")

    def _array(self, name, signals, used):
        """Make an array of signals of one type, unless processes drive them, or they are something else already."""
        types = {(type(s), s._type, s._nrbits, s._min, s._max) for s in signals if isinstance(s, _Signal)}
        plain = len(types) == 1 and all(type(signal) is type(signals[0]) for signal in signals)
        if len(signals) < LEAST or not plain or isinstance(signals[0], (ConcatSignal, _SliceSignal)):
            return
        ids = {id(signal) for signal in signals}
        listed = {id(signal) for memory in self.memories.values() for signal in memory.mem}
        if len(ids) < len(signals) or ids & (used | listed | set(self.names.of) | self.registers | self.combinational):
            return
        memory = _MemInfo(list(signals))
        memory._used = True
        self.memories[self.names.free(name)] = memory

    def _connect(self, children):
        """Tell MyHDL what the ports of sub-blocks read and drive; return the ids of what they drive."""
        opened: set[int] = set()
        for child in children:
            for path, signal in child.actuals.items():
                signal._markUsed()
                if child.kind.ports[path].out:
                    if id(signal) in opened or id(signal) in self.registers | self.combinational:
                        raise ValueError(
                            f"block {self.made.func.__name__}: {self.names.of.get(id(signal), 'a signal')} at port "
                            f"{path} of {child.label} has two drivers"
                        )
                    signal._driven = "wire"
                    opened.add(id(signal))
                else:
                    signal._markRead()
                for each in (signal, getattr(signal, "_sig", None)):
                    if isinstance(each, ConcatSignal):
                        each._driven = "wire"  # MyHDL writes only the concatenations that something reads
        return opened

    def _interface(self):
        """Return the ports of the entity, now that MyHDL knows what is driven and read."""
        result, own = {}, {id(signal) for signal in self.ports.values()}
        lists = {id(signal): memory for memory in self.memories.values() for signal in memory.mem}
        for signal in self.names.signals.values():
            if isinstance(signal, ConcatSignal):
                signal.__class__ = Joined
        for memory in self.memories.values():
            for signal in memory.mem:
                for part in signal._slicesigs:
                    part._setName(_LANGUAGES[self.hdl])
        for name, signal in self.ports.items():
            if memory := lists.get(id(signal)):  # what is done to a list, its signals are not told
                signal._driven, signal._read = signal._driven or memory._driven, signal._read or memory._read
            out = bool(signal._driven)
            if not (out or signal._read or self.top or self.by_hand):
                continue  # nothing in here has to do with it
            self.kind.ports[name] = Port(like(signal), out, self.owners[name], id(signal))
            result[name] = signal
            if self._needs_bridge(signal, out):
                result[name] = self._bridged(name, signal, out)
        self.initial = self._initial()
        for signal in self.names.signals.values():
            if id(signal) in self.opened and not signal._read and id(signal) not in own:
                signal._used = False  # an output that nobody reads
        return result

    def _initial(self):
        """Return {name: initial value} of what Verilog has to set: registers, and what nothing drives."""
        result = {}
        own = {id(signal) for signal in self.ports.values()}
        for name, signal in self.names.signals.items():
            undriven = signal._used and signal._read and not signal._driven and id(signal) not in own
            if not signal._inList and (undriven or id(signal) in self.registers - self.combinational):
                result[signal._name or name] = signal
        return result

    def _needs_bridge(self, signal, out):
        """Return whether a port needs a signal behind it.

        VHDL-93 reads no port that goes out, and MyHDL gives a port no initial value.
        """
        if signal._inList:
            return True
        if self.hdl == "verilog" or not out or (self.std_logic and signal._type is intbv):
            return False
        return bool(signal._read) or id(signal) in self.registers

    def _bridged(self, name, signal, out):
        port = like(signal)
        port._name, port._read, port._driven = name, True, "wire" if out else None
        if not signal._inList:
            signal._name = self.names.free(f"{name}_{'reg' if id(signal) in self.registers else 'net'}")
            for part in signal._slicesigs:
                part._setName(_LANGUAGES[self.hdl])
        signal._used, signal._read = not signal._inList, True
        signal._driven = signal._driven or "wire"
        self.bridges.append((name, signal, out))
        return port

    def _bridge(self):
        form = "{} <= {};\n" if self.hdl == "vhdl" else "assign {} = {};\n"
        pairs = ((name, signal._name) if out else (signal._name, name) for name, signal, out in self.bridges)
        return "".join(form.format(*pair) for pair in pairs)

    def _converted(self, unit):
        options: dict[str, Any] = {"name": self.kind.token, "initial_values": True, "header": ""}
        options["no_myhdl_header"] = True
        if self.hdl == "vhdl":
            converter = _toVHDL.toVHDL
            options |= {"no_myhdl_package": True, "architecture": "rtl", "std_logic_ports": self.std_logic}
            options |= {"library": "work", "use_clauses": f"use work.{PACKAGE}.all;\n"}
        else:
            converter = _toVerilog.toVerilog
            options |= {"no_testbench": True, "timescale": "1ns/10ps", "trace": False}
        _misc._genLabel = _misc._LabelGenerator()  # MyHDL counts labels over the whole process
        with TemporaryDirectory() as folder, warnings.catch_warnings(), constants_computed(), without_sources():
            warnings.simplefilter("ignore")  # ports that are driven but not read, and the like
            for name, value in {**options, "directory": folder}.items():
                setattr(converter, name, value)
            converter(unit)
            (file,) = Path(folder).iterdir()
            text = readable(tidy(file.read_text(encoding="utf-8"), self.hdl), self.hdl)
            if not converts(text):
                text = text.replace(f"use work.{PACKAGE}.all;\n", "", 1)
        return text if self.hdl == "vhdl" else started(head_of_module(text), self.initial)


_LANGUAGES = {"vhdl": "VHDL", "verilog": "Verilog"}


def _refuse_signals_from_outside(made, processes, outside):
    """Raise ValueError if a block uses signals that are neither its arguments nor its own."""
    owner = getattr(made.func, "__self__", None)
    scopes = [outside, made.func.__globals__, {} if owner is None else {"self": owner}]
    far = {id(signal): path for scope in scopes for name, value in scope.items() for path, signal in _near(name, value)}
    for process in processes:
        for signal in process.sigdict.values():
            if id(signal) in far:
                raise ValueError(
                    f"block {made.func.__name__} uses the signal {far[id(signal)]}, which is not among its arguments; "
                    "hand it over as one"
                )


def _near(name, value):
    """Return the signals that a variable is, or has as attributes."""
    parts = getattr(value, "__dict__", {}) if not isinstance(value, (ModuleType, type)) and not callable(value) else {}
    found = [(name, value), *((f"{name}.{part}", each) for part, each in parts.items())]
    return [(path, each) for path, each in found if isinstance(each, _Signal)]
