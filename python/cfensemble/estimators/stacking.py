"""Stacking in which rows without a label take part."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import TransformerMixin, is_classifier
from sklearn.utils import Bunch, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, has_fit_parameter, validate_data

from cfensemble._typing import Float, Indices, Vector
from cfensemble._warnings import warn_user
from cfensemble.estimators.base_models import as_rows, number_of_rows, predict_rows
from cfensemble.estimators.classifier import CFEnsembleClassifier
from cfensemble.estimators.held_out import HeldOut, predict_held_out, predict_prefit
from cfensemble.estimators.labels import Labels, encode_labels
from cfensemble.estimators.scoring import LabelledScore
from cfensemble.estimators.splits import Split, split_labelled
from cfensemble.exceptions import DataWarning

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from cfensemble.optimization.history import Callback


class CFStackingClassifier(TransformerMixin, LabelledScore, _BaseComposition):
    """Stacks classifiers, with few labels: scikit-learn's `StackingClassifier` for when most rows have none.

    The base models are trained on the labelled rows. What they predict of labelled rows, each held out of their
    training in turn, and of all unlabelled rows is combined by `CFEnsembleClassifier`.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Base models by name; 'drop' in place of one leaves it out. Those without `predict_proba` have their
        `decision_function` squashed, or vote.
    cv : int, splitter, iterable of (train, test) or 'prefit', default=5
        How labelled rows are held out: so many stratified folds, at most as many as the rarest class has labelled rows;
        or a splitter, which is shown the labelled rows alone, so that indices count those. It need not be a partition:
        a row that is never held out has no predictions, and those of one that is held out more than once are averaged.
        'prefit': the models are fitted already, and on none of these rows, or they look better than they are.
    solver : {'auto', 'als', 'joint', 'torch'}, default='auto'
        How predictions are combined; see `CFEnsembleClassifier`.
    n_jobs : int, optional
        Processes that base models are trained in; the combination, which comes after it, has `n_threads`.
    on_error : {'missing', 'raise'}, default='missing'
        What to do about a base model that fails: for a row that it cannot score, on a fold that it cannot be fitted to,
        or for want of columns. 'missing' counts it as a missing prediction, with a `DataWarning`.
    unlabeled : scalar, default=-1
        What marks an unlabelled row in y, besides None and NaN.
    random_state : int, RandomState or None, default=None
        Seed of the combination, see `CFEnsembleClassifier`. Base models and splitters have their own.
    n_threads : int, optional
        Threads of the combination; None: what the process may use.
    callbacks : sequence of callables, default=()
        See `CFEnsembleClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The classes, sorted.
    estimators_ : list of estimators
        Base models trained on all labelled rows; None for one that could not be.
    named_estimators_ : Bunch
        The same by name, 'drop' for those left out.
    final_estimator_ : CFEnsembleClassifier
        What combines them; it can be saved to a file, as base models of any kind cannot.
    label_distributions_ : ndarray of shape (n, K)
        Probability of each class for the rows that were fitted.
    transduction_ : ndarray of shape (n,)
        Most probable class of each row that was fitted.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if all are strings.

    See Also
    --------
    CFEnsembleClassifier : Combines predictions that exist already.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from cfensemble import CFStackingClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> few = np.where(np.arange(len(y)) % 20 == 0, y, -1)  # a label in twenty
    >>> linear = make_pipeline(StandardScaler(), LogisticRegression())
    >>> model = CFStackingClassifier([("linear", linear), ("bayes", GaussianNB())]).fit(X, few)
    >>> bool(np.mean(model.transduction_ == y) > 0.9)
    True
    """

    def __init__(
        self,
        estimators: Sequence[tuple[str, Any]],
        *,
        cv: Any = 5,
        solver: Literal["auto", "als", "joint", "torch"] = "auto",
        n_jobs: int | None = None,
        on_error: Literal["missing", "raise"] = "missing",
        unlabeled: Any = -1,
        random_state: "int | np.random.RandomState | None" = None,
        n_threads: int | None = None,
        callbacks: "Sequence[Callback]" = (),
    ) -> None:
        self.estimators = estimators
        self.cv = cv
        self.solver = solver
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.unlabeled = unlabeled
        self.random_state = random_state
        self.n_threads = n_threads
        self.callbacks = callbacks

    def fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None, **fit_params: Any
    ) -> Self:
        """Train the base models on the labelled rows and combine their predictions of all rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n, n_features)
            Whatever the base models take.
        y : array-like of shape (n,)
            Classes; -1 (see `unlabeled`), None or NaN where unlabelled.
        sample_weight : array-like of shape (n,), optional
            How often each row counts, for base models and combination alike.
        groups : array-like of shape (n,), optional
            Groups of rows that the splitter keeps together.
        **fit_params
            Further arguments of the base models' `fit`, with scikit-learn's metadata routing enabled.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If a base model does not take the weights that are given.
        ValueError
            If a base model is no classifier, y has not labels of at least two classes, with two rows of each to hold
            one out, lengths differ, or a parameter is out of range.
        Exception
            A base model's own, if none of them could be fitted and predict, or with `on_error='raise'` any.

        Warns
        -----
        DataWarning
            If a base model failed, on some rows or altogether.
        """
        models = self._models()
        if self.on_error not in ("missing", "raise"):
            raise ValueError(f"on_error must be 'missing' or 'raise', got {self.on_error!r}")
        X = as_rows(X)
        labels = encode_labels(y, number_of_rows(X), self.unlabeled)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, labels.codes, dtype=np.float64, ensure_non_negative=True)
        held_out = self._hold_out(models, X, labels, weight, groups, fit_params)
        _report(list(models), held_out.P, held_out.errors, all(model is None for model in held_out.models))
        final = CFEnsembleClassifier(
            self.solver,
            unlabeled=None,
            random_state=self.random_state,
            n_threads=self.n_threads,
            callbacks=self.callbacks,
        )
        final.fit(_by_name(models, held_out.P), labels.decoded(), weight)
        by_name = dict(zip(models, held_out.models, strict=True))
        self.estimators_, self.final_estimator_, self.classes_ = held_out.models, final, labels.classes
        validate_data(self, X, skip_check_array=True)  # the names and the number of columns
        self._classes_of_models = held_out.classes
        self.named_estimators_ = Bunch(**{name: by_name.get(name, "drop") for name, _ in self.estimators})
        self.label_distributions_ = final.label_distributions_
        self.transduction_ = self.classes_[np.argmax(self.label_distributions_, axis=1)]
        return self

    def predict_proba(self, X: Any) -> Float:
        """Probability of each class for new rows of X.

        Parameters
        ----------
        X : array-like or data frame of k rows
            As in `fit`, with the same columns.

        Returns
        -------
        ndarray of shape (k, K)
            Columns in the order of `classes_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X has other columns than were fitted, or no base model can score it.
        """
        P = self._predictions(X)
        return self.final_estimator_.predict_proba(_by_name(self._names(), P))

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class of new rows of X, (k,); see `predict_proba`."""
        p = self.predict_proba(X)
        return self.classes_[np.argmax(p, axis=1)]

    def transform(self, X: Any) -> Float:
        """What the base models predict: (k, m) for two classes, (k, m K) for more; NaN where one failed."""
        P = self._predictions(X)
        return P[:, :, 1] if P.shape[2] == 2 else P.reshape(len(P), -1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns of `transform`: the base models', with the class where there are more than two."""
        check_is_fitted(self, "final_estimator_")
        prefix = type(self).__name__.lower()
        if len(self.classes_) == 2:
            return np.array([f"{prefix}_{name}" for name in self._names()], object)
        return np.array([f"{prefix}_{name}{k}" for name in self._names() for k in range(len(self.classes_))], object)

    @property
    def named_estimators(self) -> Bunch:
        """The base models as given, by name."""
        return Bunch(**dict(self.estimators))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters, and with `deep` those of the base models as name__parameter."""
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a base model is replaced by name."""
        return self._set_params("estimators", **params)

    def get_metadata_routing(self) -> MetadataRouter:
        """Which metadata goes to which base model."""
        router = MetadataRouter(owner=self).add_self_request(self)
        for name, estimator in self.estimators:
            if estimator != "drop":
                router.add(**{name: estimator}, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
        return router

    def __sklearn_tags__(self) -> "Tags":
        tags = super().__sklearn_tags__()
        try:
            models = [get_tags(estimator).input_tags for _, estimator in self.estimators if estimator != "drop"]
        except Exception:  # they are no estimators by name, as `fit` will say
            return tags
        enough = any if self.on_error == "missing" else all
        tags.input_tags.sparse = enough(model.sparse for model in models)
        tags.input_tags.allow_nan = enough(model.allow_nan for model in models)
        return tags

    # ------------------------------------------------------------------------------------------------ base models

    def _models(self) -> dict[str, Any]:
        """The base models by name, without those dropped."""
        if not isinstance(self.estimators, Sequence) or not self.estimators:
            raise ValueError("estimators must be a list of (name, estimator) tuples with at least one of them")
        for u, entry in enumerate(self.estimators):
            if not (isinstance(entry, tuple | list) and len(entry) == 2 and isinstance(entry[0], str)):
                raise ValueError(
                    f"estimators must be a list of (name, estimator) tuples, but estimators[{u}] is {_shown(entry)}"
                )
        self._validate_names([name for name, _ in self.estimators])
        models = {
            name: estimator
            for name, estimator in self.estimators
            if not (isinstance(estimator, str) and estimator == "drop")
        }
        for name, model in models.items():
            _check_classifier(name, model)
        if not models:
            raise ValueError("estimators: all of them are dropped; at least one is needed")
        return models

    def _names(self) -> list[str]:
        return [name for name, estimator in self.named_estimators_.items() if estimator != "drop"]

    def _hold_out(
        self,
        models: dict[str, Any],
        X: Any,
        labels: Labels,
        weight: Vector | None,
        groups: Any,
        fit_params: dict[str, Any],
    ) -> HeldOut:
        one_by_one = self.on_error == "missing"
        if isinstance(self.cv, str) and self.cv == "prefit":
            if fit_params:
                raise TypeError(f"fit got arguments for models that are fitted already: {', '.join(fit_params)}")
            for model in models.values():
                check_is_fitted(model)
            return predict_prefit(list(models.values()), X, labels.classes, one_by_one)
        codes = np.where(np.isnan(labels.codes), -1, labels.codes).astype(np.int64)
        splits = self._splits(X, codes, labels, groups)
        params = self._params_of_fit(models, weight, fit_params)
        return predict_held_out(list(models.values()), X, codes, splits, params, self.n_jobs, one_by_one)

    def _splits(self, X: Any, codes: Indices, labels: Labels, groups: Any) -> list[Split]:
        """Rows to train on and to hold out, all of them labelled."""
        known = labels.known
        sizes = np.bincount(codes[known])
        if sizes.min() < 2:
            rare = labels.classes.tolist()[np.argmin(sizes)]
            raise ValueError(
                f"y has one labelled row of class {rare!r}, so that none of it can be held out: label another, or "
                "train the models elsewhere (cv='prefit')"
            )
        cv = min(self.cv, int(sizes.min())) if isinstance(self.cv, int | np.integer) and self.cv > 1 else self.cv
        splits = list(split_labelled(cv, X, codes[known], known, groups, len(codes)))
        if not splits:
            raise ValueError("cv makes no splits; an iterator gives its own once, a list does so again and again")
        return splits

    def _params_of_fit(
        self, models: dict[str, Any], weight: Vector | None, fit_params: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", sample_weight=weight, **fit_params)
            return [dict(routed[name].fit) for name in models]
        if fit_params:
            raise TypeError(
                f"fit got unexpected arguments {', '.join(fit_params)}: only with "
                "sklearn.set_config(enable_metadata_routing=True) do they reach the base models"
            )
        if weight is None:
            return [{} for _ in models]
        for name, model in models.items():
            if not has_fit_parameter(model, "sample_weight"):
                raise TypeError(
                    f"sample_weight: base model {name!r} ({type(model).__name__}) does not take it; enable "
                    "scikit-learn's metadata routing to say who gets it"
                )
        return [{"sample_weight": weight} for _ in models]

    def _predictions(self, X: Any) -> Vector:
        """What the base models say of new rows, (k, m, K)."""
        check_is_fitted(self, "final_estimator_")
        X = as_rows(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        n_classes = len(self.classes_)
        scored = [
            (np.full((number_of_rows(X), n_classes), np.nan), None)
            if model is None
            else predict_rows(model, X, classes, self.on_error == "missing")
            for model, classes in zip(self.estimators_, self._classes_of_models, strict=True)
        ]
        P = np.stack([p for p, _ in scored], axis=1)
        _report(self._names(), P, [error for _, error in scored])
        return P


def _by_name(names: Iterable[str], P: Vector) -> dict[str, Vector]:
    """Predictions (n, m, K) as m arrays (n, K) by name."""
    return dict(zip(names, np.moveaxis(P, 1, 0), strict=True))


def _report(names: Sequence[str], P: Vector, errors: Sequence[Exception | None], none_fitted: bool = False) -> None:
    """Warn about base models that failed for some rows; fail if all of them did, for all rows or altogether."""
    missing = np.isnan(P).all(axis=2).sum(axis=0)
    failed = [(name, int(count), error) for name, count, error in zip(names, missing, errors, strict=True) if error]
    if failed and (none_fitted or missing.sum() == len(names) * len(P)):
        name, _, error = failed[-1]
        error.add_note(f"no base model could be fitted and predict; the last to fail was {name!r}")
        raise error
    for name, count, error in failed:
        warn_user(
            f"base model {name!r} failed, and {count} of {len(P)} rows have no prediction of it: {_first_line(error)}",
            DataWarning,
        )


def _check_classifier(name: str, model: Any) -> None:
    """Raise a ValueError unless a base model is a classifier; a pipeline or search is one if its last step is."""
    if isinstance(model, type) or not hasattr(model, "fit"):
        cure = f"; pass an object, {model.__name__}()" if isinstance(model, type) else " or 'drop'"
        raise ValueError(f"estimators: base model {name!r} is {_shown(model)}, but should be a classifier{cure}")
    if hasattr(model, "classes_"):  # fitted, in another way than scikit-learn's maybe
        return
    if hasattr(model, "__sklearn_tags__"):
        accepted = is_classifier(model)
    else:  # not one of scikit-learn's base classes
        accepted = getattr(model, "_estimator_type", None) == "classifier" or hasattr(model, "predict_proba")
    if not accepted:
        raise ValueError(f"estimators: base model {name!r} ({type(model).__name__}) should be a classifier")


def _shown(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else " ".join(repr(value).split())[:100]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
