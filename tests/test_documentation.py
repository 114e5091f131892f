"""Every code block of the README and the documentation runs, and prints what the page says.

Blocks of a page run one after the other, in one namespace and one empty folder.

- `python`: a warning is an error. What it prints is compared with the `text` block that follows it; if it prints, there
  is one.
- `console`: `$ cfensemble ...` is run; the lines below it that are not blank must be among what was printed, in their
  order. Commands that install, build or measure are not run: the make targets, extras and scripts that they name must
  exist, and scripts know the options.
- Numbers with a decimal point may differ by .03 or 10 %, whichever is more: they depend on the versions of other
  libraries. All else is compared as it is, but for white space and the star that marks the best of a column.
"""

import contextlib
import io
import re
import shlex
import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cfensemble
from cfensemble import baselines, comparison, evaluation, model_selection, plots
from cfensemble.commands.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARKUP = re.compile(r"\{.*\}")  # of Sphinx: {math} and the like
NUMBER = re.compile(r"[-+]?\d*\.\d+(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int  # of its first line


def blocks_of(page):
    """The fenced blocks of a page that are no markup."""
    found = []
    fence, language, begin, lines = None, "", 0, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if fence is None and (match := re.match(r"(`{3,})(.*)$", line)):
            fence, language, begin, lines = match[1], match[2].strip(), number + 1, []
        elif fence is not None and line == fence:
            if not MARKUP.match(language):
                found.append(Block(language, "\n".join(lines) + "\n", begin))
            fence = None
        elif fence is not None:
            lines.append(line)
        elif line.lstrip().startswith("```"):
            raise AssertionError(f"{page}:{number}: an indented block is not run")
    assert fence is None, f"{page}: a block does not end"
    return found


def same(said, printed):
    """Whether two lines agree, numbers approximately."""
    said, printed = (" ".join(line.replace("* ", "").split()) for line in (said, printed))
    if NUMBER.sub("#", said) != NUMBER.sub("#", printed):
        return False
    pairs = zip(map(float, NUMBER.findall(said)), map(float, NUMBER.findall(printed)), strict=True)
    return all(abs(a - b) <= max(0.03, 0.1 * abs(a)) for a, b in pairs)


def run_python(block, page, names):
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def run_console(block, page):
    commands = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:].partition("  #")[0].strip(), []))
        elif line.strip():
            assert commands, f"{page}:{block.line}: a console block begins with a command"
            commands[-1][1].append(line)
    for command, said in commands:
        for part in command.split(" && "):
            program, *arguments = shlex.split(part)
            if program == "cfensemble":
                result = CliRunner().invoke(app, arguments)
                assert result.exit_code == 0, f"{command}\n{result.output}"
                lines = iter(result.output.splitlines())
                for line in said:
                    assert any(same(line, printed) for printed in lines), f"not printed: {line}\n{result.output}"
            else:
                check_command(program, arguments)


def check_command(program, arguments):
    """Check a command that is not run."""
    if program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        assert set(arguments) <= set(targets), f"make {arguments}"
    elif program == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        for names in re.findall(r"\[(.*?)\]", " ".join(arguments)):
            assert set(names.split(",")) <= set(extras), names
    elif program == "python" and arguments[0].endswith(".py"):
        script = ROOT / arguments[0]
        options = {argument for argument in arguments if argument.startswith("--")}
        known = set(re.findall(r"\"(--[a-z-]+)\"", script.read_text()))
        assert options <= known, f"{script}: {options - known}"
    else:
        assert program in {"python", "pytest", "cmake", "python3", "ninja", "."}, f"who checks {program}?"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block, following in pairwise([*blocks_of(page), None]):
        match block.language:
            case "python":
                printed = run_python(block, page, names).splitlines()
                said = following.text.splitlines() if following and following.language == "text" else []
                agree = len(said) == len(printed) and all(map(same, said, printed))
                assert agree, f"{page}:{block.line} printed\n" + "\n".join(printed)
            case "console":
                run_console(block, page)
            case "text":
                pass
            case language:
                raise AssertionError(f"{page}:{block.line}: a block of {language!r} is not run")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_to_files_lead_somewhere(page):
    prose = re.sub(r"^(`{3,}).*?^\1$|<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"https?:|mailto:|#", target):
            path, _, anchor = target.partition("#")
            file = page.parent / path
            assert file.exists(), f"{page}: {target}"
            if anchor and file.suffix == ".md":
                headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page}: {target}"


def test_the_reference_lists_every_public_name():
    listed = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8").split()
    assert set(cfensemble.__all__) - {"__version__"} <= set(listed)
    assert {f"plots.{name}" for name in plots.__all__} - {"plots.STYLE"} <= set(listed)
    for module in (baselines, comparison, evaluation, model_selection):
        own = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
        public = {f"{module.__name__.removeprefix('cfensemble.')}.{name}" for name in own if not name.startswith("_")}
        assert public <= set(listed)
