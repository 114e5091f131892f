"""The combiner as a classifier whose features are the classifiers' predictions."""

import os
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from cfensemble._digest import data_digest
from cfensemble._typing import Float, Vector
from cfensemble._validation import integer
from cfensemble._warnings import warn_user
from cfensemble.data.ensemble_data import EnsembleData, empty_lines
from cfensemble.data.suspicions import copies_of_labels
from cfensemble.estimators.labels import Labels, encode_labels, hint_at_marker
from cfensemble.estimators.names import check_names
from cfensemble.estimators.predictions import check_predictions, convert_predictions, read_predictions
from cfensemble.estimators.scoring import LabelledScore
from cfensemble.exceptions import DataWarning
from cfensemble.persistence.fields import Field, OrNone, Plain, Values
from cfensemble.persistence.model_file import SavedModel
from cfensemble.persistence.saved import OrPlain, Part, split_parameters
from cfensemble.solvers import OPTIONS, make_trainer

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from cfensemble.combining.combiner import Combiner
    from cfensemble.combining.multiclass import MulticlassCombiner
    from cfensemble.data.confidence import ConfidenceStrategy
    from cfensemble.ensemble.prior import PriorName
    from cfensemble.optimization.base import BaseTrainer
    from cfensemble.optimization.history import Callback


