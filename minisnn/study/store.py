"""Where a sweep keeps its results: one SQLite file, in which what is written stays, whatever is killed.

Tables: ``points`` (what was asked, and what came out: nothing else, so that equal sweeps have equal tables), ``models``
(the trained float models), ``times`` (how long, when, on what machine) and ``claims`` (which process works on which
training); ``notes`` say what the points are for. ``results`` is a view of the points, with a column for each of
the main numbers.

The file is in WAL mode and must be on a local disk: SQLite's locks do not hold on network file systems.
"""

import json
import os
import platform
import socket
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError
from ..files import atomic_write

APPLICATION_ID = 0x736E6E31  # "snn1": tells our files from other SQLite files
VERSION = 1
STALE = 60  # seconds without a sign of life after which another process may take a claim over

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
    json_extract(point, '$.hardware.lanes') AS lanes, json_extract(point, '$.hardware.wide') AS wide,
    json_extract(result, '$.validation.accuracy') AS validation_accuracy,
    json_extract(result, '$.test.accuracy') AS accuracy,
    json_extract(result, '$.test.accuracy_float') AS accuracy_float,
    json_extract(result, '$.validation.latency') AS validation_latency,
    json_extract(result, '$.test.latency') AS latency, json_extract(result, '$.test.interval') AS interval,
    json_extract(result, '$.test.firing_rates') AS firing_rates
    FROM points;
