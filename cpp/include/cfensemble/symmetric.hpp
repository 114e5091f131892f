// Symmetric matrices: from their packed triangles, and systems of them that may be singular.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "cfensemble/config.hpp"

namespace cfensemble {

inline Eigen::MatrixXd unpack_symmetric(const ConstFactors<double>& packed, Index row, Index d) {
    Eigen::MatrixXd full(d, d);
    for (Index j = 0; j < d; ++j) {
        for (Index k = 0; k <= j; ++k) full(j, k) = full(k, j) = packed(row, packed_index(j, k));
    }
    return full;
}

// The minimum-norm solution of A x = b for a symmetric, positive semidefinite A, and whether A is singular.
inline std::pair<Eigen::VectorXd, bool> solve_semidefinite(const Eigen::MatrixXd& A, const Eigen::VectorXd& b) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(A);
    const Eigen::ArrayXd values = eigen.eigenvalues();  // ascending
    const double threshold =
        static_cast<double>(A.rows()) * std::numeric_limits<double>::epsilon() * std::max(values.tail<1>()[0], 0.0);
    const Eigen::ArrayXd inverse = (values > threshold).select(values.inverse(), 0.0);
    const Eigen::ArrayXd components = inverse * (eigen.eigenvectors().transpose() * b).array();
    return {eigen.eigenvectors() * components.matrix(), values[0] <= threshold};
}

}  // namespace cfensemble
