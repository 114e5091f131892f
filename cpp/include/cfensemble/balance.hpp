// The rescaling that turns alternating least squares' crawl into a sprint.
//
// X -> T X, Y -> T^-T Y leaves X'Y unchanged for any invertible T, so the best T minimises |TX|^2 + |T^-T Y|^2. With
// M = T'T that is tr(M XX') + tr(M^-1 YY'), stationary where M XX' M = YY', whose positive definite solution is
//
//     M = G^-1/2 (G^1/2 H G^1/2)^1/2 G^-1/2,    G = XX', H = YY'.
//
// Any T with T'T = M will do; T = M^1/2. Where G is singular all of this happens on its range, which X and, after the
// instance step that follows, Y do not leave.
#pragma once

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <limits>

#include "cfensemble/config.hpp"

namespace cfensemble {

inline Eigen::MatrixXd symmetric_root(const Eigen::MatrixXd& A) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(A);
    const Eigen::VectorXd root = eigen.eigenvalues().cwiseMax(0.0).cwiseSqrt();
    return eigen.eigenvectors() * root.asDiagonal() * eigen.eigenvectors().transpose();
}

// T (d, d) for X with XX' = G and Y with YY' = H.
inline Eigen::MatrixXd balancing_transform(const Eigen::MatrixXd& G, const Eigen::MatrixXd& H) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(G);
    const Eigen::VectorXd& values = eigen.eigenvalues();  // ascending
    const double threshold =
        static_cast<double>(G.rows()) * std::numeric_limits<double>::epsilon() * std::max(values.tail<1>()[0], 0.0);
    const Index rank = (values.array() > threshold).count();
    if (rank == 0) return Eigen::MatrixXd::Identity(G.rows(), G.cols());
    const Eigen::MatrixXd basis = eigen.eigenvectors().rightCols(rank);
    const Eigen::VectorXd root = values.tail(rank).cwiseSqrt();
    const Eigen::VectorXd inverse_root = root.cwiseInverse();
    const Eigen::MatrixXd inner =
        symmetric_root(root.asDiagonal() * (basis.transpose() * H * basis) * root.asDiagonal());
    return basis * symmetric_root(inverse_root.asDiagonal() * inner * inverse_root.asDiagonal()) * basis.transpose();
}

}  // namespace cfensemble
