"""Peak memory of `minisnn train` on many images: python -m tests.benchmarks.many_images [--images 70000].

Random bytes in the size of SVHN, from an uncompressed file; a tiny network, one epoch, and the test at the end. The
peak is that of the whole process, imports included.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

BAR = 700  # MB for 70,000 images, of which the images themselves are 215
TRAIN = "--topology 2C3-MP4-10 --epochs 1 --steps 2 --batch-size 64 --figure none"
BLOCK = 1000  # images that are drawn at a time: this process stays small, since the other begins as its copy


def write(path, count):
    """Write `count` images of 32x32x3 bytes and their labels, in 10 classes."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("X.npy", "w", force_zip64=True) as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, 32, 32, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, count, BLOCK):
                file.write(rng.bytes(min(BLOCK, count - start) * 32 * 32 * 3))
        with archive.open("y.npy", "w") as file:
            np.lib.format.write_array(file, rng.integers(0, 10, count))


def peak(path, folder):
    """MB that the process of the command takes at its highest (Linux: ru_maxrss is in kB)."""
    command = [sys.executable, "-m", "minisnn", "train", "--dataset", path, *TRAIN.split(), "--out", folder / "m.npz"]
    process = subprocess.Popen([*map(str, command)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("the training failed")
    return usage.ru_maxrss / 1000


def main():
    """Train, and print the peak."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.many_images", description=__doc__)
    parser.add_argument("--images", type=int, default=70_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npz"
        write(path, args.images)
        measured = peak(path, Path(folder))
    print(f"\npeak memory {measured:.0f} MB for {args.images * 32 * 32 * 3 / 1e6:.0f} MB of images (bar {BAR} MB)")


if __name__ == "__main__":
    main()
