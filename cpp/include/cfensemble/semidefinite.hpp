// Systems that may be singular.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "cfensemble/config.hpp"

namespace cfensemble {

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
