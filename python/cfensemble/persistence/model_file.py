"""Model files: safetensors files whose metadata say which object their tensors make up.

The metadata are strings: `cfensemble_format`, the format's version; `cfensemble_version`, the library's; `class`;
`state`, JSON with everything that is no array; and `checksum`, the SHA-256 of all the rest. Nothing in a file is ever
executed: it holds arrays, numbers, strings, and names of classes to choose from a list.
"""

import hashlib
import json
import os
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cfensemble._atomic import replacing
from cfensemble.exceptions import ModelFileError
from cfensemble.persistence.record import Record
from cfensemble.persistence.saved import Saved, read_object, write_object

FORMAT_VERSION = 1
"""To be raised whenever what is written changes, were it by a parameter, once a version has been released."""
MODELS = (
    "CFEnsembleClassifier",
    "CFEnsembleJointTrainer",
    "CFEnsemblePyTorchTrainer",
    "CFEnsembleTrainer",
    "Combiner",
    "MulticlassCombiner",
)
"""Public names of the classes whose objects can be written and read."""
_DTYPES = ("F32", "F64", "I64")  # as safetensors names them


class SavedModel(Saved):
    """Mixin of the models that can be written to a file of their own; see `MODELS`."""

    @abstractmethod
    def _check_fitted(self) -> None:
        """Raise a NotFittedError before `fit`."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file, which `cfensemble.load` reads.

        It is a safetensors file: arrays and JSON, nothing that could be executed. It appears as a whole or not at all,
        replacing what was there. Loaded again, the model predicts the same to the last bit, under one instruction set.
        Callbacks are not saved, nor are the data that it was fitted to.

        Parameters
        ----------
        path : path
            The file, customarily named .safetensors.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If the model is of a class of your own, or was given something that is more than data: a confidence strategy
            of your own, say, or a function as `weight_schedule`.
        OSError
            If the file cannot be written.
        """
        self._check_fitted()
        name = type(self).__name__
        if _model_class(name) is not type(self):
            found = f"{type(self).__module__}.{name}"
            raise TypeError(f"a {found} cannot be written to a file: only {', '.join(MODELS)} can")
        tensors: dict[str, NDArray[Any]] = {}
        state = write_object(self, Record(tensors))
        write_model_file(path, name, state, tensors)


def load(path: str | os.PathLike[str]) -> Any:
    """Read a model that its `save` has written.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    CFEnsembleClassifier, Combiner, MulticlassCombiner or trainer
        The model as it was when it was saved, but for callbacks. It predicts new instances, and tells the fitted ones'
        predictions and everything else that it did then; it can be fitted anew.

    Raises
    ------
    ModelFileError
        If the file holds no such model, is damaged, or was written by a version to come; it says which. Then no object
        has been made.
    OSError
        If the file cannot be opened.
    ImportError
        If the model needs torch and torch is not installed.
    """
    metadata, tensors = read_model_file(path)
    cls = _model_class(metadata["class"])
    if cls is None:
        raise ModelFileError(f"{path}: unknown class {metadata['class']!r}; known ones are {', '.join(MODELS)}")
    try:
        try:
            state = json.loads(metadata["state"], parse_constant=_reject_constant)
        except json.JSONDecodeError as error:
            raise ValueError(f"state: {error}") from error
        if not isinstance(state, dict):
            raise ValueError("state must be a JSON object")
        model = read_object(cls, state, Record(tensors))
        if tensors:
            raise ValueError(f"tensor {min(tensors)} is unknown here")
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ModelFileError(f"{path}: {error}") from error
    return model


def write_model_file(
    path: str | os.PathLike[str], class_name: str, state: dict[str, Any], tensors: dict[str, NDArray[Any]]
) -> None:
    """Write a file, atomically and with a checksum."""
    from safetensors.numpy import save

    from cfensemble import __version__

    metadata = {
        "cfensemble_format": str(FORMAT_VERSION),
        "cfensemble_version": __version__,
        "class": class_name,
        "state": json.dumps(state, allow_nan=False),
    }
    content = save(tensors, metadata | {"checksum": checksum(metadata, tensors)})
    with replacing(path) as file:
        file.write(content)


def read_model_file(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return the metadata and the tensors of a file that is complete, undamaged and of a known version."""
    from safetensors import SafetensorError, safe_open

    with Path(path).open("rb"):
        pass  # an OSError that names the file, where it cannot be opened
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            _check_format(path, metadata)
            for name in file.keys():  # noqa: SIM118, it is no mapping
                dtype = file.get_slice(name).get_dtype()
                if dtype not in _DTYPES:
                    raise ModelFileError(f"{path}: tensor {name} has the unknown dtype {dtype}")
            # Copies: what safetensors returns may be the file itself, mapped to memory.
            tensors = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path}: not a safetensors file, or one cut short or damaged ({error})") from error
    if metadata["checksum"] != checksum(metadata, tensors):
        raise ModelFileError(f"{path}: damaged or changed since it was written: its checksum does not match")
    return metadata, tensors


def checksum(metadata: dict[str, str], tensors: dict[str, NDArray[Any]]) -> str:
    """SHA-256 over everything in a file: the metadata but for the checksum, and the tensors, both sorted by name."""
    digest = hashlib.sha256()
    for key in sorted(metadata.keys() - {"checksum"}):
        digest.update(json.dumps([key, metadata[key]]).encode() + b"\n")
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(json.dumps([name, array.dtype.name, list(array.shape)]).encode() + b"\n")
        digest.update(np.asarray(array, array.dtype.newbyteorder("<"), order="C").data)
    return digest.hexdigest()


def _check_format(path: str | os.PathLike[str], metadata: dict[str, str]) -> None:
    version = metadata.get("cfensemble_format", "")
    if not version.isdecimal():
        raise ModelFileError(f"{path}: a safetensors file, but not one of cfensemble's models")
    if int(version) > FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: written in format {version} by cfensemble {metadata.get('cfensemble_version')}; this version "
            f"reads up to format {FORMAT_VERSION}: update cfensemble"
        )
    for key in ("class", "state", "checksum"):
        if key not in metadata:
            raise ModelFileError(f"{path}: its metadata lack {key!r}")


def _model_class(name: str) -> type[Saved] | None:
    import cfensemble

    return getattr(cfensemble, name) if name in MODELS else None


def _reject_constant(name: str) -> None:
    raise ValueError(f"state holds {name}; numbers are finite")
