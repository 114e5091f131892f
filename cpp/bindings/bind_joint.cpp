#include "arrays.hpp"
#include "bind.hpp"
#include "cfensemble/als.hpp"
#include "cfensemble/joint_step.hpp"
#include "labelled.hpp"
#include "options.hpp"

namespace cfensemble::bindings {
namespace {

void check_rho(double rho) {
    if (!(rho > 0 && rho <= 1)) throw std::invalid_argument("rho must be in (0, 1], got " + std::to_string(rho));
}

Vector<double> times_packed(const RowMatrix<double>& packed, Index row, const Vector<double>& x) {
    Vector<double> product = Vector<double>::Zero(x.size());
    for (Index j = 0; j < x.size(); ++j) {
        const double* entries = &packed(row, packed_index(j, 0));
        for (Index k = 0; k < j; ++k) {
            product[j] += entries[k] * x[k];
            product[k] += entries[k] * x[j];
        }
        product[j] += entries[j] * x[j];
    }
    return product;
}

// L_recon, the weighted squares of Y being the diagonal of the last moments.
double penalised(double residual, const Eigen::MatrixXd& X, const Moments& moments, double lambda) {
    double squares = X.squaredNorm();
    for (Index j = 0; j < X.rows(); ++j) squares += moments.gram(moments.gram.rows() - 1, packed_index(j, j));
    return residual + lambda * squares;
}

// The minimum over Y, and the gradient there of what is left: of L_CF with that Y held fixed.
py::tuple sweep_jointly(const py::array& X, const py::array& R, const py::object& C, double lambda_reg, double rho,
                        py::array& Y, const std::optional<Supervision>& supervision, bool logistic, int n_threads,
                        const py::object& sample_weight) {
    return dispatch(R, "R", [&](auto scalar) -> py::tuple {
        using T = decltype(scalar);
        check_lambda<T>(lambda_reg);
        check_rho(rho);
        const Problem<T> data = problem<T>(R, C, sample_weight);
        const Index m = data.n_classifiers(), n = data.n_instances(), d = check_factors(X, "X", m);
        check_sizes(m, n, d);
        const DenseArray<T> x = dense<T>(X, "X");
        const Factors<T> y = output_factors<T>(Y, "Y", d, n);
        Moments moments(m, d);
        SweepOptions options;
        options.moments = &moments;
        options.residual = true;
        options.supervised_weight = (1 - rho) / rho;
        std::optional<SupervisionArrays> labelled;
        std::optional<AggregatorPoint> point;
        if (supervision) {
            labelled.emplace(*supervision, m, n);
            point.emplace(labelled->point<T>(factors<T>(x), logistic));
            options.aggregator = &*point;
        }
        const Execution how = execution(n_threads);
        SweepResult result;
        RowMatrix<double> gradient(d, m);
        Vector<double> gradient_theta = Vector<double>::Zero(m + 1);
        RowMatrix<double> curvature = RowMatrix<double>::Zero(d + 1, d + 1);
        double reconstruction = 0;
        {
            const py::gil_scoped_release unlocked;
            result = sweep<T>(data, factors<T>(x), static_cast<T>(lambda_reg), y, options, how);
            const Eigen::MatrixXd X_exact = factors<T>(x).template cast<double>();
            reconstruction = penalised(result.residual, X_exact, moments, lambda_reg);
            for (Index u = 0; u < m; ++u) {
                gradient.col(u) = 2 * rho *
                                  (times_packed(moments.gram, u, X_exact.col(u)) + lambda_reg * X_exact.col(u) -
                                   moments.rhs.row(u).transpose());
            }
            if (point) {
                gradient += (1 - rho) * result.gradient.head(d) * labelled->w().transpose();
                gradient_theta << (1 - rho) * X_exact.transpose() * result.gradient.head(d),
                    (1 - rho) * result.gradient[d];
                if (result.curvature.size() > 0) curvature = result.curvature;
            }
        }
        return py::make_tuple(reconstruction, result.supervised, to_array(std::move(gradient)),
                              to_array(gradient_theta), to_array(std::move(moments.gram)),
                              to_array(std::move(curvature)), result.n_degenerate);
    });
}

py::tuple direction(const py::array& gram, const py::array& curvature, const py::array& X, const py::array& w,
                    const py::array& prior, double lambda_reg, double rho, bool learns, const py::array& gradient_X,
                    const py::array& gradient_theta, int n_threads) {
    check_lambda<double>(lambda_reg);
    check_rho(rho);
    check_matrix(X, "X");
    const Index d = X.shape(0), m = X.shape(1);
    check_sizes(m, 1, d);
    check_shape(gram, "gram", m + 1, packed_size(d));
    check_shape(curvature, "curvature", d + 1, d + 1);
    check_length(w, "w", m);
    check_length(prior, "prior", m);
    check_shape(gradient_X, "gradient_X", d, m);
    check_length(gradient_theta, "gradient_theta", m + 1);
    const DenseArray<double> gram_array = dense<double>(gram, "gram"), X_array = dense<double>(X, "X"),
                             curvature_array = dense<double>(curvature, "curvature"), w_array = dense<double>(w, "w"),
                             prior_array = dense<double>(prior, "prior"),
                             G_array = dense<double>(gradient_X, "gradient_X"),
                             g_array = dense<double>(gradient_theta, "gradient_theta");
    const Execution how = execution(n_threads);
    RowMatrix<double> G = factors<double>(G_array);
    Vector<double> g = vector_map(g_array);
    {
        const py::gil_scoped_release unlocked;
        const JointPoint at{factors<double>(gram_array),
                            factors<double>(curvature_array),
                            factors<double>(X_array),
                            vector_map(w_array),
                            vector_map(prior_array),
                            lambda_reg,
                            rho,
                            learns};
        apply_inverse_curvature(at, how, G, g);
    }
    return py::make_tuple(to_array(std::move(G)), to_array(g));
}

}  // namespace

void bind_joint(py::module_& module) {
    using py::arg;
    module.def("joint_sweep", &sweep_jointly, arg("X"), arg("R"), arg("C").none(true), arg("lambda_reg"), arg("rho"),
               arg("Y").noconvert(), arg("supervision").none(true), arg("logistic"), arg("n_threads"),
               arg("sample_weight") = py::none());
    module.def("apply_inverse_curvature", &direction, arg("gram"), arg("curvature"), arg("X"), arg("w"), arg("prior"),
               arg("lambda_reg"), arg("rho"), arg("learns"), arg("gradient_X"), arg("gradient_theta"),
               arg("n_threads"));
}

}  // namespace cfensemble::bindings
