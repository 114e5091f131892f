"""The same kernels compiled for several instruction sets: which are loaded, what they hold, and that they agree."""

import ast
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from cfensemble import CFEnsembleTrainer, _core
from cfensemble._core import _isa

MODULES = {isa: import_module(f"cfensemble._core._{isa}") for isa in _core.supported()}
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-10}  # relative to the largest entry


def fresh_import(isa):
    """Import cfensemble._core in a new interpreter, with CFENSEMBLE_ISA set unless `isa` is None."""
    environment = {name: value for name, value in os.environ.items() if name != "CFENSEMBLE_ISA"}
    if isa is not None:
        environment["CFENSEMBLE_ISA"] = isa
    code = "from cfensemble import _core; print(_core.isa, _core.instance_step.__module__)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("isa", MODULES)
def test_the_environment_variable_chooses_the_module(isa):
    assert fresh_import(isa).stdout.split() == [isa, f"cfensemble._core._{isa}"]


@pytest.mark.parametrize("unset", [None, ""])
def test_the_default_is_the_best(unset):
    assert fresh_import(unset).stdout.split()[0] == _core.supported()[-1]


def test_an_unknown_instruction_set_is_an_import_error():
    result = fresh_import("avx1024")
    assert result.returncode != 0
    assert "ImportError: CFENSEMBLE_ISA is 'avx1024', which cannot be used here" in result.stderr


def test_an_instruction_set_the_processor_lacks_is_not_used(monkeypatch):
    monkeypatch.setattr(MODULES["baseline"], "cpu_isas", lambda: ["baseline"])
    assert _isa.supported() == ("baseline",)
    monkeypatch.delenv("CFENSEMBLE_ISA", raising=False)
    assert _isa.load() == ("baseline", MODULES["baseline"])
    monkeypatch.setenv("CFENSEMBLE_ISA", "avx2")
    built = ", ".join(_isa.built())
    with pytest.raises(ImportError, match=f"'avx2', .* installation has {built}; the processor .* support baseline. "):
        _isa.load()


def test_an_instruction_set_that_was_not_built_is_not_used(monkeypatch):
    monkeypatch.setattr(MODULES["baseline"], "cpu_isas", lambda: ["baseline", "avx2", "avx512"])
    for isa in ("avx2", "avx512"):
        monkeypatch.setitem(sys.modules, f"cfensemble._core._{isa}", None)
    assert _isa.supported() == ("baseline",)
    monkeypatch.delenv("CFENSEMBLE_ISA", raising=False)
    assert _isa.load() == ("baseline", MODULES["baseline"])
    monkeypatch.setenv("CFENSEMBLE_ISA", "avx512")
    with pytest.raises(ImportError, match=r"'avx512', .* has baseline; .* support baseline, avx2, avx512. Name one"):
        _isa.load()


def test_every_module_offers_what_the_stub_describes():
    stub = ast.parse(Path(_core.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    functions = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name for node in stub.body if isinstance(node, ast.ClassDef) and not node.bases}  # not dictionaries
    described = functions | classes
    for module in MODULES.values():
        assert {name for name in vars(module) if not name.startswith("_")} == described
    assert set(_core.__all__) == described | {"isa", "supported"}


def at(place, array):
    """A copy whose first entry lies `place` entries past a multiple of 64 bytes, the widest register."""
    buffer = np.empty(array.size + 64 // array.itemsize + place, array.dtype)
    start = -buffer.ctypes.data % 64 // array.itemsize + place
    copy = buffer[start : start + array.size].reshape(array.shape)
    copy[...] = array
    return copy


def results(module, problem, dtype, place=0):
    """What the kernels of a module compute, by kernel."""
    rng = np.random.default_rng(0)
    arrays = *problem(rng, 15, 20, 3001, dtype), rng.standard_normal(15), rng.permutation(3001)[:900]
    arrays = *arrays, rng.integers(0, 2, 900).astype(float), rng.random(900)
    X, Y, R, C, w, columns, labels, weights = (at(place, array) for array in arrays)
    gram, rhs = module.classifier_moments(Y, R, C, 2)
    swept = at(place, np.empty_like(Y))
    supervision = (w, 0.3, at(place, np.sort(columns)), labels, weights, 2.0)
    return {
        "sweep": (*module.sweep(X, R, C, 0.1, swept, supervision, 2), swept),
        "instance_step": module.instance_step(X, R, C, 0.1, 2),
        "classifier_moments": (gram, rhs),
        "classifier_step": module.classifier_step(at(place, gram), at(place, rhs), 0.1, False, 2),
        "weighted_residual": (module.weighted_residual(X, Y, R, C, 2),),
        "aggregator_loss": module.aggregator_loss(X, Y, w, 0.3, columns, labels, weights, 2.0, True, 2),
        "predict": (module.predict(X, Y, w, 0.3, 2),),
    }


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_modules_agree(problem, dtype):
    expected = results(MODULES["baseline"], problem, dtype)
    for isa, module in MODULES.items():
        for kernel, outputs in results(module, problem, dtype).items():
            for a, e in zip(outputs, expected[kernel], strict=True):
                atol = TOLERANCE[dtype] * np.abs(e).max()
                np.testing.assert_allclose(a, e, rtol=0, atol=atol, err_msg=f"{kernel}, {isa}")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("isa", MODULES)
def test_results_do_not_depend_on_where_arrays_lie_in_memory(problem, dtype, isa):
    expected = results(MODULES[isa], problem, dtype)
    for place in (1, 2, 3, 5, 7):
        for kernel, outputs in results(MODULES[isa], problem, dtype, place).items():
            for a, e in zip(outputs, expected[kernel], strict=True):
                np.testing.assert_array_equal(a, e, err_msg=f"{kernel}, {place} entries past a multiple of 64 bytes")


def test_fits_agree(imbalanced, monkeypatch):
    data, _ = imbalanced
    fits = []
    for module in MODULES.values():
        for name in _core.__all__:
            if name in vars(module):
                monkeypatch.setattr(_core, name, getattr(module, name))
        with pytest.warns(ConvergenceWarning):
            fits.append(CFEnsembleTrainer(latent_dim=5, max_iter=20, random_seed=0).fit(data).predict())
    for p in fits:
        np.testing.assert_allclose(p, fits[0], rtol=0, atol=1e-8)


if sys.platform == "linux":  # binutils come with the compiler

    @pytest.mark.parametrize("isa", MODULES)
    def test_a_module_exports_nothing_but_its_entry(isa):
        symbols = subprocess.check_output(["nm", "-D", "--defined-only", MODULES[isa].__file__], text=True)
        assert [line.split()[-1] for line in symbols.splitlines()] == [f"PyInit__{isa}"]

    @pytest.mark.parametrize("isa", MODULES)
    def test_a_module_holds_no_instruction_beyond_its_level(isa):
        code = subprocess.check_output(["objdump", "-d", "--no-show-raw-insn", MODULES[isa].__file__], text=True)
        found = set(re.findall(r"%([xyz]mm)\d", code))
        if isa == "baseline" and _isa.built() != ("baseline",):  # x86-64
            assert found == {"xmm"}
            assert not re.search(r"\tv(?!err|erw)", code)  # AVX on narrow registers
        elif isa == "avx2":
            assert found == {"xmm", "ymm"}
        elif isa == "avx512":
            assert "zmm" in found
