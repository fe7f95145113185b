"""Installs pywb and ReplayWeb.page, pinned, beside our own environment: `make install-replay`.

`python -m storage.replay.outside.install`. What is there already stays.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.errors import Exit, TinHuyenError, UsageError
from storage.output import console, errors

SETTING = "TINHUYEN_REPLAY_TOOLS"
PINS = Path(__file__).with_name("pins.txt")
REPLAYWEBPAGE = "replaywebpage@2.5.3"
REPLAYWEBPAGE_SHA512 = (
    "nCj2PSON3BxeSJKE8AsYPyULv0XPZKJWfy4l9PyQre9SqwLZ+WKZVs/sfLqPOQ4GrH+0YkjbwOhr8cSTH08gsQ=="
)
_TAKEN = ("ui.js", "sw.js", "LICENSE", "package.json")
_STAMP = "installed"


def tools_folder() -> Path:
    """Where they are: TINHUYEN_REPLAY_TOOLS, else within the environment that runs this."""
    return Path(os.environ.get(SETTING) or Path(sys.prefix) / "replay-tools").absolute()


def pywb_folder() -> Path:
    """The environment of pywb and wacz. Raises UsageError if it is not installed."""
    return _require("pywb", _pins_digest())


def replaywebpage_folder() -> Path:
    """The folder of `ui.js` and `sw.js`. Raises UsageError if it is not installed."""
    return _require("replaywebpage", REPLAYWEBPAGE_SHA512)


def install() -> None:
    """Install what is missing or of another version. Raises TinHuyenError, UsageError, OSError."""
    with _alone():
        _install("pywb", _pins_digest(), _install_pywb)
        _install("replaywebpage", REPLAYWEBPAGE_SHA512, _install_replaywebpage)


def _require(name: str, version: str) -> Path:
    folder = tools_folder() / name
    if not _is_installed(folder, version):
        raise UsageError(
            f"{name} is not installed in {folder}, or not in this version: `make install-replay`,"
            f" or {sys.executable} -m storage.replay.outside.install"
        )
    return folder


def _is_installed(folder: Path, version: str) -> bool:
    stamp = folder / _STAMP
    return stamp.exists() and stamp.read_text() == version


def _install(name: str, version: str, make: Callable[[Path], None]) -> None:
    """Make a folder anew; its stamp comes last, so that half an installation is none."""
    folder = tools_folder() / name
    if _is_installed(folder, version):
        console.print(f"{name}: is installed in {folder}")
        return
    console.print(f"{name}: installing into {folder} …")
    shutil.rmtree(folder, ignore_errors=True)
    make(folder)
    (folder / _STAMP).write_text(version)


def _pins_digest() -> str:
    return hashlib.sha256(PINS.read_bytes()).hexdigest()


def _install_pywb(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install"]
    _run([*pip, "--quiet", "--disable-pip-version-check", "--no-deps", "-r", str(PINS)])


def _install_replaywebpage(folder: Path) -> None:
    """`npm pack` fetches the published file and runs nothing of it; we take four files out."""
    if shutil.which("npm") is None:
        raise UsageError("ReplayWeb.page is fetched by npm: apt-get install npm")
    with TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", "--ignore-scripts", REPLAYWEBPAGE]
        _run([*command, "--pack-destination", place])
        [package] = Path(place).glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if digest != REPLAYWEBPAGE_SHA512:
            raise TinHuyenError(f"{REPLAYWEBPAGE} is not the file that was tried: sha512 {digest}")
        folder.mkdir(parents=True)
        with tarfile.open(package) as content:
            for name in _TAKEN:
                taken = content.extractfile(f"package/{name}")
                assert taken is not None
                (folder / name).write_bytes(taken.read())


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise TinHuyenError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")


@contextmanager
def _alone() -> Iterator[None]:
    """One installation at a time; a second waits and finds it done."""
    folder = tools_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """`python -m storage.replay.outside.install`."""
    try:
        install()
    except TinHuyenError as error:
        errors.print(str(error), markup=False)
        sys.exit(error.exit_code)
    except OSError as error:
        said = f"cannot install into {tools_folder()}: {error}; {SETTING} names another folder"
        errors.print(said, markup=False)
        sys.exit(Exit.FAILED)


if __name__ == "__main__":
    main()
