// Packed Cholesky factorisation and solves of kLanes systems at once.
#pragma once

#include <limits>

#include "cfensemble/lanes.hpp"

namespace cfensemble {

// Factorises the packed matrices A = L L' in place (left-looking; the diagonal of L is stored inverted).
//
// Returns which lanes are not positive definite to working precision. A pivot is what remains of a diagonal element
// after subtracting squares that sum to at most that element, so its rounding error is about d eps A_jj: below a small
// multiple of that it says nothing. Those lanes go on with a pivot of 1 and hold no meaningful numbers.
template <class T>
Eigen::Array<bool, kLanes<T>, 1> factorise_packed(LaneArray<T>& A, Index d) {
    const T tolerance = T(8) * static_cast<T>(d) * std::numeric_limits<T>::epsilon();
    Eigen::Array<bool, kLanes<T>, 1> failed = Eigen::Array<bool, kLanes<T>, 1>::Constant(false);
    for (Index j = 0; j < d; ++j) {
        const Index row_j = packed_index(j, 0);
        for (Index k = 0; k < j; ++k) {
            const Index row_k = packed_index(k, 0);
            Lanes<T> sum = A.col(row_j + k);
            for (Index l = 0; l < k; ++l) sum -= A.col(row_j + l) * A.col(row_k + l);
            A.col(row_j + k) = sum * A.col(row_k + k);
        }
        const Lanes<T> diagonal = A.col(row_j + j);
        Lanes<T> pivot = diagonal;
        for (Index l = 0; l < j; ++l) pivot -= A.col(row_j + l).square();
        const auto usable = (pivot > tolerance * diagonal).eval();
        failed = failed || !usable;
        A.col(row_j + j) = usable.select(pivot, T(1)).sqrt().inverse();
    }
    return failed;
}

// Solves L L' y = b in place, with L from factorise_packed.
template <class T>
void solve_packed(const LaneArray<T>& L, Index d, LaneArray<T>& b) {
    for (Index j = 0; j < d; ++j) {
        Lanes<T> sum = b.col(j);
        for (Index k = 0; k < j; ++k) sum -= L.col(packed_index(j, k)) * b.col(k);
        b.col(j) = sum * L.col(packed_index(j, j));
    }
    for (Index j = d - 1; j >= 0; --j) {
        Lanes<T> sum = b.col(j);
        for (Index k = j + 1; k < d; ++k) sum -= L.col(packed_index(k, j)) * b.col(k);
        b.col(j) = sum * L.col(packed_index(j, j));
    }
}

}  // namespace cfensemble
