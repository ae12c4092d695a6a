#!/usr/bin/env python3
"""Talk to the accelerator on a board: load a network, send images, and print the answers.

Needs Python and pyserial (pip install pyserial), and nothing of minisnn. Frames are as in RFC 1055 (SLIP). The first
byte of a frame says what it is. To the board: L a load, I an image, R the address of a register to read, W an address
and 4 bytes to write, S to get into step. From the board: A an answer, R a value, S in step, K another 512 bytes were
taken from its queue.
"""

import argparse
import errno
import json
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

END, ESC = b"\xc0", b"\xdb"
ESC_END, ESC_ESC = b"\xdb\xdc", b"\xdb\xdd"
WINDOW, CREDIT = 2048, 512  # bytes that may be under way, and that each K confirms
DESIGN, STATUS, CONTROL = 0x04, 0x08, 0x0C  # addresses of registers
LOADED, LOAD_ERROR, FLUSHING = 1 << 0, 1 << 1, 1 << 6  # bits of STATUS
FLUSH, CLEAR = 1, 2  # bits of CONTROL
LONGEST = 4096  # bytes of a frame from the board, and more


# Why a port cannot be opened.
WHY = {
    errno.ENOENT: "there is no such port; python -m serial.tools.list_ports lists those that there are",
    errno.EACCES: "you may not use it; on Linux, join the group that owns it, often dialout, and log in again",
    errno.EAGAIN: "another program uses it",
    errno.EBUSY: "another program uses it",
}


class BoardError(Exception):
    """The board does not answer, or holds another design; the message says what to do."""


def pyserial() -> Any:
    """Return the package for serial lines; raise BoardError if it is not installed."""
    try:
        import serial
    except ImportError:
        raise BoardError("a serial line needs pyserial: pip install pyserial") from None
    return serial


def encode(frame: bytes) -> bytes:
    """Return a frame as it goes over the line."""
    return frame.replace(ESC, ESC_ESC).replace(END, ESC_END) + END


def decode(line: bytes) -> bytes:
    """Return the frame of what came over the line before an END."""
    return line.replace(ESC_END, END).replace(ESC_ESC, ESC)


class Board:
    """An accelerator at the other end of a serial line.

    Parameters
    ----------
    port : str
        Such as /dev/ttyUSB0.
    baud : int
        Bits a second.
    timeout : float
        Seconds without a byte after which the board counts as silent.
    """

    def __init__(self, port: str, baud: int = 115200, timeout: float = 5):
        options = {"timeout": timeout, "write_timeout": timeout, "exclusive": True}
        try:
            self.line = pyserial().Serial(port, baud, **options)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            number = getattr(error, "errno", None)
            why = WHY[number] if number in WHY else f"{error}; name the serial port of a board"
            raise BoardError(f"cannot open {port}: {why}") from None
        self.port, self.timeout, self.rest = port, timeout, b""
        self.frames: deque[bytes] = deque()  # that were not asked for yet
        self.sent = self.confirmed = 0
        try:
            self.line.reset_input_buffer()
            self._get_into_step()
        except OSError as error:
            self.close()
            raise BoardError(f"{port} takes no bytes: {error}") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the line."""
        self.line.close()

    def read(self, address: int) -> int:
        """Return the value of a register."""
        self._send(b"R" + bytes([address]))
        return int.from_bytes(self._wait_for(b"R"), "little")

    def write(self, address: int, value: int) -> None:
        """Write a register."""
        self._send(b"W" + bytes([address]) + value.to_bytes(4, "little"))

    def flush(self) -> None:
        """Drop the images under way, and forget errors; what is loaded is kept."""
        self.write(CONTROL, FLUSH | CLEAR)
        while self.read(STATUS) & FLUSHING:
            pass
        self.frames.clear()

    def load(self, data: bytes) -> None:
        """Load a network; raise BoardError if the accelerator refuses it."""
        self._send(b"L" + data)
        while not (status := self.read(STATUS)) & (LOADED | LOAD_ERROR):
            pass
        if not status & LOADED:
            raise BoardError("the board refuses the load: it is damaged, or made for another design")

    def answers(self, images: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the answer to each image; images are sent as fast as the board takes them."""
        waiting = 0
        for image in images:
            self._send(b"I" + image)
            waiting += 1
            while self.frames:
                yield self._wait_for(b"A")
                waiting -= 1
        for _ in range(waiting):
            yield self._wait_for(b"A")

    def _get_into_step(self):
        """End what another program left incomplete, and count the bytes under way anew."""
        for trial in range(3):  # a board that was configured just now may have missed the first one
            self.line.write(END + encode(b"S"))
            end = time.monotonic() + self.timeout
            try:
                while self._next_frame() != b"S":
                    if time.monotonic() > end:
                        raise BoardError(self._rubbish())
                break
            except BoardError:
                if trial == 2:
                    raise
        self.sent = self.confirmed = 0
        self.frames.clear()

    def _send(self, frame):
        """Send a frame, no more of it at once than the board's queue has room for."""
        data = encode(frame)
        while data:
            while self.sent - self.confirmed >= WINDOW:
                self._take(self._next_frame())
            part = data[: WINDOW - (self.sent - self.confirmed)]
            self.line.write(part)
            self.sent += len(part)
            data = data[len(part) :]
            while self.line.in_waiting:
                self._take(self._next_frame())

    def _wait_for(self, kind):
        """Return the rest of the next frame of this kind; others wait."""
        while True:
            for at, frame in enumerate(self.frames):
                if frame[:1] == kind:
                    del self.frames[at]
                    return frame[1:]
            self._take(self._next_frame())

    def _take(self, frame):
        if frame == b"K":
            self.confirmed += CREDIT
        elif frame[:1] in (b"A", b"R", b"S"):
            self.frames.append(frame)
        else:
            raise BoardError(self._rubbish())

    def _rubbish(self):
        return (
            f"what comes from {self.port} is no answer of the board; check the port, its bits a second, and the design"
        )

    def _next_frame(self):
        while END not in self.rest:
            if len(self.rest) > LONGEST:
                raise BoardError(self._rubbish())
            more = self.line.read(max(self.line.in_waiting, 1))
            if not more:
                raise BoardError(
                    f"the board has not answered for {self.timeout:g} s; is it configured, and is this its port?"
                )
            self.rest += more
        frame, _, self.rest = self.rest.partition(END)
        return decode(frame)


