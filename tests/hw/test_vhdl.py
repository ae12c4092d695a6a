"""minisnn vhdl: the folder runs by its own script, fails where it should, and has the same bytes every time."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import minisnn_hw.generate.convert as convert_module
from minisnn import terminal
from minisnn.commands import main
from minisnn.data.load import load as load_data
from minisnn.fixed.model import load
from minisnn.timing.cycles import Stimulus, predict
from minisnn_hw.accelerator import design, ports
from minisnn_hw.delivery.block_map import LESSONS
from minisnn_hw.delivery.deliver import check_report, deliver, with_sums, write
from minisnn_hw.delivery.manual import MANUAL, wrapped
from minisnn_hw.delivery.waves import INPUT, LOAD, OUTPUT
from minisnn_hw.generate import tools
from minisnn_hw.generate.convert import convert
from minisnn_hw.generate.hierarchy.elaborate import unelaborated
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.words import image_words, load_words
from minisnn_hw.layer import layer
from minisnn_hw.lif import lif
from minisnn_hw.loader import loader
from minisnn_hw.maxpool import maxpool
from minisnn_hw.ports import Decided, FrameWriter, LoadWriter, Scan, Stream
from minisnn_hw.spec import LayerSpec
from minisnn_hw.spike_scanner import spike_scanner
from minisnn_hw.stream_in import stream_in
from minisnn_hw.verify import simulate
from minisnn_hw.verify.host import Host
from tests.helpers import quantised_model
from tests.hw.ports import below, bit, full, plain, word
from tests.hw.ports import signed as signal
from tests.hw.test_layer import BUNDLES
from tests.test_architecture import ROOT

HDLS = ("vhdl", "verilog")
SUFFIX = {"vhdl": ".vhd", "verilog": ".v"}
FLAGS = ["--lanes", "2/4", "--images", "2", "--load-bits", "12", "--name", "net"]


def need(hdl):
    tool = {"vhdl": "ghdl", "verilog": "iverilog"}[hdl]
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed: apt install {tool}")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small convolutional network, trained and quantised on the command line."""
    return quantised_model(tmp_path_factory.mktemp("model"), "3C3-MP4-10", "--epochs 2 --steps 2", "--weight-bits 5")


