"""Drivers forked by one process that has imported what they need: half of a start is imports.

`python -m benchmarks.soak.nursery FD` is that process, and `Nursery` asks it. What is forked is a
driver as any other: in a session of its own, with workers that it spawns.
"""

import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import NoReturn

REAP_SECONDS = 0.02  # between two looks for drivers that have ended


class Nursery:
    """Forks drivers, and hears of their ends. A context manager."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.soak.nursery", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        theirs.close()
        self._file = self._socket.makefile("r")
        self._codes: dict[int, int] = {}
        self._begun: list[int] = []
        self._heard = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def fork(self, plan: Path, folder: Path, output: int, terminal: bool, ray: str = "") -> int:
        """A driver whose output goes to that file descriptor; returns its process id."""
        asked = json.dumps(
            {"plan": str(plan), "folder": str(folder), "terminal": terminal, "ray": ray}
        )
        socket.send_fds(self._socket, [asked.encode()], [output])
        with self._heard:
            assert self._heard.wait_for(lambda: self._begun, 60), "the nursery is gone"
            return self._begun.pop()

    def code(self, pid: int) -> int | None:
        """The exit code of a driver, negative for a signal; none while it lives."""
        with self._heard:
            return self._codes.get(pid)

    def _listen(self) -> None:
        for line in self._file:
            kind, pid, code = line.split()
            with self._heard:
                if kind == "begun":
                    self._codes.pop(int(pid), None)  # of another one, long ago
                    self._begun.append(int(pid))
                else:
                    self._codes[int(pid)] = int(code)
                self._heard.notify_all()

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # its end of file
        self._process.wait(10)
        self._file.close()
        self._socket.close()


def main(fd: int) -> None:
    """Fork on request, until nobody can ask any more."""
    importlib.import_module("workbench.runs.sweep")  # not above: workers import this file
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=fd) as asking:
        while True:
            if select.select([asking], [], [], REAP_SECONDS)[0]:
                text, files, _, _ = socket.recv_fds(asking, 65536, 1)
                if not text:
                    return
                pid = os.fork()
                if pid == 0:
                    asking.close()
                    _drive(files[0], **json.loads(text))
                os.close(files[0])
                asking.sendall(f"begun {pid} 0\n".encode())
            _reap(asking)


def _reap(asking: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        asking.sendall(f"ended {pid} {os.waitstatus_to_exitcode(status)}\n".encode())


def _drive(output: int, plan: str, folder: str, terminal: bool, ray: str) -> NoReturn:
    """Be a driver, as if started by a command."""
    from benchmarks.soak import driver

    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a soak under nohup has it ignored
        os.setsid()
        for number in (0, 1, 2) if terminal else (1, 2):
            os.dup2(output, number)
        os.close(output)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        code = driver.main(Path(plan), Path(folder), ray)
    except KeyboardInterrupt:  # before its first line, or after its last
        code = 130
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:  # its terminal is gone
            pass
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
