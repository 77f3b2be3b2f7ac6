"""Modules of the user's own, which register components; named by plans and commands.

A module is named as in an import statement, and is looked for beside the plan, in the folder that
the command runs in, and among what is installed. Naming it runs its code, as `import` does.
"""

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from workbench.config import Frozen
from workbench.errors import InputError, nearest

NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
STAMP = "__workbench_sha256__"  # set on a module: the code that it was loaded from


class Imported(Frozen):
    """A module that a plan imports, and the SHA-256 of its source."""

    name: str
    sha256: str


def import_modules(names: Iterable[str], folder: Path | None = None) -> tuple[Imported, ...]:
    """Import `names`, each once, and again where its code changed since.

    `folder` is that of the plan; a folder in which a module is found stays on `sys.path`, behind
    the rest, where the worker processes find it too. Raises `InputError` for a name that is none,
    a module that is not there, is shadowed by another one, or fails while it is imported.
    """
    folders = tuple(dict.fromkeys(place.resolve() for place in (folder or Path(), Path())))
    return tuple(_import(name, folders) for name in dict.fromkeys(names))


def _import(name: str, folders: Sequence[Path]) -> Imported:
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is refused: name a module as in an import statement, my_mixer", key="import"
        )
    source = _find(name, folders)
    stamp = _digest(source)
    loaded = sys.modules.get(name)
    if loaded is None or getattr(loaded, STAMP, None) != stamp:
        setattr(_run(name, loaded), STAMP, stamp)
    return Imported(name=name, sha256=stamp)


def _find(name: str, folders: Sequence[Path]) -> Path:
    """The source of module `name`. The folder that it is found in is put on the path."""
    first, *inner = name.split(".")
    home = next((place for place in folders if _holds(place, first)), None)
    if home and str(home) not in sys.path:
        sys.path.append(str(home))
    importlib.invalidate_caches()
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a parent that is not there, or is no package
        spec = None
    if spec is None or spec.origin is None:
        raise InputError(f"no module {name!r}: {_looked_for(name, folders)}", key="import")
    source = Path(spec.origin)
    if home and not source.resolve().is_relative_to(home):
        mine = (home / first).joinpath(*inner)
        raise InputError(f"{name!r} is {source}, not {mine}; give yours another name", key="import")
    return source


def _looked_for(name: str, folders: Sequence[Path]) -> str:
    """Where a module was looked for, and a near one, or how to write one."""
    file = f"{name.replace('.', '/')}.py"
    places = " or ".join(str(place) for place in folders)
    near = nearest(name, (path.stem for place in folders for path in place.glob("*.py")))
    hint = near if near.startswith("nearest") else "to write one, see docs/your_component.md"
    return f"{file} is not in {places}, nor is one installed; {hint}"


def _holds(folder: Path, module: str) -> bool:
    return (folder / f"{module}.py").is_file() or (folder / module / "__init__.py").is_file()


def _digest(source: Path) -> str:
    """Of a module's file; of a package, of all its Python files."""
    package = source.name == "__init__.py"
    files = sorted(source.parent.rglob("*.py")) if package else [source]
    whole = hashlib.sha256()
    for file in files if source.is_file() else ():  # built-in modules have no file
        whole.update(file.relative_to(source.parent).as_posix().encode() + b"\0")
        whole.update(file.read_bytes() + b"\0")
    return whole.hexdigest()


def _run(name: str, loaded: ModuleType | None) -> ModuleType:
    try:
        return importlib.reload(loaded) if loaded else importlib.import_module(name)
    except InputError as error:
        raise InputError(f"{name}: {error}", key="import") from None
    except Exception as error:  # the user's code may raise anything
        text = " ".join(str(error).split())
        raise InputError(
            f"{name}: {type(error).__name__}: {text}{_line(error)}", key="import"
        ) from None


def _line(error: Exception) -> str:
    """Where in the user's module an error was raised."""
    trace, place = error.__traceback__, ""
    while trace:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith("<frozen") and code.co_filename != __file__:
            place = f" ({Path(code.co_filename).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place
