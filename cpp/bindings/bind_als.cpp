#include "arrays.hpp"
#include "bind.hpp"
#include "cfensemble/als.hpp"
#include "cfensemble/balance.hpp"
#include "cfensemble/classifier_step.hpp"
#include "labelled.hpp"
#include "options.hpp"

namespace cfensemble::bindings {
namespace {

std::optional<Form> form_of(const std::optional<std::string>& name) {
    if (!name) return std::nullopt;
    if (*name == "primal") return Form::primal;
    if (*name == "dual") return Form::dual;
    throw std::invalid_argument("form must be None, 'primal' or 'dual', got '" + *name + "'");
}

py::tuple instance_step(const py::array& X, const py::array& R, const py::object& C, double lambda_reg, int n_threads,
                        const std::optional<std::string>& form) {
    return dispatch(R, "R", [&](auto scalar) -> py::tuple {
        using T = decltype(scalar);
        check_lambda<T>(lambda_reg);
        const Problem<T> data = problem<T>(R, C);
        const Index d = check_factors(X, "X", data.n_classifiers());
        check_sizes(data.n_classifiers(), data.n_instances(), d);
        const DenseArray<T> x = dense<T>(X, "X");
        DenseArray<T> Y({d, data.n_instances()});
        const Factors<T> y = mutable_factors(Y);
        SweepOptions options;
        options.form = form_of(form);
        const Execution how = execution(n_threads);
        SweepResult result;
        {
            const py::gil_scoped_release unlocked;
            result = sweep<T>(data, factors<T>(x), static_cast<T>(lambda_reg), y, options, how);
        }
        return py::make_tuple(Y, result.n_degenerate);
    });
}

py::tuple sweep_with_moments(const py::array& X, const py::array& R, const py::object& C, double lambda_reg,
                             py::array& Y, const std::optional<Supervision>& supervision, int n_threads,
                             const py::object& sample_weight) {
    return dispatch(R, "R", [&](auto scalar) -> py::tuple {
        using T = decltype(scalar);
        check_lambda<T>(lambda_reg);
        const Problem<T> data = problem<T>(R, C, sample_weight);
        const Index m = data.n_classifiers(), n = data.n_instances(), d = check_factors(X, "X", m);
        check_sizes(m, n, d);
        const DenseArray<T> x = dense<T>(X, "X");
        const Factors<T> y = output_factors<T>(Y, "Y", d, n);
        const Execution how = execution(n_threads);
        Moments moments(m, d);
        SweepOptions options;
        options.moments = &moments;
        options.residual = true;

        std::optional<SupervisionArrays> labelled;
        std::optional<AggregatorPoint> point;
        if (supervision) {
            labelled.emplace(*supervision, m, n);
            point.emplace(labelled->point<T>(factors<T>(x), true));
            options.aggregator = &*point;
        }
        SweepResult result;
        Vector<double> gradient(m + 1);
        {
            const py::gil_scoped_release unlocked;
            result = sweep<T>(data, factors<T>(x), static_cast<T>(lambda_reg), y, options, how);
            if (point) {
                gradient << factors<T>(x).template cast<double>().transpose() * result.gradient.head(d),
                    result.gradient[d];
            }
        }
        return py::make_tuple(to_array(std::move(moments.gram)), to_array(std::move(moments.rhs)), result.residual,
                              result.n_degenerate, result.supervised,
                              point ? py::object(to_array(gradient)) : py::none());
    });
}

py::array observed(const py::array& R, const py::object& C, int n_threads) {
    return dispatch(R, "R", [&](auto scalar) -> py::array {
        using T = decltype(scalar);
        const Problem<T> data = problem<T>(R, C);
        check_sizes(data.n_classifiers(), data.n_instances(), 1);
        py::array_t<bool> out(data.n_instances());
        bool* mask = out.mutable_data();
        const Execution how = execution(n_threads);
        {
            const py::gil_scoped_release unlocked;
            has_weight<T>(data, mask, how);
        }
        return out;
    });
}

py::tuple moments_of(const py::array& Y, const py::array& R, const py::object& C, int n_threads,
                     const py::object& sample_weight) {
    return dispatch(R, "R", [&](auto scalar) {
        using T = decltype(scalar);
        const Problem<T> data = problem<T>(R, C, sample_weight);
        const Index d = check_factors(Y, "Y", data.n_instances());
        check_sizes(data.n_classifiers(), data.n_instances(), d);
        const DenseArray<T> y = dense<T>(Y, "Y");
        const Execution how = execution(n_threads);
        Moments moments(data.n_classifiers(), d);
        {
            const py::gil_scoped_release unlocked;
            classifier_moments<T>(data, factors<T>(y), moments, how);
        }
        return py::make_tuple(to_array(std::move(moments.gram)), to_array(std::move(moments.rhs)));
    });
}

py::tuple classifier_step(const py::array& gram, const py::array& rhs, double lambda_reg, bool balance, int n_threads) {
    check_lambda<double>(lambda_reg);
    check_matrix(rhs, "rhs");
    const Index m = rhs.shape(0), d = rhs.shape(1);
    check_sizes(m, 1, d);
    check_shape(gram, "gram", m + 1, packed_size(d));
    const DenseArray<double> gram_array = dense<double>(gram, "gram"), rhs_array = dense<double>(rhs, "rhs");
    const Execution how = execution(n_threads);
    DenseArray<double> X({d, m});
    Factors<double> x = mutable_factors(X);
    Index n_fallback = 0;
    {
        const py::gil_scoped_release unlocked;
        const ConstFactors<double> sums = factors<double>(gram_array);
        n_fallback = solve_classifiers(sums, factors<double>(rhs_array), lambda_reg, how, x);
        if (balance) x = balance_factors(x, unpack_symmetric(sums, m, d));
    }
    return py::make_tuple(X, n_fallback);
}

double residual(const py::array& X, const py::array& Y, const py::array& R, const py::object& C, int n_threads,
                const py::object& sample_weight) {
    return dispatch(R, "R", [&](auto scalar) {
        using T = decltype(scalar);
        const Problem<T> data = problem<T>(R, C, sample_weight);
        check_shape(Y, "Y", check_factors(X, "X", data.n_classifiers()), data.n_instances());
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
               arg("n_threads"), arg("form") = py::none());
    module.def("sweep", &sweep_with_moments, arg("X"), arg("R"), arg("C").none(true), arg("lambda_reg"),
               arg("Y").noconvert(), arg("supervision").none(true), arg("n_threads"),
               arg("sample_weight") = py::none());
    module.def("classifier_moments", &moments_of, arg("Y"), arg("R"), arg("C").none(true), arg("n_threads"),
               arg("sample_weight") = py::none());
    module.def("has_weight", &observed, arg("R"), arg("C").none(true), arg("n_threads"));
    module.def("classifier_step", &classifier_step, arg("gram"), arg("rhs"), arg("lambda_reg"), arg("balance"),
               arg("n_threads"));
    module.def("weighted_residual", &residual, arg("X"), arg("Y"), arg("R"), arg("C").none(true), arg("n_threads"),
               arg("sample_weight") = py::none());
}

}  // namespace cfensemble::bindings
