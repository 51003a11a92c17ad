"""Mutations of a store: everything that can happen to a file, one at a time, and taken back again."""

import os
import shutil

from small_sweeps import faults

from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.folder import Store


class Mutations:
    """A store, another sweep's store of the same shape, and ways to damage the first.

    Each way returns the files that it touched; `undone` puts them back.
    """

    def __init__(self, folder, other, random):
        self.folder, self.random = folder, random
        self.names = sorted(path for path in folder.glob("*/*.parquet"))
        self.others = sorted(path for path in other.glob("*/*.parquet"))
        self.shards = [path for path in self.names if path.name.startswith("shard")]
        self.content = {path: path.read_bytes() for path in [*self.names, folder / "manifest.json"]}
        self.others_content = {path: path.read_bytes() for path in self.others}

    WAYS = (
        *("bit", "bit", "bit", "byte", "truncated", "extended", "emptied", "swapped", "renamed", "name"),
        *("foreign", "foreign name", "manifest bit", "manifest bit", "manifest cut", "manifest grown"),
        *("huge", "folder", "link", "stranger"),
    )

    def one(self, ways=WAYS):
        """Damage the store in one of some ways; return the way."""
        way = self.random.choice(ways)
        getattr(self, f"_{way.replace(' ', '_')}")()
        return way

    def undone(self):
        """Put everything back."""
        for folder in {path.parent for path in self.names}:
            for path in folder.iterdir():
                if path not in self.content:
                    self._removed(path)
        for path, content in self.content.items():
            if path.is_dir() or path.is_symlink() or not path.exists():
                self._removed(path)
                path.write_bytes(content)
            elif path.stat().st_size != len(content) or path.read_bytes() != content:
                path.write_bytes(content)

    def _removed(self, path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def _flipped(self, path):
        content = bytearray(self.content[path])
        content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
        path.write_bytes(content)

    def _bit(self):
        self._flipped(self.random.choice(self.names))

    def _byte(self):
        path = self.random.choice(self.names)
        content = bytearray(self.content[path])
        place = self.random.randrange(len(content))
        content[place] = (content[place] + self.random.randrange(1, 256)) % 256
        path.write_bytes(content)

    def _truncated(self):
        path = self.random.choice(self.names)
        path.write_bytes(self.content[path][: self.random.randrange(len(self.content[path]))])

    def _extended(self):
        path = self.random.choice(self.names)
        path.write_bytes(self.content[path] + self.random.randbytes(self.random.randint(1, 5000)))

    def _emptied(self):
        self.random.choice(self.names).write_bytes(b"")

    def _swapped(self):
        one, other = self.random.sample(self.shards, 2)
        one.write_bytes(self.content[other])
        other.write_bytes(self.content[one])

    def _renamed(self):  # another number, the same digest
        path = self.random.choice(self.shards)
        number = self.random.randrange(10**8)
        other = path.with_name(f"shard-{number:08d}-{path.stem[-32:]}.parquet")
        path.rename(other if other != path else path.with_name("shard.parquet"))

    def _name(self):  # a letter of the name
        path = self.random.choice(self.names)
        place = self.random.randrange(len(path.name))
        letter = self.random.choice([c for c in "0123456789abcdefxyz" if c != path.name[place]])
        path.rename(path.with_name(path.name[:place] + letter + path.name[place + 1 :]))

    def _foreign(self):  # another sweep's shard under its own name
        other = self.random.choice(self.others)
        (self.folder / other.parent.name / other.name).write_bytes(self.others_content[other])

    def _foreign_name(self):  # and under ours
        place = self.random.randrange(len(self.names))
        self.names[place].write_bytes(self.others_content[self.others[place]])

    def _manifest_bit(self):
        self._flipped(self.folder / "manifest.json")

    def _manifest_cut(self):
        path = self.folder / "manifest.json"
        path.write_bytes(self.content[path][: self.random.randrange(len(self.content[path]))])

    def _manifest_grown(self):
        path = self.folder / "manifest.json"
        place = self.random.randrange(len(self.content[path]) + 1)
        extra = self.random.choice([b" ", b"\n", b"[" * 5000, b"9" * 5000, b"\0", b'{"a":'])
        path.write_bytes(self.content[path][:place] + extra + self.content[path][place:])

    def _huge(self):  # a terabyte of nothing
        os.truncate(self.random.choice(self.shards), 1 << 40)

    def _folder(self):
        path = self.random.choice(self.names)
        path.unlink()
        path.mkdir()

    def _link(self):  # out of the store
        path = self.random.choice(self.names)
        path.unlink()
        path.symlink_to("/dev/zero")

    def _stranger(self):
        path = self.random.choice(self.names)
        path.with_name(f"shard-{self.random.randrange(99)}.parquet").write_bytes(self.content[path])


def detected(folder):
    """Whether a look at the store, and every reading of it, finds something wrong."""
    try:
        return bool(faults(folder)) or len(Store.at(folder).missing(Store.at(folder).done())) > 0
    except StoreError:
        return True
