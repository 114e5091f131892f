#include "arrays.hpp"
#include "bind.hpp"
#include "labelled.hpp"

namespace cfensemble::bindings {
namespace {

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
        check_focal_gamma(focal_gamma);
        const Index d = X.shape(0), m = X.shape(1);
        const DenseArray<T> x = dense<T>(X, "X"), y = dense<T>(Y, "Y");
        const DenseArray<double> w_array = dense<double>(w, "w");
        const LabelledArrays labelled(columns, labels, weights, Y.shape(1));
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
                aggregator_loss<T>(factors<T>(y), labelled.view(), v, b, focal_gamma, with_hessian, how);
            value = loss.value;
            gradient = extended.transpose() * loss.gradient;
            if (with_hessian) hessian = extended.transpose() * loss.hessian * extended;
        }
        return py::make_tuple(value, to_array(gradient),
                              with_hessian ? py::object(to_array(std::move(hessian))) : py::none());
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