@pytest.fixture(scope="module")
def folders(model, tmp_path_factory):
    """A delivery in VHDL, one in Verilog with probe and early exit, and two that add a row of taps, or all, at once."""
    folder = tmp_path_factory.mktemp("deliveries")
    flags = {
        "vhdl": [],
        "verilog": ["--hdl", "verilog", "--probe", "--exit", "1"],
        "row": ["--taps", "3/1"],
        "all": ["--taps", "9/1"],
    }
    bars = []

    def bar(*words, **options):
        bars.append(terminal_bar(*words, **options))
        return bars[-1]

    terminal_bar = terminal.bar
    for name in flags:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(terminal, "bar", bar)
            assert main(["vhdl", str(model), *FLAGS, "--out", str(folder / name), *flags[name]]) == 0
        entities = [path for path in (folder / name).glob("*.v*") if not path.stem.startswith(("pck_", "net_bench"))]
        assert bars[-1].n >= len(entities) > 30  # the bar counted kinds of blocks, which share entities
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(folder, script="run.sh"):
    words = [folder / script] if script.endswith(".sh") else [sys.executable, folder / script]
    return subprocess.run(words, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("script", ["run.sh", "run.py"])
@pytest.mark.parametrize("hdl", HDLS)
def test_the_folder_runs_by_its_own_scripts(folders, hdl, script):
    need(hdl)
    before = contents(folders / hdl)
    done = run(folders / hdl, script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout and "images 2, beats compared 24, differences 0" in done.stdout
    answers = [line.split()[1] for line in (folders / hdl / "expected.txt").read_text().splitlines()][10::12]
    labels = load_data("digits").y_test[:2]
    printed = re.findall(r"image (\d): \d+ cycles, answer (\d) \(label (\d)\)\n", done.stdout)
    assert printed == [(str(i), str(int(answers[i], 16)), str(labels[i])) for i in range(2)]
    load, total = (int(re.search(f"{words}(\\d+)", done.stdout)[1]) for words in ("load: ", "load and pauses "))
    beats = len((folders / hdl / "load.txt").read_text().splitlines())
    images = sum(int(count) for count in re.findall(r"image \d: (\d+) cycles", done.stdout))
    bench = (folders / hdl / f"net_bench{'.vhd' if hdl == 'vhdl' else '.sv'}").read_text()
    rest = int(re.search(r"\brest\b.*= (\d+);", bench)[1])  # after each answer
    assert (rest > 0) == (hdl == "verilog")
    assert beats <= load <= total - images - 2 * rest <= load + 40
    assert contents(folders / hdl) == before
    design = (folders / hdl / "net.f").read_text().split()
    assert design[-1] == f"net{SUFFIX[hdl]}" and (design[0].startswith("pck_") == (hdl == "vhdl"))
    assert set(before) == {*design, "net_bench.vhd" if hdl == "vhdl" else "net_bench.sv"} | {
        "net.f",
        "net.core",
        "load.txt",
        "images.txt",
        "expected.txt",
        "labels.txt",
        "run.sh",
        "run.py",
        "README.md",
        "SHA256SUMS",
    }
    assert {path.name for path in folders.iterdir()} == {*HDLS, "row", "all"}  # no other files are left


def test_the_script_in_python_needs_no_shell_and_no_link(folders, tmp_path):
    """From a folder with a space in its name, whose files end their lines as on Windows; a tool that lacks is named."""
    need("vhdl")
    folder = tmp_path / "my design"
    shutil.copytree(folders / "vhdl", folder)
    for path in folder.glob("*.f"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    text = (folder / "run.py").read_text()
    assert "symlink" not in text and "shell" not in text and "/" not in text.replace(" / ", "")
    done = run(folder, "run.py")
    assert done.returncode == 0 and "PASS" in done.stdout, done.stdout + done.stderr
    absent = subprocess.run([sys.executable, folder / "run.py"], env={"PATH": ""}, capture_output=True, text=True)
    assert absent.returncode == 2 and absent.stderr == "ghdl not found; install GHDL\n"


@pytest.mark.parametrize("hdl", HDLS)
@pytest.mark.parametrize("labels", [None, "", "unknown\n"])
def test_labels_may_be_missing(folders, tmp_path, hdl, labels):
    need(hdl)
    folder = tmp_path / "copy"
    shutil.copytree(folders / hdl, folder)
    (folder / "labels.txt").unlink()
    if labels is not None:
        (folder / "labels.txt").write_text(labels)
    done = run(folder)
    assert done.returncode == 0 and "PASS" in done.stdout, done.stdout + done.stderr
    assert "answer" in done.stdout and "label" not in done.stdout


def one_beat_less(text):
    return text[: text.rstrip().rindex("\n") + 1]


FAULTS = {
    "a score": ("expected.txt", lambda text: re.sub(r"0 (\w+)", lambda f: f"0 {int(f[1], 16) ^ 4:08X}", text, count=1)),
    "a count of cycles": (
        "expected.txt",
        lambda text: re.sub(r"1 (\w+)", lambda f: f"1 {int(f[1], 16) + 1:08X}", text, count=1),
    ),
    "a beat too few": ("expected.txt", one_beat_less),
    "a beat too many": ("expected.txt", lambda text: text + "0 00000000\n"),
    "nothing expected": ("expected.txt", lambda text: ""),
    "no images": ("images.txt", lambda text: ""),
    "a load cut short": ("load.txt", one_beat_less),
    "a design whose neurons never spike": (
        "lif",
        lambda text: re.sub(r"(spike_?\w* <= )('1'|1'b1)", r"\1'0'" if "'1'" in text else r"\g<1>1'b0", text),
    ),
    "a design that never answers": (
        "send_answer",
        lambda text: re.sub(r"(stream_tvalid <?= )[^;]*;", r"\1'0';" if "'1'" in text else r"\g<1>1'b0;", text),
    ),
}


@pytest.mark.parametrize("hdl", HDLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails(folders, tmp_path, hdl, fault):
    """The exit status is not 0, even if no answer ever comes."""
    need(hdl)
    folder = tmp_path / "copy"
    shutil.copytree(folders / hdl, folder)
    name, change = FAULTS[fault]
    file = folder / (name if "." in name else name + SUFFIX[hdl])
    text = file.read_text()
    assert change(text) != text
    file.write_text(change(text))
    done = run(folder)
    assert done.returncode != 0 and "FAIL" in done.stdout and "PASS" not in done.stdout, done.stdout


@pytest.mark.parametrize("hdl", HDLS)
def test_the_same_bytes(model, folders, tmp_path, hdl):
    """The bytes are the same in a process with other hashes, and in this one after other blocks."""
    first = contents(folders / hdl)
    flags = [*FLAGS, "--hdl", hdl, *(["--probe", "--exit", "1"] if hdl == "verilog" else [])]
    subprocess.run(
        [sys.executable, "-m", "minisnn", "vhdl", str(model), *flags, "--out", str(tmp_path / "again")],
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONHASHSEED": "1"},
    )
    assert contents(tmp_path / "again") == first
    integer, images = load(model), load_data("digits").x_test
    spec = specify(integer.network, (2, 4), load_bits=12)
    simulate.run(design(spec), *ports(spec, False), script([{"rst": 1}] * 3), 9)
    margin = {"vhdl": None, "verilog": 1}[hdl]
    labels = load_data("digits").y_test[:2]
    files = deliver(integer, images[:2], spec, "net", hdl, hdl == "verilog", images[:200], labels, lambda: None, margin)
    assert {name: text.encode() for name, text in files.items()} == first
    for name, text in files.items():
        assert "/tmp" not in text and "Date" not in text and "dut" not in text, name
        assert text.endswith("\n") and max(map(len, text.splitlines())) < (400 if name == "README.md" else 10**6)


@pytest.mark.parametrize("name", ["row", "all"])
def test_several_taps_at_once(folders, name):
    need("vhdl")
    done = run(folders / name)
    assert done.returncode == 0 and "PASS" in done.stdout, done.stdout + done.stderr


def test_whole_windows(tmp_path):
    """The delivered design passes its bench, and the manual says how many positions fire."""
    need("vhdl")
    model = quantised_model(tmp_path, "2C3-MP2-10", "--epochs 1 --steps 2", "--weight-bits 5")
    flags = ["--lanes", "2/5", "--taps", "9/1", "--positions", "4/1", "--images", "1", "--load-bits", "64"]
    assert main(["vhdl", str(model), "--out", str(tmp_path / "new"), *flags]) == 0
    (first, second) = table((tmp_path / "new/README.md").read_text(), "layer | notation")
    assert "9, 4 positions fire" in first and "1" in second
    done = run(tmp_path / "new")
    assert done.returncode == 0 and "PASS" in done.stdout, done.stdout + done.stderr


def test_a_network_trained_anew_fits_the_old_design(tmp_path, capsys):
    """With loaded leaks the VHDL of two networks is the same, and the old one runs the new one's load and images."""
    need("vhdl")
    for name, leaks in (("old", "0.5"), ("new", "0.3,0.9")):
        (tmp_path / name).mkdir()
        flags = f"--epochs 1 --steps 2 --beta {leaks} --seed {len(leaks)}"
        model = quantised_model(tmp_path / name, "3C3-MP4-10", flags, "--weight-bits 5 --membrane-bits 16")
        for out, more in (("built in", []), ("loaded", ["--load-beta"])):
            assert main(["vhdl", str(model), *FLAGS, "--out", str(tmp_path / name / out), *more]) == 0
    old, new = (contents(tmp_path / name / "loaded") for name in ("old", "new"))
    assert old["net.f"] == new["net.f"]
    assert all(old[name] == new[name] for name in old["net.f"].decode().split())
    built_in = [contents(tmp_path / name / "built in") for name in ("old", "new")]
    assert any(text != built_in[1].get(name) for name, text in built_in[0].items() if name.endswith(".vhd"))
    words = re.findall("design ([0-9A-F]{8})", capsys.readouterr().out)
    assert words[1] == words[3] and len(set(words)) == 3
    assert "loaded/256 down" in new["README.md"].decode() and "leak, in units of 1/256 of layer 2" in " ".join(
        new["README.md"].decode().split()
    )
    for name in ("load.txt", "images.txt", "expected.txt"):
        assert old[name] != new[name] or name == "images.txt"
        (tmp_path / "old/loaded" / name).write_bytes(new[name])
    done = run(tmp_path / "old/loaded")
    assert done.returncode == 0 and "PASS" in done.stdout, done.stdout + done.stderr


def table(text, head):
    """Return the rows of a table in the manual, without its head."""
    lines = text[text.index(f"| {head} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def signed(value, width):
    return value - (1 << width) if value >> width - 1 else value


def place(spec, index):
    """Return (word, lowest bit) of a weight, as the manual describes them in words."""
    *inputs, out = index
    k, groups, lane = spec.kernel, -(-spec.out_channels // spec.lanes), out % spec.lanes
    if spec.flat:
        (word,) = inputs
    else:
        row, column, channel = inputs
        word, tap = {
            1: ((channel * k + row) * k + column, 0),
            k: (channel * k + row, -column % k),
            k * k: (channel, (-row % k) * k + -column % k),
        }[spec.taps]
        lane += tap * spec.lanes
    return word * groups + out // spec.lanes, lane * spec.weight_bits


@pytest.mark.parametrize("name", ["vhdl", "verilog", "row", "all"])
def test_the_manual_maps_each_block_to_its_file_its_python_and_a_lesson(folders, name):
    """The heads of the delivered files say the same."""
    files = {name: content.decode() for name, content in contents(folders / name).items()}
    rows = table(files["README.md"], "blocks | files")
    assert len(rows) <= 34
    listed = {}  # (block, Python) of each file that the table names; "a to b (n files)" names two of n
    hidden = 0
    for blocks, names, python, lesson in rows:
        assert lesson.strip("`") == LESSONS[python.strip("`")]
        hidden += sum(int(count) - 2 for count in re.findall(r"\((\d+) files\)", names))
        for file in re.findall(r"`([^`]+)`", names):
            listed[file] = python.strip("`"), set(re.findall(r"`(\w+)`", blocks))
    heads = {}
    for file in files["net.f"].split():
        if not file.startswith("pck_"):
            block, python = re.search(r"^(?:--|//) From block (\w+) of ([\w/]+\.py)", files[file], re.M).groups()
            heads[file] = python, block
    assert len(heads) == len(listed) + hidden
    assert all(python == heads[file][0] and heads[file][1] in blocks for file, (python, blocks) in listed.items())
    assert {python for python, _ in heads.values()} == {python for python, _ in listed.values()}
    assert {block for _, block in heads.values()} == set().union(*(blocks for _, blocks in listed.values()))


def test_a_lesson_explains_each_file_with_blocks():
    """Each is named in its lesson; a manual's section with all of them has at most 41 lines."""
    with_blocks = {
        f"hw/{path.relative_to(ROOT / 'hw').as_posix()}"
        for path in [*(ROOT / "hw").glob("*.py"), *(ROOT / "hw/parts").glob("*.py")]
        if re.search("^@block$", path.read_text(encoding="utf-8"), re.M)
    }
    assert set(LESSONS) == with_blocks
    for python, lesson in LESSONS.items():
        text = (ROOT / lesson).read_text(encoding="utf-8")
        assert re.search(rf"^#.*`{Path(python).stem}`", text, re.M), f"{lesson} does not name {python}"
    section = MANUAL.partition("## Blocks\n")[2].partition("## Resources")[0]
    others = len(section.replace("@BLOCKS@", "").strip().splitlines())
    assert 2 + others + 1 + 2 + len(LESSONS) <= 41  # heading, text, a blank line, head of the table, rows


@pytest.mark.parametrize("name, taps", [("vhdl", 1), ("row", 3), ("all", 9)])
def test_the_manual_locates_weights_and_memories(model, folders, name, taps):
    """Weights are read back from load.txt at the places in the manual; memories exist in the VHDL."""
    integer = load(model)
    spec = specify(integer.network, (2, 4), load_bits=12, taps=(taps, 1))
    files = {name: content.decode() for name, content in contents(folders / name).items()}
    beats = [int(line.split()[1], 16) for line in files["load.txt"].splitlines()]
    load_packet = sum(beat << 12 * at for at, beat in enumerate(beats))
    sections = table(files["README.md"], "section | contents")
    assert int(sections[-1][-1]) == len(beats) - 1
    rows = table(files["README.md"], "layer | weight")
    assert len(rows) > 8
    for number, weight, value, section, at_word, low, beat, at_bit in rows:
        width = spec.layers[int(number) - 1].weight_bits
        index = tuple(map(int, weight[2:-1].split(",")))
        bits = load_packet >> 12 * int(beat) + int(at_bit) & (1 << width) - 1
        assert signed(bits, width) == int(value) == integer.network.layers[int(number) - 1].w[index]
        beats_of_word, first_beat = int(sections[int(section)][4]), int(sections[int(section)][5])
        assert 12 * (first_beat + int(at_word) * beats_of_word) + int(low) == 12 * int(beat) + int(at_bit)
        assert place(spec.layers[int(number) - 1], index) == (int(at_word), int(low))
    memories = table(files["README.md"], "signal in the design")
    stored = {"spike_buffer": "two banks", "weight_memory": "weights", "bias_memory": "biases", "answer": "scores"}
    for part, held in stored.items():
        signals = [row[0] for row in memories if part in row[0]]
        assert signals and signals == [row[0] for row in memories if held in row[1]]
    for name, _, count, words, width, total in memories:
        assert int(count) * int(words) * int(width) == int(total.replace(",", ""))
        instances = re.sub(r"\(\*\)", "", name.strip("`")).split(".")[:-1]
        for instance in instances:
            assert any(re.search(rf"\b{instance}: (for|entity work\.\w+$)", text, re.M) for text in files.values()), (
                name
            )
        rams = [text for file, text in files.items() if file.startswith("ram")]
        assert name.endswith(".words`") and all("type t_array_words is array(0 to " in text for text in rams)


def is_true(rows, log):
    """The diagram's signals are like that in some cycles of a log; words are not looked at."""
    count = len(next(iter(rows.values())))
    return any(
        all(
            log[start + at][name] == value
            for name, values in rows.items()
            if not name.endswith("tdata")
            for at, value in enumerate(values)
        )
        for start in range(len(log) - count + 1)
    )


def renamed(rows, prefix):
    """A diagram with the names of a block's own ports."""
    return {name.removeprefix(prefix): values for name, values in rows.items()}


def log_of(make, inputs, outputs, drive):
    names = getattr(make, "names", {})
    short = {long: name for name, long in names.items()}

    def renamed_drive(cycle, seen):
        given = drive(cycle, {short.get(name, name): value for name, value in seen.items()})
        return {names.get(name, name): value for name, value in given.items()}

    given, seen = simulate.run(make, *full(make, lambda: (inputs, outputs)), renamed_drive, 5000)
    return [{short.get(name, name): value for name, value in (now | then).items()} for now, then in zip(given, seen)]


def script(rows):
    """Return a drive that gives inputs cycle by cycle."""

    def drive(cycle, seen):
        if cycle == len(rows):
            raise StopIteration
        return rows[cycle]

    return drive


def test_the_diagram_of_the_load_is_true():
    """A load of three beats, twice; the second as in the diagram."""
    beats = [{"tvalid": 1, "idle": 1}, *[{"tvalid": 1, "idle": 1}] * 3, {"tvalid": 1, "tlast": 1}]
    again = [
        {"tvalid": valid, "tlast": last, "idle": 1} for valid, last in zip(LOAD["s_load_tvalid"], LOAD["s_load_tlast"])
    ]
    inputs = {name: bit() for name in ("rst", "idle", "refused", "tvalid", "tlast")} | {"tdata": word(8)}
    single = ("wanted", "loaded", "error", "begins", "summed", "tready", "write")
    outputs = {name: bit() for name in single} | {"section": word(1), "address": word(1), "data": word(8)}
    make = plain(partial(loader, words=(1, 2), beats=(1, 1)), stream=Stream, writer=LoadWriter)
    log = log_of(make, inputs, outputs, script([{"rst": 1}, {}, *beats, {}, *again, {}]))
    assert is_true(renamed(LOAD, "s_load_"), log)


def test_the_diagram_of_the_input_is_true():
    """Frames of four words; no bank is free for two cycles."""
    rows = [
        {"tvalid": valid, "tlast": last, "free": at not in (3, 4), "allowed": 1, "frames": 1}
        for at, (valid, last) in enumerate(zip(INPUT["s_input_tvalid"], INPUT["s_input_tlast"]))
    ]
    begin = {"tvalid": 1, "free": 1, "allowed": 1, "frames": 1}
    inputs = {name: bit() for name in ("rst", "allowed", "wanted", "tvalid", "tlast", "free", "early")} | {
        "image": word(2),
        "frames": word(2),
        "tdata": word(8),
    }
    single = ("tready", "claim", "last", "write", "done", "begins", "counts", "spoils", "under_way", "error")
    outputs = {name: bit() for name in single} | {"write_address": below(4), "write_data": word(8)}
    writer = (FrameWriter, {"address": "write_address", "data": "write_data"})
    make = plain(partial(stream_in, words=4), stream=Stream, writer=writer, decided=Decided)
    log = log_of(make, inputs, outputs, script([{"rst": 1}, begin, begin, *rows]))
    assert is_true(renamed(INPUT, "s_input_"), log)
    assert not any(cycle["error"] for cycle in log)


def test_the_diagram_of_the_answer_is_true(model):
    """The last score but one waits for two cycles before it is taken."""
    integer = load(model)
    spec = specify(integer.network, (3, 5), load_bits=64)
    inputs, _ = next(integer.run(load_data("digits").x_test[:1]))
    waited = []

    def takes(cycle):
        waited.extend([cycle] * (len(host.beats) == 8))
        return len(host.beats) != 8 or len(waited) not in (2, 3)

    host = Host(spec, load_words(integer.network, spec, integer.num_steps), [image_words(inputs, 0, spec)], takes=takes)
    log = log_of(design(spec), *ports(spec, False), host)
    log.append({**log[-1], "m_output_tvalid": 0, "m_output_tlast": 0, "m_output_tready": 1})  # the host has gone
    assert is_true(OUTPUT, log)
    assert not is_true(OUTPUT | {"m_output_tlast": OUTPUT["m_output_tvalid"]}, log)


FEW = LayerSpec(
    lanes=2,
    in_height=4,
    in_width=4,
    in_channels=1,
    in_lanes=1,
    input_bits=0,
    flat=False,
    kernel=3,
    padding=1,
    out_height=4,
    out_width=4,
    out_channels=3,
    pool=2,
    weight_bits=4,
    bias_bits=10,
    membrane_bits=10,
    guard=1,
    beta=3,
    frac=2,
    reset="subtract",
    towards_zero=False,
)
SOME_BLOCKS = {
    "neuron": (
        partial(lif, beta=3, frac=2, reset="subtract", towards_zero=False),
        lambda: (
            {"fires": word(3), "v": signal(12), "addend": signal(8), "threshold": word(11), "clear": bit()},
            {"spike": bit(), "membrane": word(12), "kept": signal(12)},
        ),
    ),
    "scanner": (
        plain(partial(spike_scanner, height=8, width=8, channels=4, flat=False), scan=Scan),
        lambda: (
            {"rst": bit(), "start": bit(), "read_data": word(4), "ready": bit()},
            {
                "busy": bit(),
                "read": bit(),
                "read_address": word(6),
                "follows": bit(),
                "present": bit(),
                "valid": bit(),
                "y": word(3),
                "x": word(3),
                "channel": word(2),
                "index": word(2),
            },
        ),
    ),
    "one_layer": (
        plain(partial(layer, num_steps=None, beta=FEW.beta, spec=FEW, probed=True), **BUNDLES),
        lambda: (
            {
                "rst": bit(),
                "threshold": word(9),
                "filled": bit(),
                "frame_last": bit(),
                "early": bit(),
                "image": word(2),
                "read_data": word(1),
                "free": bit(),
                "load_weight": bit(),
                "load_bias": bit(),
                "load_address": word(5),
                "weight_data": word(8),
                "bias_data": word(20),
            },
            {
                "read": bit(),
                "read_address": word(4),
                "give_back": bit(),
                "claim": bit(),
                "last": bit(),
                "word_valid": bit(),
                "word_address": word(3),
                "word": word(2),
                "done": bit(),
                "cleared": bit(),
                "fired": bit(),
                "fired_address": word(5),
                "spikes": word(2),
                "membranes": word(20),
                "events": word(4),
            },
        ),
    ),
    "pooled": (
        maxpool,
        lambda: (
            {"valid": bit(), "first": bit(), "last": bit(), "spikes": word(4)},
            {"word_valid": bit(), "word": word(4)},
        ),
    ),
}


@pytest.mark.parametrize("hdl", HDLS)
@pytest.mark.parametrize("name", SOME_BLOCKS)
def test_blocks_convert_one_by_one(tmp_path, hdl, name):
    """Two conversions give the same bytes, and the tool accepts them."""
    make, make_ports = SOME_BLOCKS[name]
    texts = []
    for _ in range(2):
        inputs, outputs = full(make, make_ports)
        block = unelaborated(make, clk=bit(), **inputs, **outputs)
        files = convert(block, tmp_path, name, hdl, "One\nmore", name != "scanner")
        texts.append([file.read_bytes() for file in files])
    assert texts[0] == texts[1] and files[-1] == tmp_path / f"{name}{SUFFIX[hdl]}"
    mark = {"vhdl": "--", "verilog": "//"}[hdl]
    function = block.func.__name__
    text = files[-1].read_text()
    assert text.startswith(f"{mark} {name}: ") and f"\n{mark} One\n{mark} more\n" in text
    assert f"\n{mark} From block {function} of hw/{function}.py" in text
    need(hdl)
    command = ["ghdl", "-a", "--std=08"] if hdl == "vhdl" else ["iverilog", "-g2005", "-o", "design.vvp", "-s", name]
    subprocess.run([*command, *files], cwd=tmp_path, check=True, capture_output=True)


def test_the_examples_of_convert_run():
    result = doctest.testmod(convert_module)
    assert result.failed == 0 and result.attempted >= 6


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--hdl", "c"], "hdl must be vhdl or verilog"),
        (["--name", "2nd"], "must be an identifier"),
        (["--name", "entity"], "must be an identifier"),
        (["--name", "../x"], "must be an identifier"),
        (["--name", "IEEE"], "'IEEE' already has a meaning in the generated files"),
        (["--name", "pck_myhdl_011"], "already has a meaning in the generated files"),
        (["--lanes", "1/11"], "its lanes must be 1 to 10, got 11"),
        (["--lanes", "1"], "lanes must be one number for each"),
        (["--max-steps", "1"], "--max-steps must be at least 2, the steps of the network, got 1"),
        (["--max-steps", "70000"], "--max-steps must be"),
        (["--load-bits", "7"], "--load-bits must be"),
        (["--load-beta", "17"], "--load-beta must be a whole number from 0 to 16, got 17"),
        (["--load-beta", "0"], "--load-beta must be at least 1, the fraction bits of the leak 1/2 of layer 1, got 0"),
        (["--out", "missing/folder"], "missing/folder"),
        (["--dataset", "no.npz"], "no.npz"),
    ],
)
def test_bad_input(model, tmp_path, monkeypatch, capsys, flags, words):
    monkeypatch.chdir(tmp_path)
    assert main(["vhdl", str(model), "--out", "d", *flags]) == 2
    output = capsys.readouterr().err
    assert words in output and len(output.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_foreign_files_are_kept(folders, model, tmp_path, capsys):
    """A folder with other files, or with a changed file of a delivery, is refused and left alone."""
    out = tmp_path / "d"
    (out / "inner").mkdir(parents=True)
    assert main(["vhdl", str(model), *FLAGS, "--out", str(out)]) == 2
    assert "holds inner" in capsys.readouterr().err and [path.name for path in out.iterdir()] == ["inner"]
    (out / "inner").rmdir()
    files = {name: content.decode() for name, content in contents(folders / "vhdl").items()}
    write(out, files)  # empty: taken
    write(out, {"run.sh": "other", "SHA256SUMS": ""})  # ours: replaced
    assert {path.name for path in out.iterdir()} == {"run.sh", "SHA256SUMS"}
    write(tmp_path / "e", files)
    (tmp_path / "e" / "load.txt").write_text("mine")
    before = contents(tmp_path / "e")
    with pytest.raises(FileExistsError, match="load.txt"):
        write(tmp_path / "e", files)
    assert contents(tmp_path / "e") == before
    (tmp_path / "f").write_text("a file")
    assert main(["vhdl", str(model), *FLAGS, "--out", str(tmp_path / "f")]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"d", "e", "f"}


@pytest.mark.parametrize("delivered", [True, False])
def test_reports_are_replaced_with_the_delivery(folders, tmp_path, delivered):
    """Reports of minisnn synth, written before or after, belong to a delivery until somebody changes them."""
    out, files = tmp_path / "d", {name: content.decode() for name, content in contents(folders / "vhdl").items()}
    reports = {"report.json": "{}\n", "report.md": "# R\n"}
    out.mkdir()
    if delivered:
        write(out, files)
    for name, text in with_sums(out, reports).items():
        (out / name).write_text(text)
    assert set(contents(out)) == {*reports, "SHA256SUMS", *(files if delivered else ())}
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=out, check=True)
    before = contents(out)
    (out / "report.md").write_text("mine")
    with pytest.raises(FileExistsError, match="holds report.md"):
        write(out, files)
    (out / "report.md").write_bytes(before["report.md"])
    write(out, files)  # they describe another design
    assert contents(out) == contents(folders / "vhdl")


def test_no_report_beside_another_design(model, folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tools, "need", lambda *names: names)
    capsys.readouterr()
    assert main(["synth", str(model), "--lanes", "3/4", "--out", str(folders / "vhdl")]) == 2  # it has 2/4
    output = capsys.readouterr().err
    assert output.count("\n") == 1 and "holds the design of another network, or of other lanes" in output
    integers = load(model)
    for lanes, taps, name in (((2, 4), 1, "vhdl"), ((2, 4), 3, "row"), ((2, 4), 9, "all"), ((3, 4), 1, "new")):
        check_report(folders / name, integers, specify(integers.network, lanes, taps=(taps, 1)))
    with pytest.raises(FileExistsError):
        check_report(folders / "row", integers, specify(integers.network, (2, 4)))


def test_wrapped_lines_begin_no_list():
    """Markdown would turn a line that begins with an operator into an item of a list."""
    for length in range(100, 125):
        paragraph = "x" * length + " " + "w[a, b] * c + d - e " * 20
        lines = wrapped(paragraph).splitlines()
        assert len(lines) > 3 and max(map(len, lines)) <= 125
        assert " ".join(lines) == paragraph.strip()
        assert not any(re.match(r"[*+-] ", line) for line in lines)


def test_the_manual_states_the_range_of_cycles(model, folders):
    """The range over 200 images equals the predictions for single images."""
    integers, images = load(model), load_data("digits").x_test[:200]
    latencies = [int(predict(Stimulus.of_images(integers, image[None]), (2, 4)).latency[0]) for image in images]
    text = " ".join((folders / "vhdl/README.md").read_text().split())
    assert f"first 200 images of the test set take {min(latencies):,} to {max(latencies):,} cycles," in text


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["disk full", "ctrl-c"])
def test_a_failed_write_leaves_what_was_there(folders, tmp_path, monkeypatch, error):
    files = {name: content.decode() for name, content in contents(folders / "vhdl").items()}
    write(tmp_path / "d", files)
    replace, calls = os.replace, []

    def fails_once(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails_once)
    with pytest.raises(type(error)):
        write(tmp_path / "d", files)
    assert {name: content.decode() for name, content in contents(tmp_path / "d").items()} == files
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
