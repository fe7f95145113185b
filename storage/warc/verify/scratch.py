"""Where a file of the store lies while it is verified: a folder that nothing else looks into."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from storage import files
from storage.errors import StoreFault
from storage.folder import ArchiveFolder
from storage.store.file import WarcFile
from storage.warc.verify.pace import Pace
from storage.warc.writer import archive_fault

_PIECE = 1 << 20


@contextmanager
def fetched(folder: ArchiveFolder, file: WarcFile, pace: Pace) -> Iterator[Path]:
    """A copy of a file of the store, gone with the context.

    Raises what says nothing of the file: NotFound, StoreFault, ArchiveFault (no room here).
    """
    with ExitStack() as stack:
        try:
            path = _fetch(stack, folder, file, pace)
        except StoreFault:
            raise
        except OSError as error:
            raise archive_fault(error, f"cannot fetch {file} to verify it") from error
        yield path


def _fetch(stack: ExitStack, folder: ArchiveFolder, file: WarcFile, pace: Pace) -> Path:
    files.make_folder(_top(folder))
    stack.enter_context(_locked(folder, fcntl.LOCK_SH))
    path = Path(stack.enter_context(TemporaryDirectory(dir=_top(folder)))) / file.name
    with pace.open(file) as stored, path.open("wb") as copy:
        shutil.copyfileobj(stored, copy, _PIECE)
    return path


def clear(folder: ArchiveFolder) -> None:
    """Remove what killed verifications left, unless another one is using the folder."""
    if _top(folder).exists():
        with suppress(BlockingIOError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for left in _top(folder).glob("tmp*"):
                shutil.rmtree(left)


@contextmanager
def _locked(folder: ArchiveFolder, kind: int) -> Iterator[None]:
    with (_top(folder) / ".lock").open("a") as lock:
        fcntl.flock(lock, kind)
        yield


def _top(folder: ArchiveFolder) -> Path:
    return folder.root / ".verifying"
