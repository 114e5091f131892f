#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bind.hpp"
#include "cfensemble/mixture.hpp"
#include "labelled.hpp"

namespace cfensemble::bindings {
namespace {

using Curve = std::pair<py::array, py::array>;     // x, y
using Weighted = std::pair<py::array, py::array>;  // theta, share

Interpolant interpolant(const Curve& curve) {
    const Index n = curve.first.size();
    if (n < 1) throw std::invalid_argument("curves must have at least one knot each");
    check_length(curve.first, "the knots of a curve", n);
    check_length(curve.second, "the values of a curve", n);
    const DenseArray<double> x = dense<double>(curve.first, "the knots of a curve");
    const DenseArray<double> y = dense<double>(curve.second, "the values of a curve");
    for (Index i = 0; i < n; ++i) {
        if (!std::isfinite(x.at(i)) || !std::isfinite(y.at(i)) || (i > 0 && !(x.at(i - 1) < x.at(i)))) {
            throw std::invalid_argument("curves must be finite, and their knots must ascend");
        }
    }
    return {x.data(), y.data(), n};
}

Aggregators aggregators_of(const Weighted& weighted, Index m) {
    const auto& [theta, share] = weighted;
    check_matrix(theta, "theta");
    check_shape(theta, "theta", theta.shape(0), m + 1);
    check_length(share, "shares", theta.shape(0));
    const DenseArray<double> theta_array = dense<double>(theta, "theta"), share_array = dense<double>(share, "shares");
    Aggregators out{factors<double>(theta_array), vector_map(share_array)};
    if (!out.theta.allFinite() || !out.share.allFinite()) {
        throw std::invalid_argument("theta and shares must be finite");
    }
    return out;
}

Mixture mixture(const py::array& X, const py::array& mean, const py::array& noise, const std::vector<Curve>& curves,
                const std::vector<Weighted>& aggregators, double clip, double base_rate) {
    const Index m = mean.size(), d = check_factors(X, "X", m);
    check_sizes(m, 1, d);
    check_length(mean, "mean", m);
    check_length(noise, "noise", m);
    const DenseArray<double> x = dense<double>(X, "X"), mean_array = dense<double>(mean, "mean"),
                             noise_array = dense<double>(noise, "noise");
    const FactorModel model{factors<double>(x), vector_map(mean_array), vector_map(noise_array)};
    if (!model.X.allFinite() || !model.mean.allFinite()) throw std::invalid_argument("X and mean must be finite");
    if (!model.noise.allFinite() || model.noise.minCoeff() < 0) {
        throw std::invalid_argument("noise must be finite and at least 0");
    }
    if (static_cast<Index>(curves.size()) != m) throw std::invalid_argument("there must be a curve per classifier");
    if (aggregators.size() != kReadings) throw std::invalid_argument("there must be aggregators of each reading");
    if (!(clip > 0 && clip < 0.5)) throw std::invalid_argument("clip must lie in (0, 1/2)");
    if (!(base_rate >= 0 && base_rate <= 1)) throw std::invalid_argument("base_rate must lie in [0, 1]");
    std::vector<Interpolant> interpolants;
    for (const Curve& curve : curves) interpolants.push_back(interpolant(curve));
    std::array<Aggregators, kReadings> weighted;
    for (std::size_t v = 0; v < kReadings; ++v) weighted[v] = aggregators_of(aggregators[v], m);
    return {model, std::move(interpolants), weighted, {clip, base_rate}};
}

py::array_t<double> predict(const Mixture& self, const py::array& R, int n_threads) {
    return dispatch(R, "R", [&](auto scalar) {
        using T = decltype(scalar);
        const MatrixView<T> r = matrix_view<T>(R, "R");
        check_shape(R, "R", self.n_classifiers(), r.columns);
        check_sizes(r.rows, r.columns, 1);
        py::array_t<double> out(r.columns);
        double* p = out.mutable_data();
        const Execution how = execution(n_threads);
        {
            const py::gil_scoped_release unlocked;
            self.predict<T>(r, p, how);
        }
        return out;
    });
}

}  // namespace

void bind_mixture(py::module_& module) {
    using py::arg;
    // Each instruction set's module has a class of its own.
    py::class_<Mixture>(module, "Mixture", py::module_local())
        .def(py::init(&mixture), arg("X"), arg("mean"), arg("noise"), arg("curves"), arg("aggregators"), arg("clip"),
             arg("base_rate"))
        .def("predict", &predict, arg("R"), arg("n_threads"));
}

}  // namespace cfensemble::bindings
