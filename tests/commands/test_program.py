import os
import sys

import pytest

from cfensemble import __version__
from cfensemble.cli import main
from cfensemble.commands import app as commands


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
