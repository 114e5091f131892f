import os
import resource
import signal
import subprocess
import sys

import pytest

from cfensemble import __version__
from cfensemble.cli import main
from cfensemble.commands import app as commands
from cfensemble.commands import options
from cfensemble.solvers import SOLVERS


def test_the_program_combines_a_table(table, tmp_path, rows, assert_warnings_only, program):
    arguments = ("combine", table, "--labels", "t", "--id", "key", "--out", "out.csv")
    done = program(*arguments)
    assert done.returncode == 0
    assert_warnings_only(done.stderr)
    assert "Wrote 120 rows to out.csv" in done.stdout
    assert len(rows(tmp_path / "out.csv")) == 120


def test_the_program_reports_bad_input_without_a_traceback(table, tmp_path, program):
    done = program("combine", table, "--labels", "nope")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "no label column 'nope'" in done.stderr


WITHOUT_TORCH = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Hidden())
from cfensemble.cli import main
main()
"""


def test_without_torch_the_torch_solver_says_what_to_install(table, tmp_path, program):
    arguments = ("combine", table, "--labels", "t", "--id", "key", "--out", "out.csv", "--solver")
    done = program(*arguments, "torch", code=("-c", WITHOUT_TORCH))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "cfensemble[torch]" in done.stderr
    assert os.listdir(tmp_path) == ["table.csv"]
    assert program(*arguments, "als", code=("-c", WITHOUT_TORCH)).returncode == 0


@pytest.mark.parametrize("name", ["typer", "rich", "pyarrow", "matplotlib"])
def test_without_its_packages_the_program_says_what_to_install(monkeypatch, capsys, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    expected = f"cfensemble: {name} not installed; run: pip install 'cfensemble[cli]'\n"
    assert capsys.readouterr().err == expected


def test_the_library_does_not_need_the_command_lines_packages(tmp_path, program):
    code = "import sys\nsys.modules |= dict.fromkeys(('typer', 'rich', 'pyarrow', 'matplotlib'))  # hidden\n"
    code += "import cfensemble.baselines, cfensemble.evaluation, cfensemble.tables, cfensemble.demo, cfensemble.plots\n"
    code += "print('imported')"
    assert program(code=("-c", code)).stdout == "imported\n"


def test_an_interrupted_program_says_so(monkeypatch, capsys):
    for interruption in (KeyboardInterrupt(), SystemExit(130)):

        def interrupted(error=interruption, **options):
            raise error

        monkeypatch.setattr(commands, "app", interrupted)
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 130
        assert capsys.readouterr().err == "cfensemble: interrupted\n"


def test_the_package_runs_as_a_program(tmp_path, program):
    assert program("--version").stdout == f"cfensemble {__version__}\n"


def test_main_runs_the_program(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cfensemble", "--version"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"cfensemble {__version__}\n"


def test_help_names_the_solvers_there_are():
    assert options.SOLVER_NAMES == SOLVERS  # which take long to import


def test_asking_for_help_imports_little(program):
    code = "import sys; from cfensemble.commands import app; print(*sys.modules)"
    heavy = {"matplotlib", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "torch"}
    assert heavy.isdisjoint(program(code=("-c", code)).stdout.split())


def test_without_a_command_the_program_shows_its_help(program):
    done = program()
    assert done.returncode == 0
    for command in ("combine", "fit", "predict", "compare", "demo"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["mix"], "No such command 'mix'"),
        (["combine", "table.csv"], "Missing option '--labels'"),
        (["combine", "table.csv", "--labels", "t", "--fast"], "No such option: --fast"),
        (["compare", "table.csv", "--labels", "t", "--repeats", "many"], "--repeats"),
    ],
)
def test_bad_usage_is_one_line(program, arguments, part):
    done = program(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("cfensemble: error: ")
    assert part in done.stderr


def test_the_program_is_a_filter(program, table):
    with table.open() as file:
        done = program("combine", "-", "--labels", "t", "--id", "key", "--out", "-", "--quiet", stdin=file)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 121


@pytest.mark.parametrize("options", [["--out", "-"], ["--json"], []])
def test_a_full_standard_output_is_one_line_and_exit_code_1(program, table, options):
    with open("/dev/full", "w") as full:
        done = program("combine", table, "--labels", "t", "--id", "key", "--solver", "als", *options, stdout=full)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("No space left on device")
    assert_errors_and_warnings_only(done.stderr)


def test_a_full_disk_leaves_no_partial_output(program, table, tmp_path):
    def one_kilobyte():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    arguments = ("combine", table, "--labels", "t", "--id", "key", "--solver", "als", "--out", "out.csv")
    done = program(*arguments, preexec_fn=one_kilobyte)
    assert done.returncode == 1
    assert done.stderr == "cfensemble: error: out.csv: File too large\n"
    assert os.listdir(tmp_path) == ["table.csv"]


SLOW = """
import sys, time
from cfensemble import comparison
from cfensemble.cli import main

def compare(*arguments):
    print("comparing", file=sys.stderr, flush=True)
    time.sleep(60)

comparison.compare = compare
main()
"""


def test_ctrl_c_is_one_line_and_leaves_nothing_behind(table, tmp_path):
    arguments = ("compare", str(table), "--labels", "t", "--id", "key")
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr.readline() == "comparing\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert (process.returncode, stderr) == (130, "cfensemble: interrupted\n")
    assert os.listdir(tmp_path) == ["table.csv"]


def assert_errors_and_warnings_only(stderr):
    for line in stderr.splitlines():
        assert line.startswith(("cfensemble: error: ", "cfensemble: warning: "))
