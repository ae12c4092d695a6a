"""Downloads from a server on this machine: complete, resumed, broken off, wrong, and killed at known points."""

import hashlib
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from minisnn.data import download, sources
from minisnn.data.load import load
from minisnn.errors import InputError

ROOT = Path(__file__).parents[2]
CONTENT = np.random.default_rng(0).integers(0, 256, 400_000).astype(np.uint8).tobytes()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server:
    """A server of CONTENT, slow, failing or without ranges as its attributes say."""

    def __init__(self):
        self.ranges, self.delay, self.break_after, self.status, self.seen = True, 0.0, None, None, []
        self.hold_at = None  # the byte from which on nothing is sent until this is None again
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/file.bin"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, request):
        wanted = request.headers.get("Range")
        self.seen.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if self.status or start >= len(CONTENT):
            return request.send_error(self.status or 416)
        request.send_response(206 if wanted and self.ranges else 200)
        request.send_header("Content-Length", str(len(CONTENT) - start))
        request.end_headers()
        end = len(CONTENT) if self.break_after is None else min(start + self.break_after, len(CONTENT))
        try:
            if self.hold_at is not None:
                request.wfile.write(CONTENT[start : self.hold_at])
                while self.hold_at is not None:
                    time.sleep(0.01)
                return
            for i in range(start, end, 8192):
                request.wfile.write(CONTENT[i : min(i + 8192, end)])
                time.sleep(self.delay)
        except OSError:
            pass  # the client was killed


@pytest.fixture
def server():
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def fetch_in_a_process(server, path):
    """Begin to fetch in another process, and return it."""
    code = (
        "from pathlib import Path\nfrom minisnn.data.download import fetch\n"
        f"fetch({server.url!r}, Path({str(path)!r}), {MD5!r})"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)


def test_download(server, tmp_path):
    path = tmp_path / "new" / "file.bin"
    download.fetch(server.url, path, MD5)
    assert path.read_bytes() == CONTENT
    download.fetch(server.url, path, MD5)  # the file exists: the server is not asked again
    assert server.seen == [None] and [p.name for p in path.parent.iterdir()] == ["file.bin"]


def test_a_short_download_writes_nothing_to_a_log(server, tmp_path, capfd):
    """The bar is that of the other commands: without a terminal, a line every half minute."""
    download.fetch(server.url, tmp_path / "file.bin", MD5, progress=True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ranges", [True, False])
def test_download_resumes_where_it_broke_off(server, tmp_path, ranges):
    server.ranges, server.break_after = ranges, 100_000
    path = tmp_path / "file.bin"
    with pytest.raises(InputError, match="broke off"):
        download.fetch(server.url, path, MD5)
    assert not path.exists()
    half = (tmp_path / "file.bin.part").stat().st_size
    assert 0 < half < len(CONTENT)
    server.break_after = None
    download.fetch(server.url, path, MD5)
    assert path.read_bytes() == CONTENT and server.seen[-1] == f"bytes={half}-"


@pytest.mark.parametrize("part", [b"another version" * 1000, CONTENT + b"too long", CONTENT])
def test_a_part_that_is_wrong_or_complete(server, tmp_path, part):
    (tmp_path / "file.bin.part").write_bytes(part)
    download.fetch(server.url, tmp_path / "file.bin", MD5)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_wrong_digest(server, tmp_path):
    with pytest.raises(InputError, match="does not have the published digest"):
        download.fetch(server.url, tmp_path / "file.bin", "0" * 32)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("status, words", [(404, "Not Found"), (500, "Internal Server Error")])
def test_server_refuses(server, tmp_path, status, words):
    server.status = status
    with pytest.raises(InputError, match=words) as error:
        download.fetch(server.url, tmp_path / "file.bin", MD5)
    assert server.url in str(error.value) and "\n" not in str(error.value)
    assert str(error.value).index("--data DIR") < 100  # before the address and the path


def test_no_server(tmp_path):
    with pytest.raises(InputError, match="cannot download"):
        download.fetch("http://127.0.0.1:9/file.bin", tmp_path / "file.bin", MD5)


def test_silent_server_times_out(server, tmp_path):
    server.delay = 5
    with pytest.raises(InputError, match="cannot download"):
        download.fetch(server.url, tmp_path / "file.bin", MD5, timeout=0.3)


def test_folder_that_cannot_be_created(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot download"):
        download.fetch(server.url, tmp_path / "file" / "file.bin", MD5)


def test_missing_files_are_downloaded_to_the_cache(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    digests = {"train_32x32.mat": MD5, "test_32x32.mat": MD5}
    source = sources.Source(server.url.removesuffix("file.bin"), digests)
    monkeypatch.setitem(sources.SOURCES, "svhn", source)
    with pytest.raises(InputError, match="not a complete MATLAB 5 file"):  # the right bytes, but no images
        load("svhn")
    assert (tmp_path / "minisnn" / "svhn" / "train_32x32.mat").read_bytes() == CONTENT
    with pytest.raises(InputError, match="test_32x32.mat is missing"):
        (tmp_path / "train_32x32.mat").write_bytes(b"")
        sources.Files("svhn", tmp_path).find("test_32x32.mat")  # a given folder: no download


def test_four_processes_fetch_one_file(server, tmp_path):
    """They share one transfer, although the second begins in the midst of the first."""
    server.delay = 0.005
    path = tmp_path / "new" / "file.bin"
    processes = [fetch_in_a_process(server, path) for _ in range(4)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 4
    assert path.read_bytes() == CONTENT and server.seen == [None]
    assert [p.name for p in path.parent.iterdir()] == ["file.bin"]


def test_kill_9_at_any_point(server, tmp_path):
    """Kill downloads at known points: no partial file gets the final name, and the next run resumes where one ended."""
    path, part, size, ranges = tmp_path / "file.bin", tmp_path / "file.bin.part", 0, []
    for sent in (0, 10_000, 70_000, 200_000, 330_000, len(CONTENT) - 1):
        server.hold_at = sent
        process = fetch_in_a_process(server, path)
        ranges.append(f"bytes={size}-" if size else None)
        size += (sent - size) // download.CHUNK * download.CHUNK  # whole chunks are written as they come
        while len(server.seen) < len(ranges) or (part.stat().st_size if part.exists() else 0) < size:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert part.read_bytes() == CONTENT[:size] if size else not part.exists() or not part.stat().st_size
        assert server.seen == ranges and not path.exists()
    server.hold_at = None
    download.fetch(server.url, path, MD5)
    assert path.read_bytes() == CONTENT and server.seen[-1] == f"bytes={size}-"
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]
