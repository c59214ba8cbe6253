"""Files are replaced whole, and what is no file of one's own stays what it is."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from specdec_cli import atomic
from specdec_cli.atomic import write_text

needs_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "new" / "a.txt"
    write_text(file, "caf\u00e9 \udce9\n")
    assert file.read_bytes() == "caf\u00e9 \\udce9\n".encode()
    umask = os.umask(0o22)
    os.umask(umask)
    assert mode(file) == 0o666 & ~umask
    assert list(file.parent.iterdir()) == [file]


def test_a_private_file(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "x", private=True, durable=True)
    assert mode(tmp_path / "new" / "a.txt") == 0o600
    assert mode(tmp_path / "new") == 0o700


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    file.chmod(0o640)
    with file.open() as old:
        write_text(file, "new", private=True)
        assert old.read() == "old"  # whoever reads has one of the two, whole
    assert file.read_text() == "new"
    assert mode(file) == 0o640


def test_a_symlink_goes_on_leading_where_it_led(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, file = tmp_path / "link", tmp_path / "there" / "a.txt"
    link.symlink_to("there/a.txt")
    for text in ("first", "second"):  # the file is not there yet, then it is
        write_text(link, text)
        assert link.is_symlink()
        assert file.read_text() == text
    assert [each.name for each in file.parent.iterdir()] == ["a.txt"]


def test_other_names_of_a_file_are_kept(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("a longer old text")
    other.hardlink_to(one)
    write_text(one, "new")
    assert other.read_text() == "new"


def test_devices_stay_devices(tmp_path: Path) -> None:
    write_text(Path(os.devnull), "gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    link = tmp_path / "link"
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_text(link, "x")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    assert list(tmp_path.iterdir()) == [link]


def test_a_named_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="No such device"):  # nobody reads, and nobody is waited for
        write_text(pipe, "x")
    text = "x" * 300_000  # more than a pipe holds
    ends = os.open(pipe, os.O_RDWR)  # both, so that a reader is there, and waits for the writer
    read: list[bytes] = []

    def read_it() -> None:
        while sum(map(len, read)) < len(text):
            read.append(os.read(ends, 1 << 16))

    thread = threading.Thread(target=read_it)
    thread.start()
    write_text(pipe, text)
    thread.join()
    os.close(ends)
    assert b"".join(read).decode() == text
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_is_open_already_is_written_to(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("w+") as file:
        write_text(Path(f"/dev/fd/{file.fileno()}"), "x")
        assert file.read() == "x"


def test_a_failure_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "a.txt"
    file.write_text("old")
    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(file, "new", durable=True)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@needs_root
def test_an_owner_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    os.chown(file, 1234, 2345)
    write_text(file, "new")
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 2345)


def test_where_no_file_can_be_made_the_old_one_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("an old text")
    write_text(file, "old")
    (before,) = tmp_path.iterdir()
    inode = before.stat().st_ino

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(atomic, "_take_over", refuse)
    write_text(file, "new")
    assert file.read_text() == "new"
    assert file.stat().st_ino == inode
    assert list(tmp_path.iterdir()) == [file]
