// What the classifier step needs of the instances: per classifier, sums over all of them.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "cfensemble/gram.hpp"
#include "cfensemble/packing.hpp"
#include "cfensemble/parallel.hpp"

namespace cfensemble {

// For classifier u:  gram(u) = sum_i c_ui y_i y_i' (packed),  rhs(u) = sum_i c_ui r_ui y_i.  The last row of gram is
// Y Y'. In float64 whatever the data's precision.
struct Moments {
    Moments(Index n_classifiers, Index d)
        : gram(RowMatrix<double>::Zero(n_classifiers + 1, packed_size(d))),
          rhs(RowMatrix<double>::Zero(n_classifiers, d)) {}
    RowMatrix<double> gram;
    RowMatrix<double> rhs;
};

// Adds a block's instances, Y's columns [begin, begin + n), to the moments. Every entry of the sums has one owner, a
// task that adds up its tiles in order: the result does not depend on the number of threads. Tasks own groups of
// columns (not of classifiers), so that each product y_ij y_ik is formed once.
template <class T>
void add_moments(const PackedBlock<T>& block, const ConstFactors<T>& Y, Index begin, Index n,
                 const Execution& execution, Moments& moments) {
    using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
    constexpr Index kTile = 256;  // products and weights of a tile stay in cache; longest sum in the data's precision
    constexpr Index kGroup = 32;  // columns per task
    const Index d = Y.rows();
    const Index n_products = packed_size(d);
    const Index n_product_tasks = (n_products + kGroup - 1) / kGroup;
    const Index n_rhs_tasks = (d + kGroup - 1) / kGroup;

    const auto accumulate = [&](Index first, Index last, const RowMatrix<T>& coefficients, RowMatrix<double>& sums,
                                const auto& fill_column) {
        Matrix columns(std::min(kTile, n), last - first);
        for (Index offset = 0; offset < n; offset += kTile) {
            const Index length = std::min(kTile, n - offset);
            for (Index p = first; p < last; ++p) fill_column(p, begin + offset, columns.col(p - first).head(length));
            const Matrix tile = coefficients.middleCols(offset, length) * columns.topRows(length);
            sums.middleCols(first, last - first) += tile.template cast<double>();
        }
    };

    parallel_for(n_product_tasks + n_rhs_tasks, execution, [&](Index task, int) {
        if (task < n_product_tasks) {
            const Index first = task * kGroup, last = std::min(first + kGroup, n_products);
            Index row = 0;
            while (packed_index(row + 1, 0) <= first) ++row;
            Index j = row, k = first - packed_index(row, 0);
            std::array<std::pair<Index, Index>, kGroup> factors;
            for (Index p = 0; p < last - first; ++p) {
                factors[static_cast<std::size_t>(p)] = {j, k};
                if (++k > j) ++j, k = 0;
            }
            accumulate(first, last, block.weights(), moments.gram, [&](Index p, Index column, auto&& out) {
                const auto [a, b] = factors[static_cast<std::size_t>(p - first)];
                out = Y.row(a).segment(column, out.size()).cwiseProduct(Y.row(b).segment(column, out.size()));
            });
        } else {
            const Index first = (task - n_product_tasks) * kGroup, last = std::min(first + kGroup, d);
            accumulate(first, last, block.weighted_targets(), moments.rhs,
                       [&](Index j, Index column, auto&& out) { out = Y.row(j).segment(column, out.size()); });
        }
    });
}

}  // namespace cfensemble
