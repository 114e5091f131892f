"""Files that hold no model, or another than was saved: each is refused, with the reason."""

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

import cfensemble
from cfensemble import CFEnsembleTrainer, ModelFileError, MulticlassCombiner, load
from cfensemble.persistence.model_file import MODELS, read_model_file, write_model_file
from cfensemble.persistence.record import Record
from cfensemble.persistence.saved import write_object

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::cfensemble.CollapseWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def trainer(small):
    return CFEnsembleTrainer(latent_dim=2, max_iter=3, confidence="adaptive", class_weight={0: 1.0, 1: 2.0}).fit(small)


@pytest.fixture(scope="module", params=["trainer", "combiner"])
def model(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def content(model, folder):
    """The bytes of a model's file."""
    model.save(folder / "whole")
    return (folder / "whole").read_bytes()


def contents(model):
    """Everything in a model that a file holds: what is no array, and arrays."""
    record = Record({})
    return write_object(model, record), record.tensors


def assert_same(one, other):
    (one_state, one_tensors), (other_state, other_tensors) = contents(one), contents(other)
    assert one_state == other_state
    assert one_tensors.keys() == other_tensors.keys()
    for name, tensor in one_tensors.items():
        assert tensor.dtype == other_tensors[name].dtype
        np.testing.assert_array_equal(tensor, other_tensors[name])


def assert_refused_or_same(content, model, folder):
    path = folder / "changed"
    path.write_bytes(content)
    try:
        loaded = load(path)
    except ModelFileError:
        return
    assert_same(loaded, model)  # a blank for another one, say


@settings(max_examples=300)
@given(share=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_changed_byte_never_makes_another_model(content, model, folder, share, value):
    position = int(share * len(content))
    assert_refused_or_same(content[:position] + bytes([value]) + content[position + 1 :], model, folder)


@settings(max_examples=300)
@given(position=st.integers(0, 8191), value=st.integers(0, 255))
def test_nor_does_one_in_the_header(content, model, folder, position, value):
    length = 8 + int.from_bytes(content[:8], "little")
    position %= length
    assert_refused_or_same(content[:position] + bytes([value]) + content[position + 1 :], model, folder)


@given(data=st.data())
def test_several_changes_insertions_and_omissions_never_make_another_model(content, model, folder, data):
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(changed)))
        end = data.draw(st.integers(begin, min(begin + 20, len(changed))))
        changed[begin:end] = data.draw(st.binary(max_size=20))
    assert_refused_or_same(bytes(changed), model, folder)


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_is_refused(content, folder, share):
    path = folder / "cut"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError, match="cut: not a safetensors file, or one cut short or damaged"):
        load(path)


@given(st.binary(max_size=200))
def test_anything_else_is_refused(folder, content):
    path = folder / "random"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="random: not a safetensors file"):
        load(path)


def test_a_damaged_array_is_noticed(content, folder):
    path = folder / "damaged"
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelFileError, match=r"damaged: damaged or changed since .* its checksum does not match"):
        load(path)


