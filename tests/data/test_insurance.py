"""load_insurance: which file it takes, the note it gives, and a download that keeps nothing half-done."""

import hashlib
import http.server
import shutil
import sys
import threading
import warnings

import pytest

from fastnn.checking import InputError
from fastnn.data import insurance
from fastnn.data.insurance import SimulatedDataNote, load_insurance
from fastnn.system.folders import cache_folder

OWN = b"age,bmi,charges,smoker\n20,25,100,no\n30,35,200,yes\n40,30,400,no\n"
PUBLISHED = OWN.replace(b"400", b"500")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, no FASTNN_DATA, and a short file that stands for the published one."""
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    monkeypatch.setattr(insurance, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(insurance, "SHA256", hashlib.sha256(PUBLISHED).hexdigest())
    return tmp_path / "cache"


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def largest(data):
    return data.target_values.max()


# --- where it looks ---


def test_a_path_is_used(tmp_path):
    data = load_insurance(put(tmp_path / "mine.csv", OWN), inputs=["age", "smoker"])
    assert (largest(data), data.inputs, data.source) == (
        400,
        ("age", "smoker"),
        "mine.csv, not the published file",
    )
    assert load_insurance(str(tmp_path / "mine.csv"), inputs="age", target="bmi").target == "bmi"


def test_a_missing_or_faulty_path_is_refused_and_nothing_else_is_tried(tmp_path):
    with pytest.raises(InputError, match=r"path must be an existing file; got '.*gone.csv': nothing there"):
        load_insurance(tmp_path / "gone.csv")
    with pytest.raises(InputError, match=r"path must be an existing file; got '.*': a folder"):
        load_insurance(tmp_path)
    with pytest.raises(InputError, match=r"bad.csv must have no missing cells.*'age' .the first in line 2."):
        load_insurance(put(tmp_path / "bad.csv", OWN.replace(b"20", b"")))


def test_the_environment_names_a_file_or_its_folder(tmp_path, monkeypatch, cache):
    put(cache / "insurance.csv", PUBLISHED)
    put(tmp_path / "here" / "insurance.csv", OWN)
    for named in (tmp_path / "here", tmp_path / "here" / "insurance.csv"):
        monkeypatch.setenv("FASTNN_DATA", str(named))
        assert largest(load_insurance()) == 400


def test_a_wrong_environment_is_refused(tmp_path, monkeypatch):
    for named in (tmp_path / "gone.csv", tmp_path):
        monkeypatch.setenv("FASTNN_DATA", str(named))
        with pytest.raises(InputError, match="the environment variable FASTNN_DATA must be an existing file"):
            load_insurance()
    monkeypatch.setenv("FASTNN_DATA", "")
    with pytest.warns(SimulatedDataNote):
        load_insurance()


def test_the_argument_goes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(put(tmp_path / "other.csv", PUBLISHED)))
    assert largest(load_insurance(put(tmp_path / "mine.csv", OWN))) == 400
    assert load_insurance(simulated=True).rows == 1338


def test_the_cache_is_used_only_if_it_holds_the_published_file(cache):
    put(cache / "insurance.csv", PUBLISHED)
    data = load_insurance()
    assert (largest(data), data.source) == (500, "insurance.csv, the published file")
    put(cache / "insurance.csv", OWN)
    with pytest.warns(SimulatedDataNote, match="using a simulated stand-in"):
        assert load_insurance().rows == 1338


def test_without_any_file_the_stand_in_is_used_and_said():
    with pytest.warns(
        SimulatedDataNote, match=r"set FASTNN_DATA, or call load_insurance\(download=True\)"
    ) as notes:
        data = load_insurance()
    assert [note.filename for note in notes] == [__file__]
    assert data.rows == 1338
    assert data.inputs == ("age", "bmi")
    assert data.source == "insurance_simulated.csv, a simulated stand-in for the published insurance.csv"


def test_the_note_is_easy_to_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimulatedDataNote)
        load_insurance()
    load_insurance(simulated=True)  # warnings are errors here


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "x", "download": True},
        {"path": "x", "simulated": True},
        {"download": True, "simulated": True},
    ],
)
def test_only_one_source_may_be_asked_for(arguments):
    with pytest.raises(InputError, match=r"only one of path, download and simulated.*got 2 of them"):
        load_insurance(**arguments)


def test_the_stand_in_is_found_inside_an_installed_package(tmp_path, monkeypatch):
    packed = put(tmp_path / "site" / "data" / "insurance_simulated.csv", OWN)
    monkeypatch.setattr(insurance.resources, "files", lambda package: packed.parents[1])
    assert largest(load_insurance(simulated=True)) == 400


def test_columns_are_checked_in_the_stand_in_too():
    with pytest.raises(
        InputError, match=r"inputs must name columns of insurance_simulated.csv; got 'weight'"
    ):
        load_insurance(inputs="weight", simulated=True)


# --- the cache folder ---


def test_the_cache_folder_is_pooch_s():
    pooch = pytest.importorskip("pooch", reason='needs pip install "fastnn-sweep[data]"')
    assert str(cache_folder()) == str(pooch.os_cache("fastnn"))


def test_the_cache_folder_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "  ")
    assert cache_folder().is_relative_to(tmp_path)
    if sys.platform == "linux":
        assert cache_folder() == tmp_path / ".cache" / "fastnn"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
        assert cache_folder() == tmp_path / "elsewhere" / "fastnn"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system knows the folder without a home")
def test_without_a_home_there_is_no_cache_folder(monkeypatch):
    import pwd

    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(RuntimeError):
        cache_folder()
    monkeypatch.setattr(insurance, "cache_folder", cache_folder)
    with pytest.warns(SimulatedDataNote):
        assert load_insurance().rows == 1338


# --- the download, against a real server on this machine ---


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Keep quiet."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve tmp_path/web on loopback; URL names insurance.csv there. Yields (folder, stop)."""
    pytest.importorskip("pooch", reason='needs pip install "fastnn-sweep[data]"')
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    web = tmp_path / "web"
    web.mkdir()
    httpd = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: Handler(*arguments, directory=str(web))
    )
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(insurance, "URL", f"http://127.0.0.1:{httpd.server_port}/insurance.csv")

    def stop():
        httpd.shutdown()
        thread.join()
        httpd.server_close()

    yield web, stop
    if thread.is_alive():
        stop()


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_a_download_is_checked_kept_and_used_again(server, cache):
    web, stop = server
    put(web / "insurance.csv", PUBLISHED)
    assert largest(load_insurance(download=True)) == 500
    assert files_in(cache) == ["insurance.csv"]
    stop()
    assert load_insurance(download=True).source == "insurance.csv, the published file"
    assert largest(load_insurance()) == 500


