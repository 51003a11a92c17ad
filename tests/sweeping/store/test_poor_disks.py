"""Stores on disks without hard links, without locks, without flushing: the same stores and guarantees."""

import errno
import os
import stat
import threading

import pytest
from small_sweeps import SHARDS, faults, leftovers, small_shards, store, swept, usual_digest  # noqa: F401
from small_sweeps import files as listed
from test_survival import FaultyOS, killing

import fastnn
from fastnn import files

LINK_ERRORS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV", "EINVAL"]


@pytest.fixture(params=LINK_ERRORS)
def without_links(request, monkeypatch):
    """A disk whose `link` raises one of the errors."""
    shim = FaultyOS("link", 1, getattr(errno, request.param), True)
    monkeypatch.setattr(files, "os", shim)
    return shim


def failing(name, error, monkeypatch, of=None):
    """Have calls with a descriptor fail, all or those of a kind; returns of which kinds they were."""
    kinds, call = set(), getattr(os, name)

    def fail(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        kinds.add(kind)
        if of in (None, kind):
            raise OSError(error, os.strerror(error))
        call(descriptor)

    monkeypatch.setattr(os, name, fail)
    return kinds


class TestWithoutHardLinks:
    def test_a_store_is_made_and_goes_on(self, without_links, store):  # noqa: F811
        assert swept(store=store).digest() == usual_digest()
        assert without_links.failed > 0
        assert (faults(store), leftovers(store)) == ([], [])
        assert len(listed(store, "shards/*")) == SHARDS
        assert swept(store=store).ran == 0
        assert fastnn.open(store).table_digest() == usual_digest()

    def test_what_is_there_stays(self, without_links, tmp_path):
        files.publish(tmp_path / "file", b"first", replace=False)
        files.publish(tmp_path / "file", b"second", replace=False)
        assert (tmp_path / "file").read_bytes() == b"first"
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_of_many_writers_at_once_the_first_one_wins(self, without_links, tmp_path):
        for round_ in range(20):
            path, before = tmp_path / f"file-{round_}", threading.Barrier(4)
            seen = []

            def write(number, path=path, before=before, seen=seen):
                before.wait()
                files.publish(path, b"%d" % number * 1000, replace=False)
                seen.append(path.read_bytes())

            writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            assert len(set(seen)) == 1  # nobody has seen another one's than what stayed

    def test_another_sweep_is_refused(self, without_links, store):  # noqa: F811
        swept(store=store)
        with pytest.raises(fastnn.InputError, match="store must be of the same sweep"):
            swept(store=store, seed=1)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
    @pytest.mark.slow  # quick: those of a store that grows, in test_growing.py
    def test_kills(self):
        found = killing(trials=40, seconds=60, variant="without links")
        assert found["kills"] >= 20
        assert found["finished"] > 0
        assert (found["failures"], found["lost"]) == (0, [])

    def test_a_disk_that_fails_is_no_such_disk(self, store, monkeypatch):  # noqa: F811
        monkeypatch.setattr(files, "os", FaultyOS("link", 1, errno.EIO, True))
        with pytest.raises(OSError, match="Input/output error"):
            swept(store=store)


class TestOtherLacks:
    @pytest.mark.parametrize("error", ["EINVAL", "ENOTSUP", "ENOSYS", "EBADF"])
    def test_flushing(self, error, store, monkeypatch):  # noqa: F811
        flushed = failing("fsync", getattr(errno, error), monkeypatch)
        assert swept(store=store).digest() == usual_digest()
        assert flushed == {"file", "folder"}
        run = fastnn.train(fastnn.Network((1, 1)), [0, 1], [0, 1], epochs=1)
        run.save(store / "m.npz")
        assert fastnn.Training.load(store / "m.npz").epochs == 1

    def test_a_disk_that_cannot_flush_is_still_told(self, store, monkeypatch):  # noqa: F811
        failing("fsync", errno.EIO, monkeypatch, of="folder")
        with pytest.raises(OSError, match="Input/output error"):
            swept(store=store)

    def test_locks(self, store, monkeypatch):  # noqa: F811
        def refuse(*arguments):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(files.fcntl, "flock", refuse)
        monkeypatch.setattr(files, "os", FaultyOS("link", 1, errno.EPERM, True))
        assert swept(store=store).digest() == usual_digest()
        assert (faults(store), leftovers(store)) == ([], [])

    def test_renaming_over_what_is_there(self, tmp_path, monkeypatch):
        """Needed only where the same bytes are there already: a file's name is that of its bytes."""
        files.publish(tmp_path / "file", b"same")
        monkeypatch.setattr(files, "os", FaultyOS("replace", 1, errno.EACCES, True))
        files.publish(tmp_path / "file", b"same")
        with pytest.raises(PermissionError):
            files.publish(tmp_path / "file", b"other")
        with pytest.raises(PermissionError):
            files.publish(tmp_path / "new", b"other")
        assert (tmp_path / "file").read_bytes() == b"same"
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