class CFEnsembleClassifier(SavedModel, LabelledScore, BaseEstimator):
    """Combines the predictions of an ensemble, with few labels and some predictions missing.

    Its features are probabilities that other classifiers predicted. It learns from all rows, labelled or not, as
    scikit-learn's semi-supervised classifiers do: a row without a label is marked by -1. A factorisation of the
    predictions fills those that are missing, and what the few labels say is weighed against the classifiers' agreement.

    Parameters
    ----------
    solver : {'auto', 'als', 'joint', 'torch'}, default='auto'
        'auto' takes all settings from the data (`Combiner`); it predicts best and takes two classes or more. The others
        are for two classes: alternating least squares (`CFEnsembleTrainer`), the joint objective minimised exactly
        (`CFEnsembleJointTrainer`), or by gradient descent (`CFEnsemblePyTorchTrainer`), with settings that aim at
        probabilities that can be trusted.
    latent_dim : int, optional
        Dimension of the factors. This and the following options, up to `link`, are those of the trainers; None is
        the trainer's default. With 'auto' none of them can be set.
    rho : float, optional
        Share of the reconstruction in the objective, in [0, 1].
    lambda_reg : float, optional
        Penalty >= 0 on the factors.
    max_iter : int, optional
        Most iterations, or epochs. Default: 100 for ALS, 200 for the joint solver, 500 for torch. ALS has two stages,
        the factors and then the weights, of so many iterations each.
    confidence : str or ConfidenceStrategy, optional
        How much each prediction counts.
    prior : {'reliability', 'average', 'zero'}, optional
        Weights that are believed in before a label is seen. None: equal ones, as firmly as one label.
    strength : 'auto' or float, optional
        How firmly.
    nonnegative : bool, optional
        Keep weights >= 0.
    link : {'identity', 'logit'}, optional
        'logit' combines log-odds.
    unlabeled : scalar, default=-1
        What marks an unlabelled row in y. None: only None, NaN and the like do, which always mean unlabelled.
    warm_start : bool, default=False
        A further `fit`, when more labels have arrived, starts where the last one ended; see `Combiner`.
    random_state : int, RandomState or None, default=None
        Seed of random starts; 'auto' and the defaults of 'als' need none.
    n_threads : int, optional
        Threads to use; None: what the process may use.
    callbacks : sequence of callables, default=()
        Each is called with an `IterationRecord` after every iteration and may return True to stop. Not with 'auto'.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The classes, sorted; of two the last is the positive one.
    label_distributions_ : ndarray of shape (n, K)
        Probability of each class for the rows that were fitted.
    transduction_ : ndarray of shape (n,)
        Most probable class of each row that was fitted.
    classifier_weights_ : ndarray of shape (m,)
        How much each classifier counts: with 'auto' its standardised average marginal effect on the combined log-odds
        (see `Combiner.get_aggregator_weights`), else the aggregator's weight.
    combiner_ : Combiner, MulticlassCombiner or trainer
        What was fitted.
    n_features_in_ : int
        Number m of classifiers.
    feature_names_in_ : ndarray of shape (m,)
        Their names, if P had some.
    n_iter_ : int
        Iterations of the factorisation.

    See Also
    --------
    CFStackingClassifier : Makes the predictions, too, from scikit-learn's classifiers.
    combine : The same without labels, or in one call.

    Examples
    --------
    >>> import numpy as np
    >>> from cfensemble import CFEnsembleClassifier
    >>> P = [[0.9, 0.8, 0.6], [0.2, 0.4, 0.1], [0.7, np.nan, 0.9], [0.1, 0.2, 0.3]]
    >>> model = CFEnsembleClassifier().fit(P, ["spam", "ham", None, None])
    >>> model.transduction_.tolist()
    ['spam', 'ham', 'spam', 'ham']
    >>> model.predict_proba([[0.8, 0.9, np.nan]]).round(1)
    array([[0.2, 0.8]])
    """

    _fitted_to: str | None = None

    def __init__(
        self,
        solver: Literal["auto", "als", "joint", "torch"] = "auto",
        *,
        latent_dim: int | None = None,
        rho: float | None = None,
        lambda_reg: float | None = None,
        max_iter: int | None = None,
        confidence: "str | ConfidenceStrategy | None" = None,
        prior: "PriorName | None" = None,
        strength: Literal["auto"] | float | None = None,
        nonnegative: bool | None = None,
        link: Literal["identity", "logit"] | None = None,
        unlabeled: Any = -1,
        warm_start: bool = False,
        random_state: "int | np.random.RandomState | None" = None,
        n_threads: int | None = None,
        callbacks: "Sequence[Callback]" = (),
    ) -> None:
        self.solver = solver
        self.latent_dim = latent_dim
        self.rho = rho
        self.lambda_reg = lambda_reg
        self.max_iter = max_iter
        self.confidence = confidence
        self.prior = prior
        self.strength = strength
        self.nonnegative = nonnegative
        self.link = link
        self.unlabeled = unlabeled
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_threads = n_threads
        self.callbacks = callbacks

    def fit(self, P: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to all rows, labelled or not.

        Parameters
        ----------
        P : array-like or data frame (n, m), array-like (n, m, K), or list or mapping of m arrays (n, K)
            Predicted probabilities, of the positive class or of all K classes in the order of `classes_`, as
            `predict_proba` returns them; NaN where a classifier predicted nothing. A mapping may hold arrays (n,), too,
            of the positive class. The classifiers' names are taken from the columns of a data frame (pandas, polars,
            pyarrow and others) or the keys of a mapping.
        y : array-like of shape (n,)
            Classes; -1 (see `unlabeled`), None or NaN where unlabelled.
        sample_weight : array-like of shape (n,), optional
            How often each row counts, >= 0: its confidence, its penalty and its label alike. Default: once.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If P holds no probabilities, y not at least two classes (or not those of P), lengths differ, or a parameter
            is out of range.

        Warns
        -----
        DataWarning
            If a classifier or a row has no prediction at all.
        """
        values, names = read_predictions(P)
        labels = encode_labels(y, len(values), self.unlabeled, values.shape[1])
        _check_classes(values, labels)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, values, dtype=np.float64, ensure_non_negative=True)
            _check_weighted_classes(labels, weight)
        combiner = self._fit(values, labels, weight, names)
        # Nothing of this object has changed so far: a fit that fails leaves it as it was.
        self._adopt(combiner, labels.classes, names, _digest(values))
        return self

    def _adopt(
        self,
        combiner: "Combiner | MulticlassCombiner | BaseTrainer",
        classes: NDArray[Any],
        names: Sequence[str] | None,
        fitted_to: str | None,
    ) -> None:
        """Take over what was fitted, and to what."""
        if names is not None:
            self.feature_names_in_ = np.array(names, object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.combiner_, self.classes_ = combiner, classes
        self.label_distributions_ = _distributions(combiner.predictions_)
        self.transduction_ = self._most_probable(self.label_distributions_)
        self.classifier_weights_ = combiner.get_aggregator_weights()
        self.n_features_in_ = len(self.classifier_weights_)
        self.n_iter_ = combiner.n_iter_
        self._fitted_to = fitted_to

    def predict_proba(self, P: Any) -> Float:
        """Probability of each class for new rows of predictions, which are folded in.

        Parameters
        ----------
        P : array-like, data frame, list or mapping
            As in `fit`, with the same classifiers.

        Returns
        -------
        ndarray of shape (k, K)
            Columns in the order of `classes_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If P holds no probabilities, or those of other classifiers than were fitted.
        """
        if not hasattr(self, "combiner_"):
            check_is_fitted(self, "combiner_")  # takes longer than the prediction of a row
        values, names = convert_predictions(P)
        self._check_classifiers(values, names)
        if values.ndim == 3:
            check_predictions(values, names)
        try:
            p = self.combiner_.predict(R_new=_classifiers_first(values))
        except ValueError:
            check_predictions(values, names)  # what predicts checks as well: this tells in terms of P
            raise
        return _distributions(p)

    def predict(self, P: Any) -> NDArray[Any]:
        """Most probable class of new rows of predictions, (k,); see `predict_proba`."""
        return self._most_probable(self.predict_proba(P))

    def report(
        self,
        P: Any,
        y: Any,
        path: "str | os.PathLike[str]",
        *,
        title: str = "predictions",
        ids: Sequence[Any] | None = None,
    ) -> None:
        """Write an HTML page on what was combined, how good the result is, and whether it can be trusted.

        How good is found out by cross-validation of the labelled rows: it refits, and takes longer than `fit`. The
        page is one file that needs no network and no script.

        Parameters
        ----------
        P, y : as in `fit`
            Those of the fit, or other rows. They count once each, whatever their weight in the fit.
        path : path
            The HTML file; it appears as a whole or not at all, in place of what was there.
        title : str, default="predictions"
            What the predictions are called on the page.
        ids : sequence of length n, optional
            What the rows are called; default their positions, from 0.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If P holds no probabilities or those of other classifiers, or y other labels than `classes_`.
        ImportError
            Without jinja2 or matplotlib, saying what to install.
        """
        check_is_fitted(self, "combiner_")
        from cfensemble.report import write_report

        write_report(path, self, P, y, title=title, ids=ids)

    def _fit(
        self, values: Float, labels: Labels, weight: Vector | None, names: Sequence[str] | None
    ) -> "Combiner | MulticlassCombiner | BaseTrainer":
        seed = self._seed()
        R = _classifiers_first(values)
        options = {name: getattr(self, name) for name in OPTIONS if getattr(self, name) is not None}
        if R.ndim == 3:
            if self.solver != "auto" or options or self.callbacks:
                raise ValueError(
                    f"P has {R.shape[1]} classes: of more than two only solver='auto' without options makes a model"
                )
            from cfensemble.combining.multiclass import MulticlassCombiner

            combiner = MulticlassCombiner(self.n_threads, self.warm_start)
            self._pass_on(combiner)
            _warn_about_gaps(R[:, 0], names)
            return combiner.fit(R, labels.codes, weight)
        trainer = make_trainer(
            self.solver,
            labels.codes,
            seed,
            self.callbacks,
            self.n_threads,
            sample_weight=weight,
            warm_start=self.warm_start,
            **options,
        )
        self._pass_on(trainer)
        data = _Data(R, labels.codes, sample_weight=weight)
        _warn_about_gaps(R, names)
        _warn_about_copies(R, labels.codes, names)
        return trainer.fit(data)

    def _seed(self) -> int | None:
        seed = self.random_state
        if seed is None:
            return None
        if isinstance(seed, Integral):
            return integer(seed, "random_state", 0)
        return int(check_random_state(seed).randint(np.iinfo(np.int32).max))

    def _pass_on(self, successor: "Combiner | MulticlassCombiner | BaseTrainer") -> None:
        """For a warm start, give an unfitted model what the last one of its class was fitted to."""
        last = getattr(self, "combiner_", None)
        if self.warm_start and type(last) is type(successor):
            vars(successor).update({name: value for name, value in vars(last).items() if name not in vars(successor)})

    def _check_classifiers(self, values: Float, names: list[str] | None) -> None:
        check_names(getattr(self, "feature_names_in_", None), names, type(self).__name__)
        if values.shape[1] != self.n_features_in_:
            raise ValueError(
                f"P has {values.shape[1]} classifiers, but {type(self).__name__} was fitted with {self.n_features_in_}"
            )
        n_classes = 2 if values.ndim == 2 else values.shape[2]
        if n_classes != len(self.classes_):
            raise ValueError(
                f"P has the probabilities of {n_classes} classes, shape {values.shape}, but {type(self).__name__} was "
                f"fitted with {len(self.classes_)}"
            )

    def _is_fitted_to(self, values: Float) -> bool:
        """Whether the model was fitted to these predictions (n, m[, K]), to single precision."""
        return self._fitted_to == _digest(values)

    def _most_probable(self, p: Float) -> NDArray[Any]:
        return self.classes_[np.argmax(p, axis=1)]

    def _check_fitted(self) -> None:
        check_is_fitted(self, "combiner_")

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        from cfensemble.combining.combiner import Combiner
        from cfensemble.combining.multiclass import MulticlassCombiner
        from cfensemble.data.confidence import STRATEGIES
        from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsemblePyTorchTrainer, CFEnsembleTrainer

        parameters = super()._fields() | {"confidence": OrPlain(Part(*STRATEGIES.values()))}
        del parameters["callbacks"]
        trainers = CFEnsembleTrainer, CFEnsembleJointTrainer, CFEnsemblePyTorchTrainer
        return parameters | {
            "classes_": Values(),
            "feature_names_in_": OrNone(Values()),
            "combiner_": Part(Combiner, MulticlassCombiner, *trainers),
            "_fitted_to": Plain(),
        }

    def _state(self) -> dict[str, Any]:
        names = getattr(self, "feature_names_in_", None)
        return vars(self) | {"feature_names_in_": names, "_fitted_to": self._fitted_to}

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        parameters, fitted = split_parameters(cls, state)
        classifier = cls(**parameters)
        options = {name: parameters[name] for name in OPTIONS if parameters[name] is not None}
        make_trainer(classifier.solver, np.array([0.0, 1.0]), parameters["random_state"], **options)
        classes, names = fitted["classes_"], fitted["feature_names_in_"]
        n_classes = _distributions(fitted["combiner_"].predictions_).shape[1]
        if not len(classes) == len(set(classes.tolist())) == n_classes:
            raise ValueError(f"classes_ must be {n_classes} different ones, got {classes.tolist()!r}")
        classifier._adopt(fitted["combiner_"], classes, names, fitted["_fitted_to"])
        if names is not None and len(names) != classifier.n_features_in_:
            raise ValueError(f"feature_names_in_ must be {classifier.n_features_in_}, got {len(names)}")
        return classifier

    def __sklearn_tags__(self) -> "Tags":
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


class _Data(EnsembleData):
    """Data whose gaps and copies were told of in terms of P."""

    def _warn(self) -> None:
        pass


def _warn_about_copies(R: Float, labels: Vector, names: Sequence[str] | None) -> None:
    """Name the classifiers that hold the labels (n,) themselves."""
    for u in copies_of_labels(R, labels):
        shown = f"column {u}" if names is None else repr(names[u])
        message = f"{shown} holds the labels themselves, where there are labels and nowhere else; leave it out"
        warn_user(message, DataWarning)


def _warn_about_gaps(R: Float, names: Sequence[str] | None) -> None:
    """Name the classifiers and the rows that R (m, n) has no prediction of."""
    silent, unseen = empty_lines(R)
    if silent.any():
        columns = np.flatnonzero(silent)
        shown = [f"column {u}" if names is None else repr(names[u]) for u in columns[:10]]
        more = ["..."] if len(columns) > 10 else []
        count = "1 classifier" if len(columns) == 1 else f"{len(columns)} classifiers"
        fate = f"leave {'it' if len(columns) == 1 else 'them'} out"
        warn_user(f"{count} without any prediction: {', '.join(shown + more)}; {fate}", DataWarning)
    if unseen.any():
        n_rows, first = np.count_nonzero(unseen), np.argmax(unseen)
        message = (
            f"1 row without any prediction, row {first}: it gets the base rate"
            if n_rows == 1
            else f"{n_rows} rows without any prediction, row {first} the first: they get the base rate"
        )
        warn_user(message, DataWarning)


def _classifiers_first(values: Float) -> Float:
    """Predictions (n, m[, K]) as R (m, n), or (m, K, n) of more than two classes."""
    if values.ndim == 2:
        return values.T
    return values[:, :, 1].T if values.shape[2] == 2 else values.transpose(1, 2, 0)


def _digest(values: Float) -> str:
    """A hash of predictions (n, m[, K]) in single precision, so that it survives most of what copying does."""
    R = _classifiers_first(values).astype(np.float32)
    R[np.isnan(R)] = np.nan  # there are many
    return data_digest(R, None)


def _distributions(p: Float) -> Float:
    """Probability of each class (n, K), from that of the positive one (n,) or of all (K, n)."""
    if p.ndim == 2:
        return np.ascontiguousarray(p.T)
    distributions = np.empty((len(p), 2), p.dtype)
    np.subtract(1, p, out=distributions[:, 0])
    distributions[:, 1] = p
    return distributions


def _check_classes(values: Float, labels: Labels) -> None:
    n_classes = len(labels.classes)
    shown = ", ".join([*map(repr, labels.classes[:10].tolist()), *(["..."] if n_classes > 10 else [])])
    if values.ndim == 2 and n_classes > 2:
        raise ValueError(
            f"y has {n_classes} classes, {shown}, but P, of shape {values.shape}, holds the probabilities of one: pass "
            f"those of every class, (n, m, K) or a list of what predict_proba returns{hint_at_marker(labels.classes)}"
        )
    if values.ndim == 3 and values.shape[2] != n_classes:
        cure = "; label at least one row of each class that P predicts" if n_classes < values.shape[2] else ""
        raise ValueError(
            f"P holds the probabilities of {values.shape[2]} classes, but y has {n_classes}: "
            f"{shown}{cure}{hint_at_marker(labels.classes)}"
        )


def _check_weighted_classes(labels: Labels, weight: Vector) -> None:
    if not weight.any():
        raise ValueError("sample_weight is zero for every row: at least one row of each class has to count")
    for code, label in enumerate(labels.classes.tolist()):
        if not weight[labels.codes == code].any():
            raise ValueError(f"sample_weight is 0 on every row of class {label!r}: each class needs a row that counts")