def test_files_that_are_not_there_are_the_system_s_business(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        load(tmp_path)


def test_a_safetensors_file_of_others_is_refused(tmp_path):
    path = tmp_path / "theirs"
    path.write_bytes(save({"weight": np.zeros(3)}))
    with pytest.raises(ModelFileError, match="theirs: a safetensors file, but not one of cfensemble's models"):
        load(path)
    path.write_bytes(save({"weight": np.zeros(3)}, {"cfensemble_format": "1", "class": "Combiner", "checksum": ""}))
    with pytest.raises(ModelFileError, match="its metadata lack 'state'"):
        load(path)
    ours = {"cfensemble_format": "1", "class": "Combiner", "state": "{}", "checksum": ""}
    path.write_bytes(save({"weight": np.zeros(3, np.float16)}, ours))
    with pytest.raises(ModelFileError, match="tensor weight has the unknown dtype F16"):
        load(path)


def test_a_file_of_a_version_to_come_is_refused(trainer, tmp_path, monkeypatch):
    path = tmp_path / "newer"
    with monkeypatch.context() as patch:
        patch.setattr("cfensemble.persistence.model_file.FORMAT_VERSION", 7)
        patch.setattr(cfensemble, "__version__", "9.1")
        trainer.save(path)
    with pytest.raises(ModelFileError, match=r"newer: written in format 7 by cfensemble 9.1; .*: update cfensemble"):
        load(path)


def changed(model, path, change):
    """Save the model with its state and tensors changed, and a checksum that is right."""
    model.save(path)
    metadata, tensors = read_model_file(path)
    state = json.loads(metadata["state"])
    class_name = change(state, tensors) or metadata["class"]
    write_model_file(path, class_name, state, tensors)
    return path


def put(name, value):
    """Put a value where the dotted name says."""

    def change(state, tensors):
        *parents, last = name.split(".")
        for parent in parents:
            state = state[parent]
        state[last] = value

    return change


def cut(name, part):
    def change(state, tensors):
        tensors[name] = tensors[name][part].copy()

    return change


def fill(name, value):
    def change(state, tensors):
        tensors[name].flat[0] = value

    return change


def cast(name, dtype):
    def change(state, tensors):
        tensors[name] = tensors[name].astype(dtype)

    return change


TRAINER_CHANGES = {
    "unknown class 'CollapseWarning'; known ones are CFEnsemble": lambda state, tensors: "CollapseWarning",
    "tensor X is missing": lambda state, tensors: tensors.pop("X") is None,
    "tensor Z is unknown here": lambda state, tensors: tensors.update(Z=np.zeros(3)),
    "rho is missing": lambda state, tensors: state.pop("rho") is None,
    "sigma is unknown here": put("sigma", 3),
    "rho must be in [0, 1], got 2.0": put("rho", 2.0),
    "rho must be a number, got 'half'": put("rho", "half"),
    "lambda_reg must be finite and >= 0, got -1.0": put("lambda_reg", -1.0),
    "tol must be finite and >= 0": put("tol", -0.5),
    "latent_dim must be an integer, got 2.0": put("latent_dim", 2.0),
    "latent_dim must be 2, as the factors have it, got 3": put("latent_dim", 3),
    "n_classifiers must be 4, as the factors have it, got 5": put("n_classifiers", 5),
    "link must be one of 'identity', 'logit', got 'probit'": put("link", "probit"),
    "class_weight must map 0 and 1": put("class_weight", [[0, 1.0]]),
    "class_weight must be a list of pairs": put("class_weight", [0, 1.0]),
    "strength_ must be finite and >= 0": put("strength_", -1),
    "_base_rate must be in [0, 1], got 1.5": put("_base_rate", 1.5),
    "converged_ must be True or False, got 1": put("converged_", 1),
    "n_threads={'a': 1} cannot be written": put("n_threads", {"a": 1}),
    "confidence has the unknown class 'Trust'": put("confidence.class", "Trust"),
    "confidence must be an object with a class, got 'adaptive'": put("confidence", "adaptive"),
    "confidence: alpha must be finite and >= 0": put("confidence.alpha", -1),
    "confidence.floor is unknown here": put("confidence.floor", 0.1),
    "aggregator has the unknown class 'History'": put("aggregator.class", "History"),
    "aggregator has the unknown class ['WeightedAggregator']": put("aggregator.class", ["WeightedAggregator"]),
    "tensor X must be finite": fill("X", np.nan),
    "tensor predictions_ must be finite": fill("predictions_", np.inf),
    "tensor history.n_degenerate must be finite and in [0, inf]": fill("history.n_degenerate", -1),
    "tensor X must have 2 axes, got shape (4,)": cut("X", 0),
    "tensor Y must have shape (latent_dim, n) with latent_dim = 2, got (1, 40)": cut("Y", slice(1)),
    "tensor predictions_ must have shape (n) with n = 40, got (39,)": cut("predictions_", slice(39)),
    "tensor aggregator.w must have shape (m) with m = 4, got (3,)": cut("aggregator.w", slice(3)),
    "tensor history.reconstruction must have shape (k) with k = 2, got (3,)": cut("history.loss", slice(2)),
    "tensor _confidence_rule.per_classifier must have shape (m) with m = 4": cut(
        "_confidence_rule.per_classifier", slice(3)
    ),
    "tensor Y must hold float64, got float32": cast("Y", np.float32),
    "tensor X must hold float32 or float64, got int64": cast("X", np.int64),
    "tensor aggregator.w must hold float64, got float32": cast("aggregator.w", np.float32),
}  # fmt: skip
COMBINER_CHANGES = {
    "predictors_ must be a list, got 3": put("predictors_", 3),
    "_consensus has the unknown class 'View'": put("_consensus.class", "View"),
    "predictors_: view must be in [0, 2], got 3": lambda state, tensors: state["predictors_"][0].update(view=3),
    "predictors_.1.share must be in [0, 1], got 1.5": lambda state, tensors: state["predictors_"][1].update(share=1.5),
    "tensor predictors_.1.theta must have shape (p) with p = 4, got (5,)": cut("predictors_.0.theta", slice(4)),
    "_consensus: n_points adds up to": fill("_consensus.n_points", 1),
    "_consensus: x must ascend": fill("_consensus.x", 1.0),
    "tensor factor_model_.noise must be finite and in [0, inf]": fill("factor_model_.noise", -1.0),
    "tensor predictions_ must have shape (n) with n = 3, got (40,)": cut("factor_model_.Y", (slice(None), slice(3))),
    "tensor predictions_ must be finite and in [0, 1]": fill("predictions_", 1.5),
    "n_threads must be in [1, 1024], got 0": put("n_threads", 0),
}


@pytest.mark.parametrize("message", TRAINER_CHANGES)
def test_what_is_wrong_with_a_trainer_is_said(message, trainer, tmp_path):
    with pytest.raises(ModelFileError) as info:
        load(changed(trainer, tmp_path / "model", TRAINER_CHANGES[message]))
    assert str(info.value).startswith(f"{tmp_path / 'model'}: {message}")


@pytest.mark.parametrize("message", COMBINER_CHANGES)
def test_what_is_wrong_with_a_combiner_is_said(message, combiner, tmp_path):
    with pytest.raises(ModelFileError) as info:
        load(changed(combiner, tmp_path / "model", COMBINER_CHANGES[message]))
    assert str(info.value).startswith(f"{tmp_path / 'model'}: {message}")


def empty(*endings):
    def change(state, tensors):
        for name, tensor in tensors.items():
            if name.endswith(endings):
                tensors[name] = tensor[:0].copy()

    return change


def no_classes(state, tensors):
    state["_consensus"] = []
    for name in [name for name in tensors if name.startswith("_consensus")]:
        del tensors[name]
    empty("_base_rate", "predictions_")(state, tensors)


@pytest.mark.parametrize("change", [empty("n_points"), empty("n_points", ".x", ".y"), empty(""), no_classes])
def test_several_classes_combined_from_nothing_are_refused(change, tmp_path):
    P = np.random.default_rng(0).dirichlet(np.ones(3), (4, 30)).transpose(0, 2, 1)
    model = MulticlassCombiner(1).fit(P, np.arange(30) % 3)
    with pytest.raises(ModelFileError):
        load(changed(model, tmp_path / "model", change))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("3", "state must be a JSON object"),
        ("{", "state: Expecting property name"),
        ('{"n_threads": NaN}', "state holds NaN; numbers are finite"),
        ('{"n_threads": 1e999}', "is missing"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_state_that_is_no_json_object_is_refused(state, message, combiner, tmp_path, monkeypatch):
    monkeypatch.setattr(json, "dumps", lambda value, dumps=json.dumps, **options: state if options else dumps(value))
    combiner.save(tmp_path / "model")
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match=message):
        load(tmp_path / "model")


def test_every_class_that_is_listed_can_be_loaded():
    assert all(hasattr(getattr(cfensemble, name), "save") for name in MODELS)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_saving_leaves_the_old_file(failure, combiner, tmp_path, monkeypatch):
    def fail(descriptor):
        raise failure

    path = tmp_path / "model"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(failure)):
        combiner.save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
