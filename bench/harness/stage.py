"""What every program here does around its measurement: options, a folder, signals, an end; and where results go."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from .postgres import Cluster
from .processes import Failure, Processes

BENCH = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
RESULTS = BENCH / "results"


def say(text):
    print(text, file=sys.stderr, flush=True)


def setting(text):
    """NAME=VALUE, as an option's type."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def numbers(text):
    """1,2,4 as an option's type."""
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 1,2,4") from None
    if min(values) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: each is at least 1")
    return values


def program(text):
    """A program's path, as an option's type."""
    path = pathlib.Path(text)
    if not os.access(path, os.X_OK) or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not an executable (cargo build --locked --release)")
    return path.resolve()


def target():
    """Where cargo puts what it builds for the service."""
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


def require(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise Failure(f"not found on PATH: {', '.join(missing)} (bench/README.md says what is needed)")


def write(path, result):
    """Numbers need no more than six digits, and lines of a list belong together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(result), indent=1) + "\n")


def rounded(value):
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return value


def interrupt(number, _):
    raise Failure("ran longer than it may (--max-minutes)") if number == signal.SIGALRM else KeyboardInterrupt


def perform(name, run, *, pinned=False, minutes=45, keep=False):
    """Runs `run(folder, processes)` and cleans up whatever becomes of it; returns the program's exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, interrupt)
    signal.setitimer(signal.ITIMER_REAL, minutes * 60)
    processes = Processes(pinned)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-"))
    folder.chmod(0o755)
    started = time.monotonic()
    try:
        status = run(folder, processes)
    except Failure as failure:
        say(f"{name}: {failure}")
        status = 3
    except KeyboardInterrupt:
        say(f"{name}: interrupted")
        status = 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        processes.stop_all()
        if keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    say(f"took {time.monotonic() - started:.0f} s")
    return status


class Place:
    """Where contestants live: a folder, processes, a cluster of PostgreSQL."""

    def __init__(self, folder, processes, fsync=False):
        self.folder, self.processes = folder, processes
        say("starting PostgreSQL")
        self.cluster = Cluster(processes, folder, fsync=fsync)
        self.cluster.start()