def test_a_download_mends_a_spoilt_cache(server, cache):
    put(server[0] / "insurance.csv", PUBLISHED)
    put(cache / "insurance.csv", OWN)
    assert largest(load_insurance(download=True)) == 500
    assert files_in(cache) == ["insurance.csv"]


def test_a_download_of_wrong_bytes_is_refused_and_not_kept(server, cache):
    put(server[0] / "insurance.csv", PUBLISHED[:-10])
    with pytest.raises(InputError, match=r"download=True must bring the published.*ValueError: SHA256 hash"):
        load_insurance(download=True)
    assert files_in(cache) == []


def test_a_missing_page_is_refused(server, cache):
    with pytest.raises(InputError, match=r"download=True must bring the published.*HTTPError: 404"):
        load_insurance(download=True)
    assert files_in(cache) == []


def test_a_server_that_is_gone_is_refused(server, cache):
    server[1]()
    with pytest.raises(InputError, match=r"download=True must bring the published.*ConnectionError"):
        load_insurance(download=True)
    assert files_in(cache) == []


def test_a_cache_that_cannot_be_written_is_refused(server, cache):
    put(cache, b"a file where the folder should be")
    with pytest.raises(InputError, match=r"download=True must bring the published"):
        load_insurance(download=True)


def test_pooch_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(InputError, match=r'Run: pip install "fastnn-sweep\[data\]"'):
        load_insurance(download=True)


def test_the_published_file_itself(real_insurance, monkeypatch):
    monkeypatch.undo()  # the true hash and the true environment again
    assert hashlib.sha256(real_insurance.read_bytes()).hexdigest() == insurance.SHA256
    data = load_insurance(real_insurance)
    assert data.source == "insurance.csv, the published file"
    assert data.rows == 1338
    assert (data.target_values.min(), data.target_values.max()) == (1121.8739, 63770.42801)
    assert data.X_scaling.minimum.tolist() == [18, 15.96]


def test_the_published_file_downloads(server, cache, real_insurance, monkeypatch):
    monkeypatch.setattr(insurance, "SHA256", hashlib.sha256(real_insurance.read_bytes()).hexdigest())
    shutil.copyfile(real_insurance, server[0] / "insurance.csv")
    assert load_insurance(download=True, inputs="age").rows == 1338
    assert (cache / "insurance.csv").read_bytes() == real_insurance.read_bytes()


@pytest.mark.parametrize("name", ["download", "simulated"])
@pytest.mark.parametrize("value", ["no", 1, None])
def test_switches_are_true_or_false(name, value):
    with pytest.raises(InputError, match=f"{name} must be True or False; got"):
        load_insurance(**{name: value})
