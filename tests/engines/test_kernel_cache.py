"""Compiled kernels on disk: used when beyond doubt, else compiled again; never wrong, never a crash."""

import logging
import os
import pickle
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from uncompiled import forget_kernels, run_as_plain_python

import fastnn
from fastnn.commands.cli import main
from fastnn.core.rule import PLAIN
from fastnn.engines import compiling, general, kernel_files, load
from fastnn.training import plan

NET = fastnn.Network((2, 2, 1))
NAME = "a1" * 32
CONTENT = bytes(range(256))

posix = pytest.mark.skipif(os.name == "nt", reason="Windows keeps a user's folders private in another way")

# Trains with two kernels, or with those it is told; prints the bits, and how many had to be compiled.
SCRIPT = """
import sys
import numpy as np
from numba.core import dispatcher
import fastnn
from fastnn.engines import load

compiled = 0
original = dispatcher._FunctionCompiler.compile

def counting(self, *arguments):
    global compiled
    compiled += self.py_func.__name__ == "advance"
    return original(self, *arguments)

dispatcher._FunctionCompiler.compile = counting
net, X, y, start = fastnn.Network((1, 1)), [[0.5], [0.25]], [1, 0.5], np.ones((3, 2)) / 7
for which in sys.argv[1:] or ("loop float64", "loop float32"):
    engine, dtype = which.split()
    run, expected = (
        fastnn.train(net, X, y, start, epochs=4, engine=name, dtype=dtype) for name in (engine, "batched")
    )
    assert run.parameters.tobytes() == expected.parameters.tobytes()
    print(*map(float.hex, map(float, (run.parameters[0, 0], run.loss[0]))), end=" ")
print(compiled)
"""
ONE = "loop float64"  # the kernel that is compiled fastest


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """An empty folder for kernels."""
    monkeypatch.setenv(kernel_files.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


@pytest.fixture
def kept(kernels):
    """A file that is kept."""
    kernel_files.write(NAME, CONTENT)
    (path,) = kernels.iterdir()
    assert kernel_files.read(NAME) == CONTENT
    return path


def start(*arguments, **environment):
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def told_by(process):
    """(bits, kernels compiled) of such a process."""
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    *bits, compiled = output.split()
    return bits, int(compiled)


def trained_here(dtype):
    """The bits of one kernel of this process."""
    given = (fastnn.Network((1, 1)), [[0.5], [0.25]], [1, 0.5], np.ones((3, 2)) / 7)
    run = fastnn.train(*given, epochs=4, engine="loop", dtype=dtype)
    return [float.hex(float(number)) for number in (run.parameters[0, 0], run.loss[0])]


@pytest.mark.long
class TestTwoProcesses:
    def test_the_last_compiles_nothing_and_gives_the_same_bits(self, kernels, monkeypatch):
        forget_kernels(monkeypatch)
        bits = trained_here("float64") + trained_here("float32")
        assert len(kernel_files.held()) == 2
        assert stat.S_IMODE(kernels.stat().st_mode) == 0o700 or os.name == "nt"

        # A bit flipped, and one under another's name: compiled again, and mended by that.
        one, other = kernel_files.held()
        content = bytearray(one.read_bytes())
        other.write_bytes(content)
        content[len(content) // 2] ^= 1
        one.write_bytes(content)
        more, compiled = told_by(start())
        assert more == bits
        assert compiled == len(kernel_files.held()) == 2

        # What the other process has kept is read; nothing is compiled.
        forget_kernels(monkeypatch)
        monkeypatch.setattr("numba.core.dispatcher._FunctionCompiler.compile", None)
        assert trained_here("float64") + trained_here("float32") == bits

    @pytest.mark.slow
    def test_another_processor_has_kernels_of_its_own(self, kernels, monkeypatch):
        forget_kernels(monkeypatch)
        bits = trained_here("float64")
        generic = start(ONE, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
        assert told_by(generic) == (bits, 1)
        assert len(kernel_files.held()) == 2
        assert told_by(start(ONE)) == (bits, 0)

    @pytest.mark.slow
    def test_four_at_once(self, kernels):
        processes = [start() for _ in range(4)]
        outputs = [process.communicate(timeout=300)[0].split() for process in processes]
        assert all(process.returncode == 0 for process in processes)
        assert len({tuple(bits) for *bits, _ in outputs}) == 1
        assert len(kernel_files.held()) == len(list(kernels.iterdir())) == 2
        assert told_by(start()) == (outputs[0][:-1], 0)

    @posix
    def test_killed_while_writing(self, kernels, monkeypatch):
        killing = "import os, pathlib\npathlib.Path.replace = lambda *a: os.kill(os.getpid(), 9)\n"
        command = [sys.executable, "-c", killing + SCRIPT, ONE]
        process = subprocess.run(command, timeout=120, check=False)
        assert process.returncode == -signal.SIGKILL
        assert not kernel_files.held()
        (unfinished,) = kernels.iterdir()
        assert unfinished.stat().st_size > 1000
        forget_kernels(monkeypatch)
        trained_here("float64")
        assert kernel_files.clear() == 1
        assert not list(kernels.iterdir())


class TestFiles:
    def test_nothing_kept_is_nothing_found(self, kernels):
        assert kernel_files.read(NAME) is None
        assert kernel_files.held() == {}
        assert kernel_files.clear() == 0
        assert not kernels.parent.exists()

    def test_one_bit_flipped_anywhere(self, kept):
        content = kept.read_bytes()
        for position in range(len(content)):
            damaged = bytearray(content)
            damaged[position] ^= 1 << position % 8
            kept.write_bytes(damaged)
            assert kernel_files.read(NAME) is None
        kept.write_bytes(content)
        assert kernel_files.read(NAME) == CONTENT

    def test_cut_off_or_longer(self, kept):
        content = kept.read_bytes()
        for length in (*range(200), *range(200, len(content), 97)):
            kept.write_bytes(content[:length])
            assert kernel_files.read(NAME) is None
        kept.write_bytes(content + b"\0")
        assert kernel_files.read(NAME) is None

    def test_under_another_name(self, kept):
        kept.rename(kept.with_name("b2" * 32 + kept.suffix))
        assert kernel_files.read("b2" * 32) is None

    def test_what_is_no_file(self, kept):
        elsewhere = kept.with_name("elsewhere")
        kept.rename(elsewhere)
        kept.mkdir()
        assert kernel_files.read(NAME) is None
        kernel_files.write(NAME, CONTENT)  # does nothing
        kept.rmdir()
        if os.name != "nt":
            kept.symlink_to(elsewhere)
            assert kernel_files.read(NAME) is None
            kept.unlink()
            os.mkfifo(kept)
            assert kernel_files.read(NAME) is None

    def test_of_enormous_size(self, kept):
        with kept.open("r+b") as file:
            file.truncate(kernel_files.LARGEST + 1)  # sparse
        assert kernel_files.read(NAME) is None

    @posix
    def test_a_folder_that_others_can_enter(self, kept):
        for mode in (0o750, 0o707, 0o777):
            kept.parent.chmod(mode)
            assert kernel_files.read(NAME) is None
            assert kernel_files.held() == {}
            kernel_files.write("b2" * 32, CONTENT)
        kept.parent.chmod(0o700)
        assert list(kernel_files.held()) == [kept]

    @posix
    def test_a_folder_of_another_user(self, kept, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert kernel_files.read(NAME) is None
        kernel_files.write("b2" * 32, CONTENT)
        monkeypatch.undo()
        monkeypatch.setenv(kernel_files.VARIABLE, str(kept.parents[1]))
        assert list(kernel_files.held()) == [kept]

    @posix
    def test_a_file_of_another_user(self, kept):
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        os.chown(kept, 12345, -1)
        assert kernel_files.read(NAME) is None

    @pytest.mark.parametrize("error", [PermissionError, OSError(28, "No space left on device")])
    @pytest.mark.parametrize("call", ["tempfile.mkstemp", "pathlib.Path.replace", "pathlib.Path.mkdir"])
    def test_a_folder_that_cannot_be_written(self, kernels, monkeypatch, call, error):
        def failing(*arguments, **options):
            raise error

        monkeypatch.setattr(call, failing)
        kernel_files.write(NAME, CONTENT)
        assert kernel_files.read(NAME) is None
        assert not kernels.exists() or not list(kernels.iterdir())

    def test_a_file_in_the_folders_place(self, kernels):
        kernels.parent.mkdir()
        kernels.write_text("mine")
        kernel_files.write(NAME, CONTENT)
        assert kernel_files.read(NAME) is None
        assert kernels.read_text() == "mine"

    def test_switched_off(self, monkeypatch, tmp_path):
        monkeypatch.setenv(kernel_files.VARIABLE, "0")
        monkeypatch.setenv("HOME", str(tmp_path))
        kernel_files.write(NAME, CONTENT)
        assert kernel_files.folder() is None
        assert kernel_files.read(NAME) is None
        assert not list(tmp_path.iterdir())

    def test_without_a_home(self, monkeypatch):
        def homeless():
            raise RuntimeError("no home")

        monkeypatch.delenv(kernel_files.VARIABLE)
        monkeypatch.setattr(kernel_files, "cache_folder", homeless)
        assert kernel_files.folder() is None


class TestLog:
    """What goes wrong is logged, once for a folder, where only those see it who ask."""

    @pytest.fixture
    def logged(self, caplog):
        caplog.set_level(logging.INFO, "fastnn")

        def messages():
            for record in caplog.records:
                assert (record.name, record.levelno) == ("fastnn", logging.INFO)
            return caplog.messages

        return messages

    def used_twice(self):
        for _ in range(2):
            kernel_files.write(NAME, CONTENT)
            kernel_files.read(NAME)

    def test_what_works_is_not_logged(self, kernels, logged):
        kernel_files.read(NAME)
        self.used_twice()
        assert logged() == []
        assert kernel_files.problem() is None

    def test_a_file_in_the_folders_place(self, kernels, logged, capsys):
        kernels.parent.mkdir()
        kernels.write_text("mine")
        self.used_twice()
        problem = "it is no folder (links are not followed)"
        assert logged() == [
            f"compiled kernels: {kernels} cannot be used: {problem}; they are compiled in every process"
        ]
        assert main(["cache"]) == 0
        assert capsys.readouterr().out == (
            f"0 kernels, 0.0 MB, in {kernels}\n"
            f"the folder cannot be used: {problem}\nkernels are compiled in every process\n"
        )

    def test_a_file_in_a_parents_place(self, kernels, logged):
        kernels.parent.write_text("mine")
        self.used_twice()
        (message,) = logged()
        assert "Not a directory" in message
        assert "Not a directory" in kernel_files.problem()

    @posix
    def test_a_folder_that_others_can_enter(self, kept, logged):
        kept.parent.chmod(0o755)
        self.used_twice()
        (message,) = logged()
        assert "others can enter it (mode 755, must be 700)" in message
        assert kernel_files.problem() in message

    @posix
    def test_a_folder_of_another_user(self, kept, logged, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        self.used_twice()
        (message,) = logged()
        assert "it is another user's" in message

    def test_a_full_disk(self, kernels, logged, monkeypatch):
        def full(*arguments, **options):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("tempfile.mkstemp", full)
        self.used_twice()
        (message,) = logged()
        assert message.startswith(f"compiled kernels: {kernels} cannot be used: No space left on device; ")

    def test_a_folder_that_cannot_be_written(self, kernels, monkeypatch):
        monkeypatch.setattr(os, "access", lambda path, mode: False)  # as root, all can be
        assert kernel_files.problem() == f"{kernels.parents[1]} cannot be written"

    def test_a_damaged_file(self, kept, logged):
        kept.write_bytes(kept.read_bytes()[:-1])
        assert kernel_files.read(NAME) is None
        assert logged() == [
            f"compiled kernels: {kept} is damaged, or not the user's own; it is compiled again"
        ]

    def test_no_home(self, logged, monkeypatch):
        def homeless():
            raise RuntimeError("no home of this kind")

        monkeypatch.delenv(kernel_files.VARIABLE)
        monkeypatch.setattr(kernel_files, "cache_folder", homeless)
        self.used_twice()
        assert logged() == [
            "compiled kernels: the user's cache folder cannot be used: no home of this kind; "
            "they are compiled in every process"
        ]

    @pytest.mark.slow
    def test_nothing_of_it_reaches_the_terminal(self, kernels):
        kernels.parent.mkdir()
        kernels.write_text("mine")
        process = start(ONE, NUMBA_OPT="2")  # with other settings of Numba, too, the bits are right
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        assert output.split()[-1] == "1"


class Trap:
    """Unpickling it leaves a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


class TestUnpickling:
    @pytest.fixture
    def load_overload(self, kernels):
        from numba.core.registry import cpu_target

        from fastnn.engines.kernel_cache import KernelCache

        return lambda: KernelCache(NAME).load_overload(None, cpu_target.target_context)

    def test_only_what_is_checked(self, kept, load_overload, tmp_path):
        trap = pickle.dumps(Trap(tmp_path / "trace"))
        kept.write_bytes(kept.read_bytes()[:48] + trap)
        assert load_overload() is None
        assert not (tmp_path / "trace").exists()
        kernel_files.write(NAME, trap)  # rightly kept, as only the user can
        assert load_overload() is None
        assert (tmp_path / "trace").exists()

    @pytest.mark.parametrize("content", [b"", b"\x80", pickle.dumps(()), pickle.dumps((1,) * 12)])
    def test_nonsense(self, kernels, load_overload, content):
        kernel_files.write(NAME, content)
        assert load_overload() is None


@pytest.mark.long
class TestAnotherNumba:
    """One without the private names that join it to the kernels on disk."""

    @pytest.mark.slow
    def test_without_its_cache(self, kernels):
        """A kernel is kept all the same, and read when it is asked for again."""
        without = "import numba.core.caching\ndel numba.core.caching._Cache\n"
        forgets = "    compiling.COMPILED.clear()\n    load(engine).made.cache_clear()\n"
        script = SCRIPT.replace("import load\n", "import compiling, load\n").replace(
            "    run, expected", f"{forgets}    run, expected"
        )
        command = [sys.executable, "-c", without + script, ONE, ONE]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert int(done.stdout.split()[-1]) == len(kernel_files.held()) == 1

    def test_without_what_loads(self, kept, monkeypatch, caplog):
        from fastnn.engines.kernel_cache import KernelCache

        caplog.set_level(logging.INFO, "fastnn")
        monkeypatch.delattr("numba.core.compiler.CompileResult")
        assert KernelCache(NAME).load_overload(None, None) is None
        (message,) = caplog.messages
        assert f"{NAME} cannot be loaded: ImportError(\"cannot import name 'CompileResult'" in message
        assert message.endswith("; it is compiled again")

    def test_without_what_saves(self, kernels, monkeypatch, caplog):
        from fastnn.engines.kernel_cache import KernelCache

        caplog.set_level(logging.INFO, "fastnn")
        monkeypatch.delattr("numba.core.serialize.dumps")
        KernelCache(NAME).save_overload(None, None)
        (message,) = caplog.messages
        assert f"{NAME} cannot be kept: ImportError(\"cannot import name 'dumps'" in message
        assert message.endswith("; it is compiled every time")
        assert kernel_files.held() == {}


class TestPickling:
    def test_a_kernel_that_cannot_be_pickled_is_not_kept(self, kernels):
        from fastnn.engines.kernel_cache import KernelCache

        class Stubborn:
            def _reduce(self):
                raise TypeError("no")

        KernelCache(NAME).save_overload(None, Stubborn())
        assert kernel_files.read(NAME) is None


class TestName:
    def test_it_depends_on_all_that_the_machine_code_does(self, monkeypatch):
        import llvmlite.binding
        import numba
        from numba.core import config

        from fastnn.engines.kernel_cache import _processor, name_of

        names = [name_of("source", "options"), name_of("source!", "options"), name_of("source", "options!")]
        for owner, name, value in (
            (numba, "__version__", "0"),
            (np, "__version__", "0"),
            (config, "OPT", 1),
            (config, "BOUNDSCHECK", 1),
            (config, "CPU_NAME", "generic"),
            (llvmlite.binding, "get_host_cpu_name", lambda: "another"),
            (llvmlite.binding, "get_process_triple", lambda: "wasm32"),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, value)
                _processor.cache_clear()
                names.append(name_of("source", "options"))
        _processor.cache_clear()
        assert len(set(names)) == len(names) == 10
        assert name_of("source", "options") == names[0]

    def test_it_is_known_while_llvm_is_at_work(self, monkeypatch):
        """LLVM is locked for as long as another thread compiles."""
        import llvmlite.binding

        from fastnn.engines.kernel_cache import name_of

        name = name_of("source", "options")
        for asked in ("get_host_cpu_name", "get_host_cpu_features", "get_process_triple"):
            monkeypatch.setattr(llvmlite.binding, asked, None)
        assert name_of("source", "options") == name


def for_any_size(engine, *which):
    return general.source(*which, general.form_for(engine, *which))


class TestWarmup:
    def test_what_is_warm_is_not_compiled(self, monkeypatch):
        run_as_plain_python(monkeypatch)
        asked, compiled = [], compiling._compiled
        monkeypatch.setattr(compiling, "_compiled", lambda *a: asked.append(a) or compiled(*a))
        fastnn.warmup(NET)
        warm = len(asked)
        fastnn.warmup(NET)
        for engine in ("loop", "lanes"):
            load(engine).kernel(NET, "float64")
        assert len(asked) == warm >= 2

    def test_other_sizes_need_no_compiler(self, monkeypatch):
        made = []
        checked = lambda engine, *which: made.append(load(engine).source(*which))  # noqa: E731
        monkeypatch.setattr(plan, "begun", checked)
        monkeypatch.setattr(plan, "general_for", lambda *which: made.append(for_any_size(*which)))
        fastnn.warmup(NET, engine="lanes")
        of_all = {
            load("general").source(fastnn.Network(layers), "float64", rule)
            for layers in ((3, 4, 3, 2), (9, 40, 1))
            for rule in (PLAIN, PLAIN.measurer)
        }
        assert not of_all & {*made}
        fastnn.warmup(NET)
        assert len(of_all & {*made}) == len(of_all) == 3  # to measure, all have one form
        fastnn.warmup(NET, batch_size=8)
        batches = fastnn.Network((3, 4, 3, 2)), "float64", replace(PLAIN, batched=True)
        assert {for_any_size(engine, *batches) for engine in ("units", "lanes")} < {*made}

    def test_bad_input(self):
        with pytest.raises(fastnn.InputError, match=r"network must be a fastnn\.Network; got"):
            fastnn.warmup((2, 2, 1))
        with pytest.raises(fastnn.InputError, match="engine must be one of"):
            fastnn.warmup(NET, engine="gpu")


class TestCommand:
    def test_show_and_clear(self, kept, capsys):
        assert main(["cache"]) == 0
        assert capsys.readouterr().out == f"1 kernel, 0.0 MB, in {kept.parent}\n"
        assert main(["cache", "clear"]) == 0
        assert capsys.readouterr().out == f"1 kernel removed, 0.0 MB, from {kept.parent}\n"
        assert main(["cache", "show"]) == 0
        assert capsys.readouterr().out.startswith("0 kernels")

    def test_warmup(self, kept, monkeypatch, capsys):
        asked = []
        monkeypatch.setattr(fastnn, "warmup", lambda *given, **how: asked.append((*given, how["optimizer"])))
        assert main(["warmup", "--layers", "3,2,1", "--dtype", "float32", "--optimizer", "adam"]) == 0
        assert asked == [(fastnn.Network((3, 2, 1)), "auto", "float32", fastnn.optimizers.Adam())]
        assert capsys.readouterr().out == f"1 kernel, 0.0 MB, in {kept.parent}\n"

    @pytest.mark.parametrize("words", [["cache"], ["warmup", "--engine", "batched"]])
    def test_switched_off(self, words, monkeypatch, capsys):
        monkeypatch.setenv(kernel_files.VARIABLE, "0")
        assert main(words) == 0
        assert "no kernels are kept on disk" in capsys.readouterr().out
