// The instance step: with the classifiers' factors X fixed, each instance's y minimises its own ridge regression
//
//     sum_u c_u (r_u - x_u . y)^2 + lambda |y|^2.
//
// It is solved in whichever of two forms takes less work, for a group of instances at a time:
//
//     primal   (X C X' + lambda I) y = X C r                                d equations
//     dual     y = X D s,  (D X'X D + lambda I) s = D r,  D = C^1/2         m equations
//
// The dual's matrix needs no sum over classifiers, X'X being the same for all instances, and its solution leaves the
// residual: D (r - X'y) = lambda s. For d > m the minimisers lie in the span of X: with X = Q L, Q (d, m) orthonormal,
// all can be done with L (m, m) in place of X, and Q times the result is y.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

#include "cfensemble/cholesky.hpp"
#include "cfensemble/gram.hpp"
#include "cfensemble/packing.hpp"
#include "cfensemble/symmetric.hpp"

namespace cfensemble {

enum class Form { primal, dual };

// X C X' + lambda I and X C r of a group of the tile's instances, from the tables of the products x_u x_u' and of X.
template <class T>
void set_up_normal_equations(const PackedTile<T>& tile, Index group, const PanelTable<T>& products,
                             const PanelTable<T>& by_factor, T lambda, const PackedSystems<T>& systems) {
    using P = Packet<T>;
    const T *weights = tile.weights(group), *weighted = tile.weighted_targets(group);
    for (Index first = 0; first < products.columns(); first += PanelTable<T>::kPanel) {
        weighted_sums(weights, products, first, [&](Index p, int half, const P& sum) {
            simd::pstore(systems.values + p * kGroup<T> + half * kLanes<T>, sum);
        });
    }
    for (Index first = 0; first < systems.d; first += PanelTable<T>::kPanel) {
        weighted_sums(weighted, by_factor, first, [&](Index j, int half, const P& sum) {
            simd::pstore(systems.at(systems.d, j) + half * kLanes<T>, sum);
        });
    }
    const P ridge = simd::pset1<P>(lambda);
    for (Index j = 0; j < systems.d; ++j) {
        unroll<2>([&](auto half) {
            T* diagonal = systems.at(j, j) + half * kLanes<T>;
            simd::pstore(diagonal, simd::padd(simd::pload<P>(diagonal), ridge));
        });
    }
}

template <class T>
class InstanceStep {
  public:
    // Memory of one thread.
    struct Scratch {
        explicit Scratch(const InstanceStep& step)
            : systems(PackedSystems<T>::size(step.form_ == Form::primal ? step.rank() : step.n_classifiers())),
              roots(step.n_classifiers() * kGroup<T>),
              solution(step.n_classifiers() * kGroup<T>) {}
        Buffer<T> systems, roots, solution;
        std::array<bool, kGroup<T>> regular;  // whether the lane's solution is that of its factorised system
    };

    struct Outcome {
        Index n_degenerate = 0;  // instances whose system was singular to working precision
        double residual = 0;     // sum_u c_u (r_u - x_u . y)^2 over the group; where the form leaves it, else NaN
    };

    // Solves in the span of X where that is smaller and `reduce` says so: it makes for smaller moments.
    InstanceStep(const ConstFactors<T>& X, T lambda, std::optional<Form> form, bool reduce)
        : form_(form ? *form : cheaper_form(X, lambda)), n_factors_(X.rows()), lambda_(lambda), X_(X) {
        if (form_ == Form::dual && reduce && X.cols() < X.rows()) {
            const Eigen::HouseholderQR<Eigen::MatrixXd> qr(X.template cast<double>());
            basis_ = qr.householderQ() * Eigen::MatrixXd::Identity(X.rows(), X.cols());
            X_ = (basis_.transpose() * X.template cast<double>()).template cast<T>();
            expansion_ = PanelTable<T>(basis_.transpose().template cast<T>().eval());
        }
        by_factor_ = PanelTable<T>(X_.transpose());
        if (form_ == Form::primal || overdetermined()) products_ = factor_products(X_);
        if (form_ == Form::dual) gram_ = X_.transpose() * X_;
    }

