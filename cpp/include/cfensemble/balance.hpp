// The rescaling that turns alternating least squares' crawl into a sprint.
//
// X -> T X, Y -> T^-T Y leaves X'Y unchanged for any invertible T, so the best T minimises |TX|^2 + |T^-T Y|^2. That
// sum is least, and twice the sum of X'Y's singular values s, where X'Y = P S Q' is shared evenly (Srebro, Rennie and
// Jaakkola 2005): T X = S^1/2 P', T^-T Y = S^1/2 Q', so that both Gram matrices are S. Of Y only H = YY' is needed:
// with any root H = L L' the matrix X'L has the same P and S, as (X'L)(X'L)' = (X'Y)(X'Y)'. Nothing is inverted, so
// weak directions, which the penalty drives to 0, do no harm.
#pragma once

#include "cfensemble/config.hpp"

namespace cfensemble {

// T X (d, m) for classifier factors X (d, m) and H = YY'. Rows past X'Y's rank are 0.
inline Eigen::MatrixXd balance_factors(const Eigen::MatrixXd& X, const Eigen::MatrixXd& H) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(H);
    const Eigen::VectorXd root = eigen.eigenvalues().cwiseMax(0.0).cwiseSqrt();
    const Eigen::MatrixXd product = X.transpose() * (eigen.eigenvectors() * root.asDiagonal());
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(product, Eigen::ComputeThinU);
    Eigen::MatrixXd balanced = Eigen::MatrixXd::Zero(X.rows(), X.cols());
    balanced.topRows(svd.singularValues().size()) =
        svd.singularValues().cwiseSqrt().asDiagonal() * svd.matrixU().transpose();
    return balanced;
}

}  // namespace cfensemble
