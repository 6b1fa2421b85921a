"""Commands that are killed without warning: a process that has imported everything forks one child for each command."""

import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from pathlib import Path

from embed import Study
from embed.study.clusterings import latest_clusters
from embed.study.reports import latest_reports

PRELOADED = "ingest fetch scan simulate embed cluster update watch name guide novel onset project scorecard audit train evaluate predict export generator generate detector check"
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


def serve():
    """Read a command a line, run it in a forked child, kill it after a while if that is asked for, and answer with a line."""
    import importlib

    for name in PRELOADED.split():
        importlib.import_module(f"discovery.commands.{name}")
    from discovery.cli import main

    answers = os.fdopen(os.dup(1), "w")
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        order = json.loads(line)
        start = time.monotonic()
        children = [_fork(main, command, order, log) for command, log in order["commands"]]
        codes = [_wait(child, start, order["after"]) for child in children]
        answers.write(json.dumps({"codes": codes, "seconds": time.monotonic() - start}) + "\n")
        answers.flush()


def _fork(main, command, order, log):
    child = os.fork()
    if child:
        return child
    with open(log, "w") as file:  # noqa: PTH123 - plain descriptors
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if order["limit"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"],) * 2)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writes = _Writes(order["strike"]) if order["strike"] is not None else None
    if order["nobody"]:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    code = 99
    try:
        code = main(command)
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001 - reported as an exit code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if writes is not None:
            _writes_beside(log).write_text(str(writes.done))
        os._exit(code)


class _Writes:
    """Counts what a process does to files and database, and kills it just before one of these writes is done.

    Counted are the files that are opened for writing, renamed and removed, the folders that are made and removed, and the beginnings and
    ends of transactions.
    """

    def __init__(self, strike):
        self.done, self._strike = 0, strike
        self._connect, sqlite3.connect = sqlite3.connect, self._connected
        sys.addaudithook(self._hear)

    def _hear(self, event, arguments):
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | os.PathLike) and flags & (os.O_WRONLY | os.O_RDWR) and str(path) != os.devnull:
                self._write()
        elif event in _CHANGES:
            self._write()

    def _connected(self, *arguments, **options):
        connection = self._connect(*arguments, **options)
        connection.set_trace_callback(lambda line: line.startswith(("BEGIN", "COMMIT")) and self._write())
        return connection

    def _write(self):
        self.done += 1
        if self.done == self._strike:
            os.kill(os.getpid(), signal.SIGKILL)


def _writes_beside(log):
    return Path(log).with_suffix(".writes")


def _wait(child, start, after):
    """Wait for a child, and kill it `after` seconds from the start; returns its exit code, None where it was killed."""
    while after is not None and time.monotonic() - start < after:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    if after is not None:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None if code == -signal.SIGKILL else code


class Driver:
    """Runs commands in children of one process that has everything imported."""

    def __init__(self, folder):
        self.log = folder / "log.txt"
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import sys; from support.attack import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | {
                "OMP_NUM_THREADS": "1",
                "SOURCE_DATE_EPOCH": "1700000000",
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            },
        )
        assert self._process.stdout.readline() == "ready\n"

    def run(self, command, after=None, **other):
        """Run a command line, killed after `after` seconds or at the write number `strike`; returns exit code (None when killed), seconds, output."""
        ((code, output),), seconds = self.together([command], after, **other)
        return code, seconds, output

    def together(self, commands, after=None, *, strike=None, limit=0, nobody=False):
        """Run command lines at once; `limit` is the largest file in bytes, `nobody` a user who may write nothing of ours.

        A `strike` of 0 counts the writes of a command and kills nothing: `writes` then says how many the first one did.
        """
        logs = [self.log.with_name(f"log-{place}.txt") for place in range(len(commands))]
        lines = [([str(part) for part in command], str(log)) for command, log in zip(commands, logs, strict=True)]
        order = {"commands": lines, "after": after, "strike": strike, "limit": limit, "nobody": nobody}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        outputs = [log.read_text("utf-8", "replace") for log in logs]
        return list(zip(answer["codes"], outputs, strict=True)), answer["seconds"]

    @property
    def writes(self):
        """What the first of the commands that ran last did to files and database, counted."""
        return int(_writes_beside(self.log.with_name("log-0.txt")).read_text())

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def is_clear(code, output):
    """Whether a command ended well or with one clear line."""
    errors = [line for line in output.splitlines() if "error:" in line]
    return code == 0 or (code == 2 and len(errors) == 1 and "Traceback" not in output)


_RUN = re.compile(rb"\b(run|runs) \d+")


def state_of(folder):
    """Everything under a folder that a command decides: files, and what the database says.

    The log of runs and their numbers are left out, and temporary files, which the next run that writes to a study removes.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not re.search(
            r"(^|/)(logs/.*|study\.db.*|\.lock|study\.sums\.json|log.*\.txt|\..*\.tmp)$", name
        ):
            files[name] = _RUN.sub(rb"run N", path.read_bytes())
    for database in sorted(folder.rglob("study.db")):
        files[f"{database.parent.name}: rows"] = _rows(database.parent)
    return files


def differences(one, other):
    """What differs between two outputs of `state_of`."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _rows(folder):
    with Study(folder, generated=True) as study:
        execute = study.connection.execute
        tables = {name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        rows = {}
        for table in sorted(tables - {"runs", "clusters", "reports", "sqlite_sequence"}):
            columns = [row[1] for row in execute(f"PRAGMA table_info({table})")]
            columns = [
                name for name in columns if "run" not in name and name != "modified"
            ]  # times of change of pictures
            found = execute(f"SELECT {', '.join(columns) or '1'} FROM {table}").fetchall()
            rows[table] = [re.sub(r"\b(run|runs) \d+", "run N", repr(row)) for row in found]
        rows["clusters"] = latest_clusters(study)[["cluster", "probability"]].to_csv()
        rows["reports"] = sorted((report.title, str(report.path), report.answer) for report in latest_reports(study))
        rows["integrity"] = (
            execute("PRAGMA integrity_check").fetchall() + execute("PRAGMA foreign_key_check").fetchall()
        )
    return rows
