"""Files that appear whole or not at all, alone and several together."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from fastnn import files


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def refusing(code):
    def refuse(*arguments, **options):
        raise OSError(code, os.strerror(code), *arguments[:1])

    return refuse


class TestPublish:
    @pytest.mark.parametrize(
        "pieces", [(), (b"",), (b"123",), (b"12", memoryview(b"3"), b"", b"4" * 100_000)]
    )
    def test_a_file_is_its_pieces_in_turn(self, pieces, tmp_path):
        for _ in range(2):
            files.publish(tmp_path / "x", *pieces)
            assert (tmp_path / "x").read_bytes() == b"".join(pieces)
        assert listing(tmp_path) == ["x"]

    @pytest.mark.parametrize("replace", [True, False])
    def test_a_name_may_be_as_long_as_the_system_has_them(self, replace, tmp_path):
        path = tmp_path / ("x" * 255)
        files.publish(path, b"whole", replace=replace)
        assert path.read_bytes() == b"whole"

    def test_other_bytes_are_not_taken_for_the_same(self, tmp_path, monkeypatch):
        files.publish(tmp_path / "x", b"12", b"3")
        monkeypatch.setattr(os, "replace", refusing(errno.EACCES))
        files.publish(tmp_path / "x", b"1", b"23")
        with pytest.raises(PermissionError):
            files.publish(tmp_path / "x", b"1", b"2")

    @pytest.mark.parametrize("step", ["open", "replace"])
    def test_an_error_names_the_file_that_was_asked_for(self, step, tmp_path, monkeypatch):
        monkeypatch.setattr(os, step, refusing(errno.ENOSPC))
        with pytest.raises(OSError, match="No space left") as caught:
            files.publish(tmp_path / "x", b"123")
        assert caught.value.filename == str(tmp_path / "x")

    def test_nothing_is_seen_before_it_is_whole(self, tmp_path, monkeypatch):
        seen, fsync = [], os.fsync

        def looking(descriptor):
            seen.append([name for name in listing(tmp_path) if not files.is_temporary(name)])
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", looking)
        files.publish(tmp_path / "x", b"123")
        assert seen == [[], ["x"]]


class TestPublishTogether:
    def writers(self, folder, names="abc"):
        return {folder / name: lambda path, name=name: path.write_text(name) for name in names}

    def test_all_appear(self, tmp_path):
        files.publish_together(self.writers(tmp_path))
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "a", "b": "b", "c": "c"}

    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), ValueError("no")])
    def test_one_fails_and_none_appears(self, error, tmp_path):
        (tmp_path / "a").write_text("old")

        def fail(path):
            path.write_text("half")
            raise error

        with pytest.raises(type(error)):
            files.publish_together({**self.writers(tmp_path), tmp_path / "d": fail})
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}

    def test_a_writer_is_given_a_path_of_the_same_ending(self, tmp_path):
        given = []

        def write(path):
            given.append(path.suffix)
            path.write_text("")

        names = ["x.parquet", "x", "x." + "y" * 250]
        files.publish_together(dict.fromkeys((tmp_path / name for name in names), write))
        assert given == [".parquet", "", ""]
        assert listing(tmp_path) == sorted(names)

    def test_they_are_flushed_before_they_are_renamed_and_the_folder_after(self, tmp_path, monkeypatch):
        done, fsync, replace = [], os.fsync, os.replace

        def flushed(descriptor):
            kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
            done.append((kind, kind == "file" and os.fstat(descriptor).st_size))
            fsync(descriptor)

        def renamed(path, target):
            done.append(("renamed", Path(target).name))
            replace(path, target)

        monkeypatch.setattr(os, "fsync", flushed)
        monkeypatch.setattr(os, "replace", renamed)
        files.publish_together(self.writers(tmp_path, "ab"))
        assert done[:4] == [("file", 1), ("file", 1), ("renamed", "a"), ("renamed", "b")]
        assert done[4:] == [("folder", False)] * (os.name == "posix")

    def test_an_error_names_the_file_that_was_asked_for(self, tmp_path):
        path = tmp_path / "gone" / "x"
        with pytest.raises(FileNotFoundError) as caught:
            files.publish_together({path: lambda beside: beside.write_text("")})
        assert caught.value.filename == str(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows locks no folders")
def test_alone_makes_others_wait(tmp_path):
    done = []

    def other():
        with files.alone(tmp_path):
            done.append("other")

    thread = threading.Thread(target=other)
    with files.alone(tmp_path):
        thread.start()
        thread.join(0.2)
        done.append("first")
    thread.join()
    assert done == ["first", "other"]


class TestUnfinishedFolder:
    def test_it_is_hidden_and_goes_with_what_is_left_in_it(self, tmp_path):
        with files.unfinished_folder(tmp_path / "a" / "b", "out") as folder:
            (folder / "x").write_text("1")
            assert folder.parent == tmp_path / "a" / "b"
            assert folder.name.startswith(".")
        assert listing(tmp_path) == []

    def test_what_was_moved_out_of_it_stays(self, tmp_path):
        with files.unfinished_folder(tmp_path / "a", "out") as folder:
            Path(folder / "x").write_text("1")
            (folder / "x").replace(tmp_path / "a" / "x")
        assert listing(tmp_path / "a") == ["x"]
