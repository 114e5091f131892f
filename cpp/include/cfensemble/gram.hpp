// The weighted sums both half-steps are made of.
//
// All instances share X, so the normal matrices of all instances are one product: weights (n x m) times the table of
// products x_uj x_uk (m x d(d+1)/2). Likewise all classifiers' matrices are weights (m x n) times the table of
// y_ij y_ik, whose rows are formed block by block in cache.
#pragma once

#include "cfensemble/lanes.hpp"

namespace cfensemble {

// (m, d(d+1)/2): row u holds the packed outer product x_u x_u'.
template <class T>
Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> factor_products(const ConstFactors<T>& X) {
    const Index d = X.rows();
    Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> products(X.cols(), packed_size(d));
    for (Index j = 0; j < d; ++j) {
        for (Index k = 0; k <= j; ++k) {
            products.col(packed_index(j, k)) = X.row(j).cwiseProduct(X.row(k)).transpose();
        }
    }
    return products;
}

// sums.col(p) = sum_u table(u, p) weights(u, lanes), for kLanes instances; rows of weights are `stride` apart.
template <class T, class Table>
void weighted_sums(const T* weights, Index stride, const Table& table, LaneArray<T>& sums) {
    constexpr int kGroup = 4;  // independent accumulators hide the latency of the additions
    const Index m = table.rows();
    Index p = 0;
    for (; p + kGroup <= table.cols(); p += kGroup) {
        Lanes<T> s0 = Lanes<T>::Zero(), s1 = s0, s2 = s0, s3 = s0;
        for (Index u = 0; u < m; ++u) {
            const Lanes<T> w = load_lanes(weights + u * stride);
            s0 += w * table(u, p);
            s1 += w * table(u, p + 1);
            s2 += w * table(u, p + 2);
            s3 += w * table(u, p + 3);
        }
        sums.col(p) = s0;
        sums.col(p + 1) = s1;
        sums.col(p + 2) = s2;
        sums.col(p + 3) = s3;
    }
    for (; p < table.cols(); ++p) {
        Lanes<T> s = Lanes<T>::Zero();
        for (Index u = 0; u < m; ++u) s += load_lanes(weights + u * stride) * table(u, p);
        sums.col(p) = s;
    }
}

}  // namespace cfensemble
