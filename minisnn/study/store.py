"""The file of a sweep's results: SQLite, so that what is written survives any kill.

Tables: ``points`` (settings and results only, so that equal sweeps have equal tables), ``models`` (trained float
models), ``times`` (how long each point took, when, and on which machine), ``claims`` (which process works on which
training) and ``notes`` (what the points are for). The view ``results`` has a column for each of the main numbers.

The file is in WAL mode and must be on a local disk: SQLite's locks do not work on network file systems.
"""

import json
import os
import platform
import socket
import sqlite3
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import atomic_write
from .form import fault_of_row

APPLICATION_ID = 0x736E6E31  # "snn1": marks our files among other SQLite files
VERSION = 1
STALE = 60  # seconds without a heartbeat after which another process may take a claim over

TABLES = """
CREATE TABLE points (key TEXT PRIMARY KEY, training TEXT NOT NULL, point TEXT NOT NULL, status TEXT NOT NULL,
                     reason TEXT NOT NULL, result TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE models (training TEXT PRIMARY KEY, file BLOB NOT NULL);
CREATE TABLE times (key TEXT NOT NULL, seconds REAL NOT NULL, ended TEXT NOT NULL, machine TEXT NOT NULL);
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE claims (training TEXT PRIMARY KEY, owner TEXT NOT NULL, beat REAL NOT NULL);
CREATE VIEW results AS SELECT key, status, reason,
    json_extract(point, '$.data.name') AS dataset, json_extract(point, '$.network.topology') AS topology,
    json_extract(point, '$.network.surrogate') AS surrogate, json_extract(point, '$.network.beta') AS beta,
    json_extract(point, '$.network.threshold') AS threshold, json_extract(point, '$.network.reset') AS reset,
    json_extract(point, '$.training.num_steps') AS num_steps, json_extract(point, '$.training.loss') AS loss,
    json_extract(point, '$.training.rate_penalty') AS rate_penalty, json_extract(point, '$.training.epochs') AS epochs,
    json_extract(point, '$.training.seed') AS seed, json_extract(point, '$.integers.weight_bits') AS weight_bits,
    json_extract(point, '$.hardware.lanes') AS lanes, json_extract(point, '$.hardware.taps') AS taps,
    json_extract(result, '$.validation.accuracy') AS validation_accuracy,
    json_extract(result, '$.test.accuracy') AS accuracy,
    json_extract(result, '$.test.accuracy_float') AS accuracy_float,
    json_extract(result, '$.validation.latency') AS validation_latency,
    json_extract(result, '$.test.latency') AS latency, json_extract(result, '$.test.interval') AS interval,
    json_extract(result, '$.test.firing_rates') AS firing_rates
    FROM points;
"""


def in_a_line(error: Exception) -> str:
    """Return the message of an error in one line: SQLite quotes what it cannot read, line by line."""
    return " ".join(str(error).split())


def is_sqlite(path: str | Path) -> bool:
    """Return whether a file begins as those of SQLite do, which would turn an empty file into one."""
    with open(path, "rb") as file:
        return file.read(16) == b"SQLite format 3\0"


