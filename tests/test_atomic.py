"""Files appear as a whole or not at all."""

import os
import stat

import pytest

from cfensemble._atomic import replacing


def write(path, failure=None):
    with replacing(path) as file:
        file.write(b"new")
        if failure is not None:
            raise failure


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "file"
    with replacing(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError()])
def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path, failure):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(type(failure)):
        write(path, failure)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_when_the_file_is_flushed_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write(tmp_path / "nowhere" / "file")


def test_a_link_is_followed_and_permissions_are_kept(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o600)
    link.symlink_to(path)
    write(link)
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_long_name_is_no_problem(tmp_path):
    path = tmp_path / ("x" * 250)
    write(path)
    assert path.read_bytes() == b"new"


def test_a_device_is_written_to():
    write(os.devnull)
    assert not os.path.isfile(os.devnull)


def test_an_anonymous_pipe_is_written_to():
    reading, writing = os.pipe()
    with open(reading, "rb") as end:
        write(f"/dev/fd/{writing}")
        os.close(writing)
        assert end.read() == b"new"


@pytest.mark.parametrize("name", ["file", "/dev/full"])
def test_a_failed_write_names_the_file(tmp_path, name, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write(tmp_path / name)
    assert caught.value.filename == str(tmp_path / name)


def test_a_file_that_cannot_be_made_is_named_as_it_was_asked_for(tmp_path):
    with pytest.raises(OSError, match="nowhere") as caught:
        write(tmp_path / "nowhere" / "file")
    assert caught.value.filename == str(tmp_path / "nowhere" / "file")


def test_another_files_failure_keeps_its_name(tmp_path):
    with pytest.raises(OSError, match="elsewhere"):
        write(tmp_path / "file", OSError(5, "Input/output error", "elsewhere"))
