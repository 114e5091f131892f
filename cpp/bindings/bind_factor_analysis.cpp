#include "arrays.hpp"
#include "bind.hpp"
#include "cfensemble/factor_analysis.hpp"

namespace cfensemble::bindings {
namespace {

Vector<double> classifier_vector(const py::array& array, const char* name, Index m) {
    check_length(array, name, m);
    const DenseArray<double> values = dense<double>(array, name);
    return Eigen::Map<const Vector<double>>(values.data(), m);
}

py::tuple moments_of_model(const py::array& X, const py::array& mean, const py::array& noise, const py::array& R,
                           int n_threads, const py::object& sample_weight) {
    return dispatch(R, "R", [&](auto scalar) {
        using T = decltype(scalar);
        const MatrixView<T> r = matrix_view<T>(R, "R");
        const Index m = r.rows, d = check_factors(X, "X", m);
        check_sizes(m, r.columns, d + 1);
        const DenseArray<double> x = dense<double>(X, "X");
        const FactorModel model{factors<double>(x), classifier_vector(mean, "mean", m),
                                classifier_vector(noise, "noise", m)};
        if (!model.noise.allFinite() || model.noise.minCoeff() < 0) {
            throw std::invalid_argument("noise must be finite and at least 0");
        }
        const double* weights = instance_weights(sample_weight, r.columns);
        const Execution how = execution(n_threads);
        Moments moments(m, d + 1);
        double log_likelihood = 0;
        {
            const py::gil_scoped_release unlocked;
            log_likelihood = factor_moments<T>(r, weights, model, moments, how);
        }
        return py::make_tuple(to_array(std::move(moments.gram)), to_array(std::move(moments.rhs)), log_likelihood);
    });
}

}  // namespace

void bind_factor_analysis(py::module_& module) {
    using py::arg;
    module.def("factor_moments", &moments_of_model, arg("X"), arg("mean"), arg("noise"), arg("R"), arg("n_threads"),
               arg("sample_weight") = py::none());
}

}  // namespace cfensemble::bindings
