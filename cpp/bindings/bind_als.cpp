#include "arrays.hpp"
#include "bind.hpp"
#include "cfensemble/als.hpp"
#include "cfensemble/balance.hpp"
#include "cfensemble/classifier_step.hpp"

namespace cfensemble::bindings {
namespace {

void check_lambda(double lambda_reg) {
    if (!(std::isfinite(lambda_reg) && lambda_reg >= 0)) {
        throw std::invalid_argument("lambda_reg must be finite and at least 0, got " + std::to_string(lambda_reg));
    }
}

struct InstanceStepOutput {
    py::array Y;
    SweepResult result;
};

InstanceStepOutput run_sweep(const py::array& X, const py::array& R, const std::optional<py::array>& C,
                             double lambda_reg, int n_threads, Moments* moments) {
    check_lambda(lambda_reg);
    return dispatch(R, "R", [&](auto scalar) -> InstanceStepOutput {
        using T = decltype(scalar);
        const Problem<T> data = problem<T>(R, C);
        check_shape(X, "X", X.ndim() == 2 ? X.shape(0) : 1, data.n_classifiers());
        const DenseArray<T> x = dense<T>(X, "X");
        DenseArray<T> Y({X.shape(0), data.n_instances()});
        const Factors<T> y = mutable_factors(Y);
        const Execution how = execution(n_threads);
        SweepResult result;
        {
            const py::gil_scoped_release unlocked;
            result = sweep<T>(data, factors<T>(x), static_cast<T>(lambda_reg), y, moments, how);
        }
        return {Y, result};
    });
}

py::tuple instance_step(const py::array& X, const py::array& R, const std::optional<py::array>& C, double lambda_reg,
                        int n_threads) {
    const InstanceStepOutput out = run_sweep(X, R, C, lambda_reg, n_threads, nullptr);
    return py::make_tuple(out.Y, out.result.n_fallback);
}

py::tuple sweep_with_moments(const py::array& X, const py::array& R, const std::optional<py::array>& C,
                             double lambda_reg, int n_threads) {
    check_matrix(X, "X");
    Moments moments(X.shape(1), X.shape(0));
    const InstanceStepOutput out = run_sweep(X, R, C, lambda_reg, n_threads, &moments);
    return py::make_tuple(out.Y, to_array(moments.gram), to_array(moments.rhs), out.result.residual,
                          out.result.n_fallback);
}

py::tuple moments_of(const py::array& Y, const py::array& R, const std::optional<py::array>& C, int n_threads) {
    return dispatch(R, "R", [&](auto scalar) {
        using T = decltype(scalar);
        const Problem<T> data = problem<T>(R, C);
        check_shape(Y, "Y", Y.ndim() == 2 ? Y.shape(0) : 1, data.n_instances());
        const DenseArray<T> y = dense<T>(Y, "Y");
        const Execution how = execution(n_threads);
        Moments moments(data.n_classifiers(), Y.shape(0));
        {
            const py::gil_scoped_release unlocked;
            classifier_moments<T>(data, factors<T>(y), moments, how);
        }
        return py::make_tuple(to_array(moments.gram), to_array(moments.rhs));
    });
}

py::tuple classifier_step(const py::array& gram, const py::array& rhs, double lambda_reg, bool balance, int n_threads) {
    check_lambda(lambda_reg);
    check_matrix(rhs, "rhs");
    const Index m = rhs.shape(0), d = rhs.shape(1);
    check_shape(gram, "gram", m + 1, packed_size(d));
    const DenseArray<double> gram_array = dense<double>(gram, "gram"), rhs_array = dense<double>(rhs, "rhs");
    const Execution how = execution(n_threads);
    Moments moments(m, d);
    moments.gram = factors<double>(gram_array);
    moments.rhs = factors<double>(rhs_array);
    DenseArray<double> X({d, m});
    Factors<double> x = mutable_factors(X);
    Index n_fallback = 0;
    {
        const py::gil_scoped_release unlocked;
        n_fallback = solve_classifiers<double>(moments, lambda_reg, how.n_threads, x);
        if (balance) {
            const Eigen::MatrixXd YY = unpack_symmetric(moments.gram, m, d);
            x = (balancing_transform(x * x.transpose(), YY) * x).eval();
        }
    }
    return py::make_tuple(X, n_fallback);
}

double residual(const py::array& X, const py::array& Y, const py::array& R, const std::optional<py::array>& C,
                int n_threads) {
    return dispatch(R, "R", [&](auto scalar) {
        using T = decltype(scalar);
        const Problem<T> data = problem<T>(R, C);
        check_shape(X, "X", X.ndim() == 2 ? X.shape(0) : 1, data.n_classifiers());
        check_shape(Y, "Y", X.shape(0), data.n_instances());
        const DenseArray<T> x = dense<T>(X, "X"), y = dense<T>(Y, "Y");
        const Execution how = execution(n_threads);
        const py::gil_scoped_release unlocked;
        return weighted_residual<T>(data, factors<T>(x), factors<T>(y), how);
    });
}

}  // namespace

void bind_als(py::module_& module) {
    using py::arg;
    module.def("instance_step", &instance_step, arg("X"), arg("R"), arg("C").none(true), arg("lambda_reg"),
               arg("n_threads"));
    module.def("sweep", &sweep_with_moments, arg("X"), arg("R"), arg("C").none(true), arg("lambda_reg"),
               arg("n_threads"));
    module.def("classifier_moments", &moments_of, arg("Y"), arg("R"), arg("C").none(true), arg("n_threads"));
    module.def("classifier_step", &classifier_step, arg("gram"), arg("rhs"), arg("lambda_reg"), arg("balance"),
               arg("n_threads"));
    module.def("weighted_residual", &residual, arg("X"), arg("Y"), arg("R"), arg("C").none(true), arg("n_threads"));
}

}  // namespace cfensemble::bindings
