"""What one process has looked at another one removes, mends or replaces in the next moment: no fault of it.

Each test makes the other process act at exactly that moment.
"""

import os
import shutil
import threading
from pathlib import Path

import pytest
from small_sweeps import drop, faults, store, swept

from fastnn import files
from fastnn.commands.cli import main
from fastnn.reporting import publishing
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.folder import Store

__all__ = ["store"]  # a fixture


def shard(store, number):
    (path,) = store.glob(f"shards/shard-{number:08d}-*")
    return path


@pytest.fixture
def at_the_reading(monkeypatch):
    """Has something done to a store's file when its bytes are about to be read."""
    original = Store._bytes

    def do(act):
        def read(found, path, kind, number):
            act(path)
            return original(found, path, kind, number)

        monkeypatch.setattr(Store, "_bytes", read)

    return do


class TestStore:
    def test_a_file_that_is_gone_when_its_turn_comes_is_no_fault(self, store):
        swept(store=store)
        for number in (0, 3):
            shard(store, number).write_bytes(b"damaged")
        found = Store.at(store).faults()
        assert "shard-00000000" in next(found)[0].name
        drop(store, 3)
        assert list(found) == []

    def test_what_has_been_mended_stays(self, store, at_the_reading):
        swept(store=store)
        first, other = shard(store, 0), shard(store, 3)
        good = first.read_bytes()
        for path in (first, other):
            path.write_bytes(b"damaged")
        at_the_reading(lambda path: path != other or first.write_bytes(good))
        Store.at(store).set_aside_damaged()
        assert first.read_bytes() == good
        assert [path.read_bytes() for path in (store / "damaged").iterdir()] == [b"damaged"] * 2
        assert faults(store) == []

    def test_data_that_are_set_aside_are_kept_again(self, store, at_the_reading):
        design = swept(store=store).design
        (data,) = store.glob("inputs/data-*")
        content = data.read_bytes()
        at_the_reading(Path.unlink)
        Store.at(store).keep_inputs(design)
        assert data.read_bytes() == content

    def test_a_shard_that_is_set_aside_is_missing(self, store):
        swept(store=store)
        found = Store.at(store)
        listed = found.files("shard")
        drop(store, 2)
        with pytest.raises(StoreError, match=r"shard 2 must be in the store; .* has none\. Run the same"):
            found.read("shard", 2, ["loss"], listed)

    def test_of_an_unfinished_file_the_size_is_not_asked_twice(self, store, monkeypatch, capsys):
        swept(store=store)
        (store / "shards" / ".some.part").write_bytes(b"unfinished")
        original = Path.stat

        def stat(path, **options):
            found = original(path, **options)
            if path.suffix == ".part":
                path.unlink()
            return found

        monkeypatch.setattr(Path, "stat", stat)
        assert main(["store", "info", str(store)]) == 0
        assert "84 of 84" in capsys.readouterr().out


def publish(name, **contents):
    with publishing.published_folder(name) as folder:
        for file, content in contents.items():
            (folder / file).write_text(content)


def texts(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")}


class TestPublishedFolder:
    @pytest.fixture
    def unfinished(self, tmp_path):
        """What another process has not finished yet."""
        folder = tmp_path / f"{files.UNFINISHED}other"
        (folder / "pictures").mkdir(parents=True)
        return folder

    def test_another_is_finished_while_the_abandoned_are_swept(self, tmp_path, unfinished, monkeypatch):
        monkeypatch.setattr(files, "time", lambda: shutil.rmtree(unfinished) or 0.0)
        publish(tmp_path, index="1")
        assert texts(tmp_path) == {"index": "1"}

    def test_another_is_finished_while_files_are_listed(self, tmp_path, unfinished, monkeypatch):
        original = os.scandir

        def scandir(path="."):
            if str(path) == str(unfinished):
                shutil.rmtree(unfinished)
            return original(path)

        monkeypatch.setattr(os, "scandir", scandir)
        publish(tmp_path, index="1")
        assert texts(tmp_path) == {"index": "1"}

    @pytest.mark.skipif(os.name == "nt", reason="Windows locks no folders")
    def test_another_waits_while_files_are_checked_and_change_places(self, tmp_path, monkeypatch):
        publish(tmp_path, index="1", second="1")
        others, original = [], publishing._digest

        def digest(path):
            if not others:  # the first look at a file of the folder
                others.append(threading.Thread(target=publish, args=(tmp_path,), kwargs={"index": "3"}))
                others[0].start()
                others[0].join(0.3)  # it has the time to finish, were it not made to wait
            return original(path)

        with publishing.published_folder(tmp_path) as folder:
            (folder / "index").write_text("2")
            monkeypatch.setattr(publishing, "_digest", digest)
        others[0].join()
        assert texts(tmp_path) == {"index": "3"}
        publish(tmp_path, index="4")  # the list is that of the files
        assert texts(tmp_path) == {"index": "4"}