class Store:
    """An open file of results, created if it does not exist, or, with `read_only`, left exactly as it is.

    Raise InputError if it cannot be opened, is another kind of file, or has another version; such a file is closed, and
    stays as it is.
    """

    def __init__(self, path: str | Path, read_only: bool = False):
        self.path, self.read_only = Path(path), read_only
        if read_only and not self.path.is_file():
            raise InputError(f"{path} does not exist; name a file that minisnn sweep or minisnn reproduce wrote")
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        try:
            # Not mode=ro, which would leave SQLite's -wal and -shm files beside a file in WAL mode.
            address = f"{self.path.resolve().as_uri()}?mode={'rw' if read_only else 'rwc'}"
            # isolation_level=None: statements commit at once, except in explicit transactions
            self._db = sqlite3.connect(address, timeout=60, isolation_level=None, uri=True)
            self._check_or_close()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise InputError(
                f"cannot use {path} ({in_a_line(error)}); name a file that minisnn sweep wrote, or a new file in a "
                "folder that exists and that you may write to"
            ) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """Release all claims of this process, and close the file."""
        if not self.read_only:
            with suppress(sqlite3.Error):  # in a damaged file; elsewhere claims that stay go stale
                self._db.execute("DELETE FROM claims WHERE owner = ?", (self.owner,))
        self._db.close()

    def _check_or_close(self):
        """Check what kind of file this is, and make it ready for writing; close it if anything goes wrong."""
        try:
            self._check_kind()
            if self.read_only:
                self._db.execute("PRAGMA query_only = ON")
            else:
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _check_kind(self):
        """Raise InputError if this is not a file of results of this version; an empty one may become one."""
        application, version, tables = self._db.execute(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) "
            "FROM pragma_application_id, pragma_user_version"
        ).fetchone()
        if (application, tables) == (0, 0) and not self.read_only:
            return
        if application != APPLICATION_ID:
            raise InputError(f"{self.path} is a SQLite file of another program; name a new file")
        if version != VERSION:
            raise InputError(
                f"{self.path} has format version {version}, but this minisnn reads version {VERSION}; use the "
                "minisnn that wrote it, or name a new file"
            )

    def _prepare(self):
        """Make the tables if there are none, and let others read while this process writes."""
        self._db.execute("PRAGMA journal_mode = WAL")
        with self._transaction():
            if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in TABLES.split(";\n")[:-1]:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self):
        self._db.execute("BEGIN IMMEDIATE")  # not deferred: a lock requested later could be refused midway
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:  # after a full disk SQLite has rolled back by itself
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise InputError(
                    f"cannot write {self.path} ({in_a_line(error)}); make room there, and repeat the same command "
                    "to continue"
                ) from error
            raise

    def status(self) -> dict[str, str]:
        """Return "done" or "failed" of every point in the file, by key."""
        return dict(self._cells("SELECT key, status FROM points"))

    def model(self, training: str) -> bytes | None:
        """Return the model file of a training, or None if it is not in the file."""
        row = self._db.execute("SELECT file FROM models WHERE training = ?", (training,)).fetchone()
        return row and row[0]

    def rows(self) -> list[dict]:
        """Return all points, in the order of their settings: dicts of key, training, point, status, reason, result."""
        names = ("key", "training", "point", "status", "reason", "result")
        cells = self._cells(f"SELECT {', '.join(names)} FROM points ORDER BY point")
        return [self._row(dict(zip(names, values))) for values in cells]

    def _cells(self, query, values=()):
        """Return all rows of a query; a file whose tables are missing or damaged is an InputError."""
        try:
            return self._db.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise InputError(
                f"{self.path} is damaged ({in_a_line(error)}); restore it, or run the study again"
            ) from error

    def _row(self, row):
        """Return a row of the points with its JSON read; raise InputError if it is damaged."""
        row = row | {name: self._json(row[name], f"{name} of point {row['key']}") for name in ("point", "result")}
        wrong = "" if row["status"] in ("done", "failed") else "status"
        wrong = wrong or ("" if isinstance(row["reason"], str) else "reason") or fault_of_row(row)
        if wrong:
            raise InputError(f"{self.path} is damaged: point {row['key']} has no usable {wrong}; run the study again")
        return row

    def _json(self, text, what):
        try:
            return json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"{self.path} is damaged: {what} is not JSON; run the study again") from error

    def note(self, name: str, value: Any) -> None:
        """Store a plain value under a name; raise InputError if the name has another value."""
        self._db.execute("INSERT OR IGNORE INTO notes VALUES (?, ?)", (name, canonical(value)))
        if self.noted(name) != json.loads(canonical(value)):
            raise InputError(f"{self.path} has another {name}; name a new file")

    def noted(self, name: str) -> Any:
        """Return the value stored under a name, or None."""
        rows = self._cells("SELECT value FROM notes WHERE name = ?", (name,))
        return self._json(rows[0][0], f"note {name}") if rows else None

    def copy_without_models(self, path: str | Path) -> None:
        """Write a copy without the trained models, small enough to share; a sweep that continues it trains again.

        Raise InputError if the copy would replace this file, whose models would be lost, or one of another kind.
        """
        if Path(path).exists() and self.path.samefile(path):
            raise InputError(f"{path} is the study itself, and its copy would lack the models; name another file")
        if Path(path).is_file() and not is_sqlite(path):
            raise InputError(f"{path} exists and is no file of results; name another file, or delete this one")
        copy = sqlite3.connect(":memory:")
        self._db.backup(copy)
        copy.executescript("PRAGMA journal_mode = MEMORY; DELETE FROM models; DELETE FROM claims; VACUUM;")
        content = bytearray(copy.serialize())
        copy.close()
        content[18:20] = b"\x01\x01"  # not in WAL mode: a single file until it is opened for writing
        atomic_write(path, bytes(content))

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each point's last computation, by key, its share of the training included."""
        seconds = dict(self._cells("SELECT key, seconds FROM times ORDER BY rowid"))
        if not all(isinstance(value, (int, float)) for value in seconds.values()):
            raise InputError(f"{self.path} is damaged: the times of its points are not numbers; run the study again")
        return seconds

    def forget(self, keys: list[str], failed_alone: bool) -> None:
        """Delete the rows of these points, or only the failed ones among them; models stay."""
        condition = " AND status = 'failed'" if failed_alone else ""
        with self._transaction():
            for key in keys:
                self._db.execute("DELETE FROM points WHERE key = ?" + condition, (key,))

    def save(self, training: str, model: bytes | None, rows: list[tuple]) -> None:
        """Write the results of one job, all or nothing, and release its claim.

        `model` is a new model file, or None. Each row is (key, point, status, reason, result, seconds). Rows that
        exist stay: results follow from the settings, so they are equal.
        """
        ended = time.strftime("%Y-%m-%dT%H:%M:%S")
        with self._transaction():
            if model is not None:
                self._db.execute("INSERT OR IGNORE INTO models VALUES (?, ?)", (training, model))
            for key, point, status, reason, result, seconds in rows:
                self._db.execute(
                    "INSERT OR IGNORE INTO points VALUES (?, ?, ?, ?, ?, ?)",
                    (key, training, canonical(point), status, reason, canonical(result)),
                )
                self._db.execute("INSERT INTO times VALUES (?, ?, ?, ?)", (key, seconds, ended, platform.node()))
            self._db.execute("DELETE FROM claims WHERE training = ? AND owner = ?", (training, self.owner))

    def claim(self, training: str) -> bool:
        """Claim a training for this process; return False if another live process has claimed it."""
        with self._transaction():
            held = self._db.execute("SELECT owner, beat FROM claims WHERE training = ?", (training,)).fetchone()
            if held and held[0] != self.owner and not _gone(*held):
                return False
            self._db.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", (training, self.owner, time.time()))
        return True

    def release(self, training: str) -> None:
        """Release this process's claim."""
        with self._transaction():
            self._db.execute("DELETE FROM claims WHERE training = ? AND owner = ?", (training, self.owner))

    def beat(self) -> None:
        """Send a heartbeat, so that this process keeps its claims."""
        with self._transaction():
            self._db.execute("UPDATE claims SET beat = ? WHERE owner = ?", (time.time(), self.owner))


def canonical(value: Any) -> str:
    """Return the JSON of a plain value in its only form, so that equal values have equal texts.

    Raise ValueError for numbers that JSON does not have, such as NaN.
    """
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _gone(owner, beat):
    """Return True if the owner of a claim has ended, or has sent no heartbeat for too long."""
    host, pid, _ = owner.rsplit(":", 2)
    if abs(time.time() - beat) > STALE:
        return True
    if host != socket.gethostname() or sys.platform == "win32":  # there os.kill would end the process
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
