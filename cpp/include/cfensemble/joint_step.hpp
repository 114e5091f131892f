// The step of the joint solver: what is left once every y minimises its own part is a function of few variables,
//
//     F(X, w, b) = min_Y L_CF.
//
// By the envelope theorem its gradient is that of L_CF with Y held fixed. Its curvature is modelled by
//
//     H = D + (1 - rho) B' P B,     B (dX, dw, db) = (sum_u w_u dx_u + X dw, db) = (dv, db).
//
// D is block diagonal: 2 rho (gram(u) + lambda I) for x_u, a ridge for (w, b). P = sum_i h_i (y_i, 1) (y_i, 1)' is what
// the labels add, by the reduced curvatures h of label_step.hpp. It has the rank d + 1 and couples all variables, since
// the loss depends on them through v = X w and b only: with P = L L', D^-1 and one system of that size give H^-1
// (Woodbury).
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "cfensemble/classifier_step.hpp"

namespace cfensemble {

// Where H is taken.
struct JointPoint {
    ConstFactors<double> gram;               // of Moments
    ConstFactors<double> P;                  // (d + 1, d + 1)
    ConstFactors<double> X;                  // (d, m)
    Eigen::Map<const Vector<double>> w;      // (m)
    Eigen::Map<const Vector<double>> prior;  // (m): the diagonal curvature of what L_sup has besides, in w
    double lambda, rho;
    bool learns;  // whether w and b are variables, too
};

// Puts H^-1 (G, g) in place of G (d, m) and g (m + 1).
inline void apply_inverse_curvature(const JointPoint& at, const Execution& execution, Eigen::Ref<RowMatrix<double>> G,
                                    Eigen::Ref<Vector<double>> g) {
    const Index m = G.cols(), d = G.rows();
    const double supervised = 1 - at.rho;
    if (!at.gram.allFinite() || !at.P.allFinite()) {
        throw std::overflow_error(
            "the sums over instances are not finite: C or the factors are too large for R's precision");
    }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(supervised * at.P);
    const Eigen::MatrixXd L = eigen.eigenvectors() * eigen.eigenvalues().cwiseMax(0.0).cwiseSqrt().asDiagonal();

    // The classifiers' part of inner = I + L' B D^-1 B' L, and D^-1 of their gradients.
    std::vector<Eigen::LLT<Eigen::MatrixXd>> factors(static_cast<std::size_t>(m));
    std::vector<Eigen::MatrixXd> parts(static_cast<std::size_t>(m));
    parallel_for(m, worthwhile(m * 4 * d * d * d, execution), [&](Index u, int, const auto&) {
        constexpr double kRidge = 1e-12;  // relative: it has to keep singular blocks from failing, no more
        Eigen::MatrixXd D = 2 * at.rho * unpack_symmetric(at.gram, u, d);
        D.diagonal().array() += 2 * at.rho * at.lambda + kRidge * D.diagonal().maxCoeff();
        if (!(D.diagonal().minCoeff() > 0)) D.diagonal().array() += 1;
        auto& factor = factors[static_cast<std::size_t>(u)];
        factor.compute(D);
        if (factor.info() != Eigen::Success) factor.compute(Eigen::MatrixXd(D.diagonal().asDiagonal()));
        G.col(u) = factor.solve(Eigen::VectorXd(G.col(u)));
        const Eigen::MatrixXd half = at.w[u] * factor.matrixL().solve(L.topRows(d));
        parts[static_cast<std::size_t>(u)] = half.transpose() * half;
    });
    Eigen::MatrixXd inner = Eigen::MatrixXd::Identity(d + 1, d + 1);
    for (const Eigen::MatrixXd& part : parts) inner += part;

    // The aggregator's: without a prior its D is next to nothing against what P is to it.
    Eigen::MatrixXd reach = Eigen::MatrixXd::Zero(d + 1, m + 1);  // (dv, db) of (dw, db)
    Vector<double> D = Vector<double>::Ones(m + 1);
    if (at.learns) {
        reach.topLeftCorner(d, m) = at.X;
        reach(d, m) = 1;
        const Eigen::MatrixXd seen = L.transpose() * reach;
        const Vector<double> diagonal = seen.colwise().squaredNorm().transpose();
        constexpr double kFree = 1e-5;
        D.setConstant(std::max(kFree * diagonal.maxCoeff(), 1e-200));
        D.head(m) += supervised * at.prior;
        inner += seen * D.cwiseInverse().asDiagonal() * seen.transpose();
        g = g.cwiseQuotient(D);
    } else {
        g.setZero();
    }
    Vector<double> moved = reach * g;
    moved.head(d) += G * at.w;
    const Vector<double> back = L * inner.llt().solve(L.transpose() * moved);
    for (Index u = 0; u < m; ++u) {
        G.col(u) -= at.w[u] * factors[static_cast<std::size_t>(u)].solve(Eigen::VectorXd(back.head(d)));
    }
    g -= (reach.transpose() * back).cwiseQuotient(D);
}

}  // namespace cfensemble