    Index n_classifiers() const { return X_.cols(); }
    double lambda() const { return static_cast<double>(lambda_); }
    Index rank() const { return X_.rows(); }  // of what `solve` solves for: d, or m if reduced
    bool reduced() const { return rank() < n_factors_; }
    const RowMatrix<T>& factors() const { return X_; }       // X, or L if reduced
    const Eigen::MatrixXd& basis() const { return basis_; }  // Q (d, rank), if reduced

    // Writes the factors (rank, kGroup) of a group of the tile's instances to y.
    Outcome solve(const PackedTile<T>& tile, Index group, T* y, Scratch& scratch) const {
        constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
        Outcome outcome;
        std::array<bool, kGroup<T>> definite;
        if (form_ == Form::primal) {
            const PackedSystems<T> systems{scratch.systems.data(), rank()};
            definite = solve_primal(tile, group, systems, y);
            outcome.residual = residual_at_minimum(tile, group, systems, y);
        } else {
            definite = solve_dual(tile, group, scratch, y, outcome.residual);
            if (overdetermined() && std::find(definite.begin(), definite.end(), false) != definite.end()) {
                T* other = scratch.solution.data();  // of m > d rows, and not needed any more
                const auto primal = solve_primal(tile, group, {scratch.systems.data(), rank()}, other);
                for (Index lane = 0; lane < kGroup<T>; ++lane) {
                    if (definite[static_cast<std::size_t>(lane)]) continue;
                    for (Index j = 0; j < rank(); ++j) y[j * kGroup<T> + lane] = other[j * kGroup<T> + lane];
                    definite[static_cast<std::size_t>(lane)] = primal[static_cast<std::size_t>(lane)];
                }
                outcome.residual = kUnknown;
            }
        }
        const Index size = std::min(kGroup<T>, tile.size() - group * kGroup<T>);
        for (Index lane = 0; lane < size; ++lane) {
            const Index n_weights = lambda_ == 0 ? count_weights(tile, group, lane) : n_factors_;
            const bool underdetermined = n_weights < n_factors_;  // singular, whatever rounding makes of the pivots
            if (underdetermined && n_weights > 0) ++outcome.n_degenerate;
            const bool by_primal = form_ == Form::primal || overdetermined();  // solved, or confirmed, by the primal
            bool& regular = scratch.regular[static_cast<std::size_t>(lane)];
            regular = definite[static_cast<std::size_t>(lane)] && !(underdetermined && by_primal);
            if (regular) continue;
            if (solve_degenerate(tile, group, lane, y) && !underdetermined) ++outcome.n_degenerate;
            outcome.residual = kUnknown;
        }
        return outcome;
    }

    // Writes a = A^-1 v to a (d, kGroup), A = X C X' + lambda I being the systems of the group that `solve` has just
    // solved, in the primal form; of what is singular, the pseudo-inverse.
    void respond(const PackedTile<T>& tile, Index group, const T* v, T* a, Scratch& scratch) const {
        const PackedSystems<T> systems{scratch.systems.data(), rank()};
        solve_forward(systems, v);
        solve_transposed(systems, a);
        const Index size = std::min(kGroup<T>, tile.size() - group * kGroup<T>);
        for (Index lane = 0; lane < size; ++lane) {
            if (!scratch.regular[static_cast<std::size_t>(lane)]) respond_degenerate(tile, group, lane, v, a);
        }
    }

    // The factors (d, kGroup) that y (rank, kGroup) stands for; only if reduced.
    void expand(const T* y, T* out) const {
        for (Index first = 0; first < n_factors_; first += PanelTable<T>::kPanel) {
            weighted_sums(y, expansion_, first, [&](Index j, int half, const Packet<T>& value) {
                simd::pstore(out + j * kGroup<T> + half * kLanes<T>, value);
            });
        }
    }

  private:
    // By multiply-adds of an instance, those of a factorisation counting twice: they run at half the speed. With d < m
    // and a penalty that is next to nothing against X'X the dual would be solved in vain; see solve_dual.
    static Form cheaper_form(const ConstFactors<T>& X, T lambda) {
        const Index m = X.cols(), d = X.rows();
        const Index primal = m * (packed_size(d) + d) + d * d * d / 3 + 2 * d * d;
        const Index dual = 2 * packed_size(m) + m * m * m / 3 + 2 * m * m + m * std::min(d, m);
        const T weak = std::sqrt(std::numeric_limits<T>::epsilon()) * X.colwise().squaredNorm().maxCoeff();
        return dual < primal && (m <= d || lambda > weak) ? Form::dual : Form::primal;
    }

