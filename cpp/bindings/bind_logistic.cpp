#include "arrays.hpp"
#include "bind.hpp"
#include "cfensemble/logistic.hpp"

namespace cfensemble::bindings {
namespace {

template <class T>
Eigen::Map<const Vector<T>> vector_map(const DenseArray<T>& array) {
    return Eigen::Map<const Vector<T>>(array.data(), array.size());
}

void check_labelled(const Labelled& labelled, Index n_instances) {
    for (Index i = 0; i < labelled.columns.size(); ++i) {
        const Index column = labelled.columns[i];
        const double label = labelled.labels[i], weight = labelled.weights[i];
        const auto place = [i] { return "[" + std::to_string(i) + "]"; };
        if (column < 0 || column >= n_instances) {
            throw py::index_error("columns" + place() + " is " + std::to_string(column) + ", outside [0, " +
                                  std::to_string(n_instances) + ")");
        }
        if (label != 0 && label != 1) {
            throw std::invalid_argument("labels" + place() + " is " + std::to_string(label) + ": must be 0 or 1");
        }
        if (!(std::isfinite(weight) && weight >= 0)) {
            throw std::invalid_argument("weights" + place() + " is " + std::to_string(weight) +
                                        ": must be finite and at least 0");
        }
    }
    if (!(labelled.weights.sum() > 0)) {
        throw std::invalid_argument("weights must have a positive sum: there is no labelled instance to learn from");
    }
}

// The loss in (w, b) from the loss in (v, b), v = X w.
py::tuple loss_of(const py::array& X, const py::array& Y, const py::array& w, double b, const py::array& columns,
                  const py::array& labels, const py::array& weights, double focal_gamma, bool with_hessian,
                  int n_threads) {
    return dispatch(Y, "Y", [&](auto scalar) {
        using T = decltype(scalar);
        check_matrix(X, "X");
        check_matrix(Y, "Y");
        check_shape(Y, "Y", check_factors(X, "X", X.shape(1)), Y.shape(1));
        check_length(w, "w", X.shape(1));
        const Index d = X.shape(0), m = X.shape(1), n = columns.size();
        check_length(columns, "columns", n);
        check_length(labels, "labels", n);
        check_length(weights, "weights", n);
        if (!(std::isfinite(focal_gamma) && focal_gamma >= 0)) {
            throw std::invalid_argument("focal_gamma must be finite and at least 0, got " +
                                        std::to_string(focal_gamma));
        }
        const DenseArray<T> x = dense<T>(X, "X"), y = dense<T>(Y, "Y");
        const DenseArray<double> w_array = dense<double>(w, "w"), labels_array = dense<double>(labels, "labels"),
                                 weights_array = dense<double>(weights, "weights");
        const DenseArray<Index> columns_array = dense<Index>(columns, "columns");
        const Labelled labelled{vector_map(columns_array), vector_map(labels_array), vector_map(weights_array)};
        check_labelled(labelled, Y.shape(1));
        const Execution how = execution(n_threads);

        Vector<double> gradient(m + 1);
        RowMatrix<double> hessian(with_hessian ? m + 1 : 0, with_hessian ? m + 1 : 0);
        double value = 0;
        {
            const py::gil_scoped_release unlocked;
            Eigen::MatrixXd extended = Eigen::MatrixXd::Zero(d + 1, m + 1);  // (v, b) = extended (w, b)
            extended.topLeftCorner(d, m) = factors<T>(x).template cast<double>();
            extended(d, m) = 1;
            const Vector<double> v = extended.topLeftCorner(d, m) * vector_map(w_array);
            const AggregatorLoss loss =
                aggregator_loss<T>(factors<T>(y), labelled, v, b, focal_gamma, with_hessian, how);
            value = loss.value;
            gradient = extended.transpose() * loss.gradient;
            if (with_hessian) hessian = extended.transpose() * loss.hessian * extended;
        }
        return py::make_tuple(value, to_array(gradient), with_hessian ? py::object(to_array(hessian)) : py::none());
    });
}

py::array probabilities(const py::array& X, const py::array& Y, const py::array& w, double b, int n_threads) {
    return dispatch(Y, "Y", [&](auto scalar) -> py::array {
        using T = decltype(scalar);
        check_matrix(X, "X");
        check_shape(Y, "Y", check_factors(X, "X", X.shape(1)), Y.ndim() == 2 ? Y.shape(1) : 1);
        check_length(w, "w", X.shape(1));
        const DenseArray<T> x = dense<T>(X, "X"), y = dense<T>(Y, "Y");
        const DenseArray<double> w_array = dense<double>(w, "w");
        const Execution how = execution(n_threads);
        py::array_t<T> out(Y.shape(1));
        const Eigen::Map<Vector<T>> p(out.mutable_data(), out.size());
        {
            const py::gil_scoped_release unlocked;
            const Vector<double> v = factors<T>(x).template cast<double>() * vector_map(w_array);
            predict<T>(factors<T>(y), v, b, p, how);
        }
        return out;
    });
}

}  // namespace

void bind_logistic(py::module_& module) {
    using py::arg;
    module.def("aggregator_loss", &loss_of, arg("X"), arg("Y"), arg("w"), arg("b"), arg("columns"), arg("labels"),
               arg("weights"), arg("focal_gamma"), arg("with_hessian"), arg("n_threads"));
    module.def("predict", &probabilities, arg("X"), arg("Y"), arg("w"), arg("b"), arg("n_threads"));
}

}  // namespace cfensemble::bindings
