"""The file of a plan or a study: what it says, and where, so that an error can point at it."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InputError
from workbench.plain_yaml import MOST_TEXT, Place, Written, read_yaml


@dataclass(frozen=True)
class Document:
    """A file that was read."""

    path: Path
    written: Written

    @property
    def data(self) -> object:
        """What it says."""
        return self.written.data

    @contextmanager
    def located(self, elsewhere: Collection[str] = ()) -> Iterator[None]:
        """Errors within name the file, and line and column of the key that they are about.

        Without those where the key is not in the file, or is in `elsewhere`: set on a command line.
        """
        try:
            yield
        except InputError as error:
            above = (error.key, *_above(error.key))
            place = None if any(key in elsewhere for key in above) else self._place(error)
            raise _in_file(error, self.path, place) from None

    def _place(self, error: InputError) -> Place | None:
        if error.row:
            return self._place_in_row(error)
        if found := self._at(error, error.key):
            return found
        return self._nearest(error.key) or (
            self.written.keys.get("") if error.about == "missing" else None
        )

    def _nearest(self, key: str) -> Place | None:
        """Of what the key would stand in."""
        keys = self.written.keys
        return next((keys[each] for each in _above(key) if each in keys), None)

    def _place_in_row(self, error: InputError) -> Place | None:
        """In the row; else in what all rows begin with; else the row itself."""
        rows, toggles = self._rows(error.row), self._toggles()
        homes = (*(f"{row}.set." for row in rows), *(f"{row}." for row in rows), *toggles)
        keys = [f"{home}{error.key}" for home in (*homes, "set.", "")] if error.key else []
        own = (*rows, f"toggles.{error.row.removeprefix('without ')}", "factor")
        found = (*(self._at(error, key) for key in keys), *map(self.written.keys.get, own))
        return next(filter(None, found), None)

    def _at(self, error: InputError, key: str) -> Place | None:
        keys, values = self.written.keys, self.written.values
        if error.about == "key":
            return keys.get(key)
        of_stage = values.get(f"{key}.{error.stage}")
        return of_stage or values.get(key) or keys.get(key)

    def _rows(self, name: str) -> tuple[str, ...]:
        """The keys of the rows of that name; the last comes first, for names may stand twice."""
        rows = self.data.get("rows") if isinstance(self.data, dict) else None
        named = [
            f"rows.{index}"
            for index, row in enumerate(rows if isinstance(rows, list) else ())
            if isinstance(row, Mapping) and row.get("name") == name
        ]
        return tuple(reversed(named))

    def _toggles(self) -> tuple[str, ...]:
        toggles = self.data.get("toggles") if isinstance(self.data, dict) else None
        return tuple(f"toggles.{name}." for name in toggles) if isinstance(toggles, dict) else ()


def _above(key: str) -> Iterator[str]:
    """`a.b`, `a` of `a.b.c`."""
    while "." in key:
        key = key.rpartition(".")[0]
        yield key


def _in_file(error: InputError, path: Path, place: Place | None) -> InputError:
    known = error.place or (str(place) if place else "")
    return error.but(place=f"{path}: {known}" if known else str(path))


def read_document(path: Path) -> Document:
    """The file at `path`. Raises `InputError`, with line and column where it does not parse."""
    try:
        with path.open("rb") as file:
            text = file.read(4 * MOST_TEXT + 1).decode()
        return Document(path, read_yaml(text))
    except InputError as error:
        raise _in_file(error, path, None) from None
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror}", place=str(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 text: byte {error.start} is {error.object[error.start]:#x}",
            place=str(path),
        ) from None
