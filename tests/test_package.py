"""The top package: what importing it loads, and what it offers."""

import ast
import subprocess
import sys
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

import cfensemble


def python(code):
    """What a fresh interpreter prints."""
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_importing_loads_nothing_heavy():
    heavy = {"matplotlib", "pandas", "pyarrow", "rich", "scipy", "sklearn", "torch", "typer"}
    assert heavy.isdisjoint(python("import cfensemble, sys; print(*sys.modules)"))


def test_only_what_needs_torch_loads_torch():
    code = "from cfensemble import {}; import sys; print('torch' in sys.modules)"
    light = [name for name in cfensemble.__all__ if name != "CFEnsembleNet"]
    assert python(code.format(", ".join(light))) == ["False"]
    assert python(code.format("CFEnsembleNet")) == ["True"]


@pytest.mark.parametrize("name", cfensemble.__all__)
def test_every_public_name_can_be_had(name):
    value = getattr(cfensemble, name)
    assert name == "__version__" or value.__name__ == name
    assert name in dir(cfensemble)


@pytest.mark.parametrize("module", ["data", "ensemble", "objectives", "optimization"])
def test_what_subpackages_offer_the_top_package_offers_too(module):
    subpackage = import_module(f"cfensemble.{module}")
    for name in subpackage.__all__:
        assert getattr(cfensemble, name) is getattr(subpackage, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'cfensemble' has no attribute 'Ensemble'"):
        _ = cfensemble.Ensemble


def test_type_checkers_see_the_names_that_are_there():
    tree = ast.parse(Path(cfensemble.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {statement.module: sorted(alias.name for alias in statement.names) for statement in block.body}
    assert seen == {module: sorted(names) for module, names in cfensemble._HOMES.items()}


LAYERS = (
    ("persistence",),
    ("data", "ensemble", "objectives"),
    ("combining",),
    ("optimization",),
    ("solvers",),
    ("estimators",),
    ("commands",),
)
"""Packages and modules; importing one takes nothing but its own layer and the previous ones."""


def modules_imported(path):
    """What a module of the package imports from the package when it is imported itself."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.ImportFrom) and statement.module.startswith("cfensemble."):
            yield statement.module.split(".")[1]


def test_imports_point_one_way():
    root = Path(cfensemble.__file__).parent
    rank = {name: layer for layer, names in enumerate(LAYERS) for name in names}
    wrong = [
        f"{path.relative_to(root)} imports {imported}"
        for path in root.rglob("*.py")
        if (layer := rank.get(path.relative_to(root).parts[0].removesuffix(".py"))) is not None
        for imported in modules_imported(path)
        if rank.get(imported, 0) > layer
    ]
    assert not wrong


WITHOUT_TORCH = """
import sys

class Hidden:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


@pytest.mark.parametrize("construction", ["CFEnsembleNet(2, 3, 1, 'weighted')", "CFEnsemblePyTorchTrainer()"])
def test_without_torch_its_classes_can_be_imported_and_say_what_to_install(construction):
    code = f"""
from cfensemble import *
try:
    {construction}
except ImportError as error:
    print(error)
"""
    assert "pip install 'cfensemble[torch]'" in " ".join(python(WITHOUT_TORCH + code))


def test_without_torch_the_rest_works():
    code = """
from cfensemble import CFEnsembleTrainer, EnsembleData, generate_simple_ensemble_data
R, labels, _, _ = generate_simple_ensemble_data(random_state=0)
print(CFEnsembleTrainer(latent_dim=2, random_seed=0, tol=0.1).fit(EnsembleData(R, labels)).predict().shape)
"""
    assert python(WITHOUT_TORCH + code) == ["(200,)"]


def test_type_checkers_are_told_that_there_are_types():
    assert files("cfensemble").joinpath("py.typed").is_file()


def test_show_config_tells_how_this_installation_was_built():
    config = cfensemble.show_config()
    assert config["version"] == cfensemble.__version__
    assert set(config) == {"version", "compiler", "eigen", "openmp", "n_threads", "isa", "isas"}
    assert isinstance(config["openmp"], bool)
    assert config["n_threads"] >= 1
    assert config["isa"] in config["isas"]
    assert config["isas"][0] == "baseline"


def test_show_config_tells_which_instruction_set_was_asked_for(monkeypatch):
    monkeypatch.setenv("CFENSEMBLE_ISA", "baseline")
    assert python("import cfensemble; print(cfensemble.show_config()['isa'])") == ["baseline"]
