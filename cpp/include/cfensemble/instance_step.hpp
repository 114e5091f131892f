// The instance step: with the classifiers' factors X fixed, each instance's y minimises its own ridge regression
//
//     sum_u c_u (r_u - x_u . y)^2 + lambda |y|^2      =>      (X C X' + lambda I) y = X C r,
//
// kLanes instances at a time.
#pragma once

#include <Eigen/QR>
#include <cmath>

#include "cfensemble/cholesky.hpp"
#include "cfensemble/gram.hpp"

namespace cfensemble {

template <class T>
class InstanceStep {
  public:
    // Memory of one thread.
    struct Scratch {
        explicit Scratch(Index d) : matrix(kLanes<T>, packed_size(d)), y(kLanes<T>, d) {}
        LaneArray<T> matrix;
        LaneArray<T> y;
    };

    InstanceStep(const ConstFactors<T>& X, T lambda)
        : X_(X), products_(factor_products(X)), transposed_(X.transpose()), lambda_(lambda) {}

    // Solves for the n <= kLanes instances whose weights, targets and weighted targets begin at the given places (rows
    // `stride` apart); leaves the factors in scratch.y. Returns how many of them needed the fallback.
    Index solve(const T* weights, const T* targets, const T* weighted_targets, Index stride, Index n,
                Scratch& scratch) const {
        const Index d = X_.rows();
        weighted_sums(weights, stride, products_, scratch.matrix);
        weighted_sums(weighted_targets, stride, transposed_, scratch.y);
        for (Index j = 0; j < d; ++j) scratch.matrix.col(packed_index(j, j)) += lambda_;
        Eigen::Array<bool, kLanes<T>, 1> failed = factorise_packed(scratch.matrix, d);
        if (lambda_ == 0) failed = failed || fewer_than_d_weights(weights, stride);
        solve_packed(scratch.matrix, d, scratch.y);

        Index n_fallback = 0;
        if (failed.any()) {
            for (Index lane = 0; lane < n; ++lane) {
                if (failed[lane]) {
                    n_fallback += solve_degenerate(weights + lane, targets + lane, stride, scratch.y.row(lane));
                }
            }
        }
        return n_fallback;
    }

  private:
    // Without a penalty these are singular, whatever the rounding errors make of the last pivots.
    Eigen::Array<bool, kLanes<T>, 1> fewer_than_d_weights(const T* weights, Index stride) const {
        Eigen::Array<Index, kLanes<T>, 1> count = Eigen::Array<Index, kLanes<T>, 1>::Zero();
        for (Index u = 0; u < X_.cols(); ++u) count += (load_lanes(weights + u * stride) > T(0)).template cast<Index>();
        return count < X_.rows();
    }

    // The normal matrix is singular to working precision: solve the least-squares problem itself, whose condition
    // number is the square root of the matrix's, for its minimum-norm solution. Returns false, with y = 0, where the
    // instance has no weight at all: that is no numerical trouble.
    template <class Row>
    bool solve_degenerate(const T* weights, const T* targets, Index stride, Row y) const {
        const Index m = X_.cols(), d = X_.rows();
        Eigen::MatrixXd design = Eigen::MatrixXd::Zero(m + d, d);
        Eigen::VectorXd target = Eigen::VectorXd::Zero(m + d);
        bool any_weight = false;
        for (Index u = 0; u < m; ++u) {
            const double root = std::sqrt(static_cast<double>(weights[u * stride]));
            design.row(u) = root * X_.col(u).transpose().template cast<double>();
            target[u] = root * static_cast<double>(targets[u * stride]);
            any_weight = any_weight || root > 0;
        }
        design.bottomRows(d).diagonal().setConstant(std::sqrt(static_cast<double>(lambda_)));
        if (any_weight) {
            y = design.completeOrthogonalDecomposition().solve(target).transpose().template cast<T>().array();
        } else {
            y.setZero();
        }
        return any_weight;
    }

    ConstFactors<T> X_;
    Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> products_;    // (m, d(d+1)/2)
    Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> transposed_;  // (m, d)
    T lambda_;
};

}  // namespace cfensemble