"""


class Store:
    """An open file of results.

    Parameters
    ----------
    path : str or Path
        It is made if it is not there.
    create : bool, default True
        False: it must be there.

    Raises
    ------
    InputError
        If it cannot be opened, is no such file, or is of another version.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = Store(Path(folder.name) / "study.sqlite")
    >>> store.claim("t1")  # no other process computes this training
    True
    >>> store.save("t1", b"model", [("k1", {"bits": 8}, "done", "", {"accuracy": 0.9}, 1.5),
    ...                             ("k2", {"bits": 99}, "failed", "too many bits", {}, 0.5)])
    >>> store.rows()[0]["result"]["accuracy"], store.status(), store.model("t1")
    (0.9, {'k1': 'done', 'k2': 'failed'}, b'model')
    >>> store.seconds()
    {'k1': 1.5, 'k2': 0.5}

    What failed is forgotten, to be computed again:

    >>> store.forget(["k1", "k2"], failed_alone=True)
    >>> list(store.status())
    ['k1']

    Two processes share the file, each at a training of its own, and say that they are alive:

    >>> with Store(store.path) as other:
    ...     other.claim("t2"), store.claim("t2")
    (True, False)
    >>> store.claim("t2")  # the other gave it back when it closed
    True
    >>> store.beat()
    >>> store.release("t2")

    Notes are for what the points are for; a file is for one thing:

    >>> store.note("plan", {"dataset": "digits"})
    >>> store.noted("plan"), store.noted("pitfalls")
    ({'dataset': 'digits'}, None)
    >>> store.note("plan", {"dataset": "mnist"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minisnn.errors.InputError: ...study.sqlite has another plan; name a new file

    A copy to show around has the results, and no models:

    >>> store.copy_without_models(Path(folder.name) / "copy.sqlite")
    >>> with Store(Path(folder.name) / "copy.sqlite", create=False) as copy:
    ...     copy.status(), copy.model("t1")
    ({'k1': 'done'}, None)
    >>> store.close()
    >>> folder.cleanup()
    """

    def __init__(self, path, create=True):
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise InputError(f"{path} is not there; name the file that minisnn sweep wrote")
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        try:
            # isolation_level=None: every statement stands alone, and transactions are written out
            self._db = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            self._prepare()
        except sqlite3.Error as error:
            raise InputError(
                f"cannot use {path} ({error}); name a file that minisnn sweep wrote, or a new one in a "
                "folder that exists"
            ) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Give back all claims, and close the file."""
        self._db.execute("DELETE FROM claims WHERE owner = ?", (self.owner,))
        self._db.close()

    def _prepare(self):
        (found,) = self._db.execute("PRAGMA application_id").fetchone()
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if found not in (0, APPLICATION_ID) or (tables and found == 0):
            raise InputError(f"{self.path} is a SQLite file of something else; name a new file")
        self._db.execute("PRAGMA journal_mode = WAL")
        with self._transaction():
            if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in TABLES.split(";\n")[:-1]:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise InputError(
                f"{self.path} has version {version}, this minisnn reads version {VERSION}; use the "
                "version of minisnn that wrote it, or name a new file"
            )

    @contextmanager
    def _transaction(self):
        self._db.execute("BEGIN IMMEDIATE")  # not deferred: a lock that is taken late could be refused midway
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def status(self):
        """How far points are.

        Returns
        -------
        status : dict of str
            "done" or "failed", by key, of all points in the file.
        """
        return dict(self._db.execute("SELECT key, status FROM points"))

    def model(self, training):
        """The model of a training.

        Parameters
        ----------
        training : str
            Of :func:`minisnn.study.point.training_key`.

        Returns
        -------
        file : bytes or None
            Of its model file; None if it is not here.
        """
        found = self._db.execute("SELECT file FROM models WHERE training = ?", (training,)).fetchone()
        return found and found[0]

    def rows(self):
        """All points, as dicts of ``key, training, point, status, reason, result``, in the order of their settings."""
        rows = self._db.execute("SELECT key, training, point, status, reason, result FROM points ORDER BY point")
        names = [column for column, *_ in rows.description]
        found = [dict(zip(names, row)) for row in rows]
        return [row | {name: json.loads(row[name]) for name in ("point", "result")} for row in found]

    def note(self, name, value):
        """Remember a plain value.

        Parameters
        ----------
        name : str
        value : dict, list or other plain value

        Raises
        ------
        InputError
            If another is remembered under the name.
        """
        self._db.execute("INSERT OR IGNORE INTO notes VALUES (?, ?)", (name, canonical(value)))
        if self.noted(name) != json.loads(canonical(value)):
            raise InputError(f"{self.path} has another {name}; name a new file")

    def noted(self, name):
        """What is remembered, or None."""
        found = self._db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return found and json.loads(found[0])

    def copy_without_models(self, path):
        """Write a copy that is small enough to be shown around.

        A sweep goes on with it, and trains where it must.

        Parameters
        ----------
        path : str or Path
        """
        with atomic_write(path) as file:
            copy = sqlite3.connect(":memory:")
            self._db.backup(copy)
            copy.executescript("PRAGMA journal_mode = MEMORY; DELETE FROM models; DELETE FROM claims; VACUUM;")
            content = bytearray(copy.serialize())
            content[18:20] = b"\x01\x01"  # not in WAL mode: it is one file, until it is opened to be written
            file.write(content)
            copy.close()

    def seconds(self):
        """{key: seconds} of the last time that each point was computed; shares of its training included."""
        return dict(self._db.execute("SELECT key, seconds FROM times ORDER BY rowid"))

    def forget(self, keys, failed_alone):
        """Delete rows, or of these those that failed; models stay.

        Parameters
        ----------
        keys : list of str
        failed_alone : bool
        """
        with self._transaction():
            for key in keys:
                self._db.execute("DELETE FROM points WHERE key = ?" + " AND status = 'failed'" * failed_alone, (key,))

    def save(self, training, model, rows):
        """Write what one job found, all or nothing, and give its claim back.

        Parameters
        ----------
        training : str
        model : bytes or None
            Its model file; None if there is none, or it is here already.
        rows : list of (key, point, status, reason, result, seconds)
            Those that are here already stay: a result follows from its settings, so they are the same.
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

    def claim(self, training):
        """Ask for a training.

        Parameters
        ----------
        training : str

        Returns
        -------
        ours : bool
            Whether this process may compute it now: no other process that lives is at it.
        """
        with self._transaction():
            held = self._db.execute("SELECT owner, beat FROM claims WHERE training = ?", (training,)).fetchone()
            if held and held[0] != self.owner and not _gone(*held):
                return False
            self._db.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", (training, self.owner, time.time()))
        return True

    def release(self, training):
        """Give a claim back."""
        self._db.execute("DELETE FROM claims WHERE training = ? AND owner = ?", (training, self.owner))

    def beat(self):
        """A sign of life: our claims stay ours."""
        self._db.execute("UPDATE claims SET beat = ? WHERE owner = ?", (time.time(), self.owner))


def canonical(value):
    """JSON in one way only, so that equal values are equal texts.

    Parameters
    ----------
    value : dict, list or other plain value

    Returns
    -------
    text : str

    Raises
    ------
    ValueError
        For a number that JSON does not know, such as NaN, which would not equal itself.

    Examples
    --------
    >>> canonical({"b": 1, "a": (2, 3)}) == canonical({"a": [2, 3], "b": 1})
    True
    """
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _gone(owner, beat):
    """Whether the process behind a claim is no more, or has not been heard of for too long."""
    host, pid, _ = owner.rsplit(":", 2)
    if abs(time.time() - beat) > STALE:
        return True
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