def numbers(answer: bytes, size: int) -> list[int]:
    """Return the words of an answer: a score for each class, the class, and the clock cycles."""
    return [value for (value,) in struct.iter_unpack("<i" if size == 4 else "<q", answer)]


def run(board: Board, about: dict[str, Any], say: Callable[[str], object], images: int | None = None) -> int:
    """Load the network, send images, say each answer, and return how many are not those of the integers.

    `about` is what vectors.json holds.
    """
    found = board.read(DESIGN)
    if found != about["design"]:
        raise BoardError(
            f"the board holds the design {found:08X} and this network needs {about['design']:08X}; "
            "build its bitstream and configure the board with it"
        )
    board.flush()
    load, sent = bytes.fromhex(about["load"]), [bytes.fromhex(image) for image in about["images"]][:images]
    say(f"sending the network, {len(load):,} bytes")
    began = time.perf_counter()
    board.load(load)
    seconds = time.perf_counter() - began
    say(f"loaded in {seconds:.2f} s; sending {len(sent)} images")
    began, wrong, cycles = time.perf_counter(), 0, []
    for number, answer in enumerate(board.answers(sent)):
        expected, label = about["answers"][number], about["labels"][number]
        if len(answer) != about["answer_bytes"] * (len(expected) + 1):
            raise BoardError(f"the answer to image {number} has {len(answer)} bytes: the line loses some of them")
        *words, count = numbers(answer, about["answer_bytes"])
        same = words == expected
        wrong += not same
        cycles.append(count)
        differs = "" if same else f"; the integers say {expected[-1]}, scores {expected[:-1]}"
        say(f"image {number}: class {words[-1]} (label {label}), {count:,} cycles{differs}")
    seconds = time.perf_counter() - began
    say(f"{len(cycles)} images, {wrong} different from the integers; {len(cycles) / seconds:,.1f} images a second")
    of = cost(about, sent)
    say(f"an image: {of['bytes_there']:,.1f} bytes there, {of['bytes_back']} back")
    say(
        f"at {about['baud']:,} bits a second and {about['clock'] / 1e6:g} MHz: {of['line_cycles']:,.0f} cycles on the "
        f"line, {of['computing_cycles']:,.0f} computing"
    )
    return wrong


def cost(about: dict[str, Any], images: list[bytes]) -> dict[str, float]:
    """Return what an image costs on average: its bytes on the line, in cycles too, and the cycles of computing."""
    there = sum(len(encode(b"I" + image)) for image in images) / len(images)
    back = about["answer_bytes"] * (len(about["answers"][0]) + 1) + 2  # without escapes
    return {
        "bytes_there": there,
        "bytes_back": back,
        "line_cycles": 10 * max(there, back) * about["clock"] / about["baud"],  # both directions pass at once
        "computing_cycles": sum(about["cycles"][: len(images)]) / len(images),
    }


def main() -> int:
    """Run the program; return 0 if all answers are those of the integers."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", help="serial port, such as /dev/ttyUSB0")
    parser.add_argument(
        "--images", type=int, metavar="N", help="send the first N images (default: all in vectors.json)"
    )
    args = parser.parse_args()
    about = json.loads((here / "vectors.json").read_text(encoding="utf-8"))

    def say(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    try:
        board = Board(args.port, about["baud"])
        wrong = run(board, about, say, args.images)
        board.close()
    except (BoardError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
