// What every translation unit agrees on before it sees Eigen.
#pragma once

#include <cstdint>

// Threads are ours (parallel.hpp): Eigen's products stay serial, so that sums keep a fixed order.
#define EIGEN_DONT_PARALLELIZE

// Square roots to the last bit on every instruction set, not a Newton step short of it.
#define EIGEN_FAST_MATH 0

#ifndef NDEBUG
#include <stdexcept>
#define eigen_assert(condition)                                                   \
    do {                                                                          \
        if (!(condition)) throw std::logic_error("Eigen assertion: " #condition); \
    } while (false)
#endif

#include <Eigen/Dense>

namespace cfensemble {

using Index = std::int64_t;

template <class T>
using RowMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

// Factors are (d, columns) with a row per latent dimension: consecutive instances lie side by side.
template <class T>
using Factors = Eigen::Map<RowMatrix<T>>;
template <class T>
using ConstFactors = Eigen::Map<const RowMatrix<T>>;

// Rows of the lower triangle of a symmetric matrix of size d, one after the other.
constexpr Index packed_size(Index d) {
    return d * (d + 1) / 2;
}
constexpr Index packed_index(Index row, Index column) {
    return row * (row + 1) / 2 + column;
}

}  // namespace cfensemble
