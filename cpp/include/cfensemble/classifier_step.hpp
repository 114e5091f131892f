// The classifier step: with the instances' moments, each classifier's x solves (gram(u) + lambda I) x_u = rhs(u).
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "cfensemble/cholesky.hpp"
#include "cfensemble/moments.hpp"
#include "cfensemble/symmetric.hpp"

namespace cfensemble {

// With a penalty no system is singular but by rounding: as in `factorise`, a pivot (the square of L's diagonal) below
// its rounding error says nothing.
inline bool has_useful_pivots(const Eigen::LLT<Eigen::MatrixXd>& cholesky, const Eigen::MatrixXd& A) {
    return (cholesky.matrixLLT().diagonal().array().square() > pivot_rounding<double>(A.rows()) * A.diagonal().array())
        .all();
}

// Without one a system may be singular, and rounding then leaves pivots of any size. Where the condition number is so
// small that a solution has half its digits, there is no doubt.
inline bool is_sound(const Eigen::LLT<Eigen::MatrixXd>& cholesky) {
    return cholesky.rcond() > std::sqrt(std::numeric_limits<double>::epsilon());
}

// Writes X (d, m), given Moments' gram and rhs. Returns how many systems were singular to working precision; those get
// their minimum-norm solution. A classifier without any weight gets x = 0 and is not counted.
inline Index solve_classifiers(const ConstFactors<double>& gram, const ConstFactors<double>& rhs, double lambda,
                               const Execution& execution, Factors<double> X) {
    const Index d = X.rows(), m = X.cols();
    std::vector<char> degenerate(static_cast<std::size_t>(m), 0);
    parallel_for(m, worthwhile(m * packed_size(d) * d / 3, execution), [&](Index u, int, const auto&) {
        Eigen::MatrixXd A = unpack_symmetric(gram, u, d);
        const Eigen::VectorXd b = rhs.row(u).transpose();
        if (!A.allFinite() || !b.allFinite()) {
            throw std::overflow_error(
                "the sums over instances are not finite: C or the factors are too large for R's precision");
        }
        if (!(A.diagonal().maxCoeff() > 0)) {
            X.col(u).setZero();
            return;
        }
        A.diagonal().array() += lambda;
        const Eigen::LLT<Eigen::MatrixXd> cholesky(A);
        if (cholesky.info() == Eigen::Success && (lambda > 0 ? has_useful_pivots(cholesky, A) : is_sound(cholesky))) {
            X.col(u) = cholesky.solve(b);
            return;
        }
        const auto [x, singular] = solve_semidefinite(A, b);
        X.col(u) = x;
        degenerate[static_cast<std::size_t>(u)] = singular;
    });
    return std::count(degenerate.begin(), degenerate.end(), char(1));
}

}  // namespace cfensemble