    // The dual's matrix then has directions in which there is nothing but lambda.
    bool overdetermined() const { return n_factors_ < n_classifiers(); }

    // Both return which lanes' matrices are positive definite to working precision.
    std::array<bool, kGroup<T>> solve_primal(const PackedTile<T>& tile, Index group, const PackedSystems<T>& systems,
                                             T* y) const {
        set_up_normal_equations(tile, group, products_, by_factor_, lambda_, systems);
        const auto definite = factorise(systems, pivot_rounding<T>(rank()));
        solve_transposed(systems, y);
        return definite;
    }
    // Where lambda is next to nothing against the weights of an overdetermined system, the dual's solution is the
    // primal's in exact arithmetic only: such lanes do not count as definite.
    std::array<bool, kGroup<T>> solve_dual(const PackedTile<T>& tile, Index group, Scratch& scratch, T* y,
                                           double& residual) const {
        const PackedSystems<T> systems{scratch.systems.data(), n_classifiers()};
        const T weak = overdetermined() ? std::sqrt(std::numeric_limits<T>::epsilon()) : T(0);
        set_up_dual(tile, group, systems, scratch.roots.data());
        const auto definite = factorise(systems, std::max(weak, pivot_rounding<T>(n_classifiers())));
        solve_transposed(systems, scratch.solution.data());
        residual = expand_dual(scratch.roots.data(), scratch.solution.data(), y);
        return definite;
    }

    void set_up_dual(const PackedTile<T>& tile, Index group, const PackedSystems<T>& systems, T* roots) const {
        using P = Packet<T>;
        const T *weights = tile.weights(group), *targets = tile.targets(group);
        const P lambda = simd::pset1<P>(lambda_), zero = simd::pset1<P>(T(0)), one = simd::pset1<P>(T(1));
        for (Index u = 0; u < n_classifiers(); ++u) {
            unroll<2>([&](auto half) {
                const Index at = u * kGroup<T> + half * kLanes<T>;
                const P root = simd::psqrt(simd::pload<P>(weights + at));
                simd::pstore(roots + at, root);
                T* row = systems.at(u, 0) + half * kLanes<T>;
                for (Index v = 0; v <= u; ++v) {
                    const P scaled = simd::pmul(root, simd::pset1<P>(gram_(u, v)));
                    simd::pstore(row + v * kGroup<T>,
                                 simd::pmul(scaled, simd::pload<P>(roots + v * kGroup<T> + half * kLanes<T>)));
                }
                T* diagonal = row + u * kGroup<T>;
                // Without a penalty the equation of a missing prediction reads 1 s = 0, not 0 s = 0.
                const P ridge = lambda_ > 0 ? lambda : simd::pselect(simd::pcmp_eq(root, zero), one, zero);
                simd::pstore(diagonal, simd::padd(simd::pload<P>(diagonal), ridge));
                simd::pstore(systems.at(n_classifiers(), u) + half * kLanes<T>,
                             simd::pmul(root, simd::pload<P>(targets + at)));
            });
        }
    }

    // At the minimum sum_u c_u (r_u - x_u . y)^2 = sum_u c_u r_u^2 - b . y - lambda |y|^2, and b . y = |z|^2 with the z
    // of the factorisation: m + 2 d operations instead of m d. What cancels may cost three digits of float64, no more;
    // else the result is NaN.
    double residual_at_minimum(const PackedTile<T>& tile, Index group, const PackedSystems<T>& systems,
                               const T* y) const {
        using P = Packet<T>;
        if (!std::is_same_v<T, double>) return std::numeric_limits<double>::quiet_NaN();
        P energy[2] = {simd::pset1<P>(T(0)), simd::pset1<P>(T(0))}, explained[2] = {energy[0], energy[0]};
        const T *weighted = tile.weighted_targets(group), *targets = tile.targets(group);
        const auto add_products = [](const T* a, const T* b, Index n, P(&sums)[2]) {
            for (Index i = 0; i < n; ++i) {
                unroll<2>([&](auto half) {
                    const Index at = i * kGroup<T> + half * kLanes<T>;
                    sums[half] = simd::pmadd(simd::pload<P>(a + at), simd::pload<P>(b + at), sums[half]);
                });
            }
        };
        add_products(y, y, rank(), explained);
        unroll<2>([&](auto half) { explained[half] = simd::pmul(explained[half], simd::pset1<P>(lambda_)); });
        const T* z = systems.at(rank(), 0);
        add_products(z, z, rank(), explained);
        add_products(weighted, targets, n_classifiers(), energy);
        const double total = sum_lanes<T>(energy), residual = total - sum_lanes<T>(explained);
        return residual > 1e-3 * total ? residual : std::numeric_limits<double>::quiet_NaN();
    }

