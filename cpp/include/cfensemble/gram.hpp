// The weighted sums of the instance step.
//
// All instances share X, so the normal matrices of all instances are one product: weights (n x m) times the table of
// products x_uj x_uk (m x d(d+1)/2). A group of instances takes the table panel by panel: a panel's columns times the
// group's two registers are the accumulators.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "cfensemble/lanes.hpp"

namespace cfensemble {

// Columns of a coefficient matrix, kPanel at a time: within a panel row by row, the last one filled up with zeros.
template <class T>
class PanelTable {
  public:
    static constexpr int kPanel = kManyRegisters ? 12 : 6;

    PanelTable() = default;

    // entry(row, column) gives the coefficients.
    template <class Entry>
    PanelTable(Index rows, Index columns, const Entry& entry)
        : rows_(rows), columns_(columns), values_(rows * round_up(columns, kPanel)) {
        for (Index c = 0; c < round_up(columns, kPanel); ++c) {
            T* out = values_.data() + c / kPanel * kPanel * rows + c % kPanel;
            for (Index row = 0; row < rows; ++row) out[row * kPanel] = c < columns ? entry(row, c) : T(0);
        }
    }
    template <class Matrix>
    explicit PanelTable(const Matrix& coefficients)
        : PanelTable(coefficients.rows(), coefficients.cols(), [&](Index r, Index c) { return coefficients(r, c); }) {}

    Index rows() const { return rows_; }
    Index columns() const { return columns_; }
    const T* panel(Index first_column) const { return values_.data() + first_column * rows_; }

  private:
    Index rows_ = 0, columns_ = 0;
    Buffer<T> values_;
};

// The packed outer products x_u x_u' of X's columns: a row per classifier, a column per product.
template <class T>
PanelTable<T> factor_products(const RowMatrix<T>& X) {
    std::vector<std::pair<Index, Index>> factors;
    for (Index j = 0; j < X.rows(); ++j) {
        for (Index k = 0; k <= j; ++k) factors.emplace_back(j, k);
    }
    return PanelTable<T>(X.cols(), packed_size(X.rows()), [&](Index u, Index p) {
        const auto& [j, k] = factors[static_cast<std::size_t>(p)];
        return X(j, u) * X(k, u);
    });
}

// For the rows of values of a group of instances (`table.rows()` of them, one behind the other) and the columns p of
// the panel that begins with column `first`: consume(p, half, sum_u table(u, p) values(u, lanes)), half = 0, 1 being
// the group's two registers.
template <class T, class Consume>
EIGEN_ALWAYS_INLINE void weighted_sums(const T* values, const PanelTable<T>& table, Index first,
                                       const Consume& consume) {
    using P = Packet<T>;
    constexpr int kPanel = PanelTable<T>::kPanel;
    with_constant<kPanel>(std::min<Index>(kPanel, table.columns() - first), [&](auto width) {
        constexpr int kWidth = decltype(width)::value;
        P sums[kWidth][2];
        unroll<kWidth>([&](auto p) { sums[p][0] = sums[p][1] = simd::pset1<P>(T(0)); });
        const T* row = values;
        const T* coefficients = table.panel(first);
        for (Index u = table.rows(); u > 0; --u) {
            const P low = simd::pload<P>(row), high = simd::pload<P>(row + kLanes<T>);
            unroll<kWidth>([&](auto p) {
                const P coefficient = simd::pset1<P>(coefficients[p]);
                sums[p][0] = simd::pmadd(low, coefficient, sums[p][0]);
                sums[p][1] = simd::pmadd(high, coefficient, sums[p][1]);
            });
            row += kGroup<T>;
            coefficients += kPanel;
        }
        unroll<kWidth>([&](auto p) {
            consume(first + p, 0, sums[p][0]);
            consume(first + p, 1, sums[p][1]);
        });
    });
}

}  // namespace cfensemble
