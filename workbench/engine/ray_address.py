"""The address of a Ray cluster: as it was given, or as one is found."""

import os
import socket
from pathlib import Path

from workbench.errors import InputError

ANSWER_SECONDS = 5.0  # seconds that an address has to answer in


def find(address: str | None) -> str | None:
    """HOST:PORT of a cluster that answers; None where one is to be started here.

    Raises `InputError` for an address that is none, or where nobody answers.
    """
    if address == "local":
        return None
    named = address if address != "auto" else None
    named = named or os.environ.get("RAY_ADDRESS") or None
    if named in ("auto", "local"):  # in the variable
        named = None
    if named is not None:
        _check_answers(named)
        return named
    started = _started_here()
    if started is None and address == "auto":
        raise InputError("ray address: 'auto' finds no cluster here; start one: ray start --head")
    return started


def _started_here() -> str | None:
    """The cluster that `ray start` began on this machine, if it is still there."""
    place = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    try:
        address = (Path(place) / "ray" / "ray_current_cluster").read_text().strip()
        _check_answers(address)
    except (OSError, InputError):  # none, or it was killed without taking its file along
        return None
    return address


def _check_answers(address: str) -> None:
    """Ray itself would try for a minute, and say so in twenty lines."""
    host, _, port = address.rpartition(":")
    if "//" in address or not host or not port.isdecimal():
        raise InputError(
            f"ray address: {address!r} is refused: give HOST:PORT of the cluster, as `ray start` "
            "prints it, auto or local"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"ray address: {address} does not answer: {reason}") from None