    // y = X D s; returns lambda^2 |s|^2, the residual.
    double expand_dual(const T* roots, T* solution, T* y) const {
        using P = Packet<T>;
        P sums[2] = {simd::pset1<P>(T(0)), simd::pset1<P>(T(0))};
        for (Index u = 0; u < n_classifiers(); ++u) {
            unroll<2>([&](auto half) {
                const Index at = u * kGroup<T> + half * kLanes<T>;
                const P s = simd::pload<P>(solution + at);
                sums[half] = simd::pmadd(s, s, sums[half]);
                simd::pstore(solution + at, simd::pmul(simd::pload<P>(roots + at), s));
            });
        }
        for (Index first = 0; first < rank(); first += PanelTable<T>::kPanel) {
            weighted_sums(solution, by_factor_, first, [&](Index j, int half, const P& sum) {
                simd::pstore(y + j * kGroup<T> + half * kLanes<T>, sum);
            });
        }
        const double lambda = static_cast<double>(lambda_);
        return lambda * lambda * sum_lanes<T>(sums);
    }

    Index count_weights(const PackedTile<T>& tile, Index group, Index lane) const {
        Index count = 0;
        for (Index u = 0; u < n_classifiers(); ++u) count += tile.weights(group)[u * kGroup<T> + lane] > 0;
        return count;
    }

    // The normal matrix is singular to working precision: solve the least-squares problem itself, whose condition
    // number is the square root of the matrix's, for its minimum-norm solution. Returns false, with y = 0, where the
    // instance has no weight at all: that is no numerical trouble.
    bool solve_degenerate(const PackedTile<T>& tile, Index group, Index lane, T* y) const {
        const Index m = n_classifiers(), d = rank();
        Eigen::MatrixXd design = Eigen::MatrixXd::Zero(m + d, d);
        Eigen::VectorXd target = Eigen::VectorXd::Zero(m + d);
        for (Index u = 0; u < m; ++u) {
            const double root = std::sqrt(static_cast<double>(tile.weights(group)[u * kGroup<T> + lane]));
            design.row(u) = root * X_.col(u).transpose().template cast<double>();
            target[u] = root * static_cast<double>(tile.targets(group)[u * kGroup<T> + lane]);
        }
        const bool any_weight = count_weights(tile, group, lane) > 0;
        design.bottomRows(d).diagonal().setConstant(std::sqrt(static_cast<double>(lambda_)));
        Eigen::VectorXd solution = Eigen::VectorXd::Zero(d);
        if (any_weight) solution = design.completeOrthogonalDecomposition().solve(target);
        for (Index j = 0; j < d; ++j) y[j * kGroup<T> + lane] = static_cast<T>(solution[j]);
        return any_weight;
    }

    void respond_degenerate(const PackedTile<T>& tile, Index group, Index lane, const T* v, T* a) const {
        const Eigen::MatrixXd X = X_.template cast<double>();
        Eigen::VectorXd weights(n_classifiers());
        for (Index u = 0; u < n_classifiers(); ++u) {
            weights[u] = static_cast<double>(tile.weights(group)[u * kGroup<T> + lane]);
        }
        Eigen::MatrixXd A = X * weights.asDiagonal() * X.transpose();
        A.diagonal().array() += static_cast<double>(lambda_);
        const Eigen::VectorXd right = Eigen::Map<const Vector<T>>(v, rank()).template cast<double>();
        const Eigen::VectorXd solution = solve_semidefinite(A, right).first;
        for (Index j = 0; j < rank(); ++j) a[j * kGroup<T> + lane] = static_cast<T>(solution[j]);
    }

    Form form_;
    Index n_factors_;  // d
    T lambda_;
    RowMatrix<T> X_;         // (rank, m)
    Eigen::MatrixXd basis_;  // Q
    PanelTable<T> by_factor_, products_, expansion_;
    RowMatrix<T> gram_;  // X'X
};

}  // namespace cfensemble
