// Matrices that somebody else owns, in whatever layout they have.
#pragma once

#include <optional>

#include "cfensemble/config.hpp"

namespace cfensemble {

// A read-only matrix with arbitrary strides, counted in elements.
template <class T>
struct MatrixView {
    const T* data;
    Index rows;
    Index columns;
    Index row_stride;
    Index column_stride;

    const T* at(Index row, Index column) const { return data + row * row_stride + column * column_stride; }
};

// What is factorised: R (classifiers x instances, NaN = not predicted) and its confidence weights.
template <class T>
struct Problem {
    MatrixView<T> R;
    std::optional<MatrixView<T>> C;  // absent: every prediction has weight 1

    Index n_classifiers() const { return R.rows; }
    Index n_instances() const { return R.columns; }
};

}  // namespace cfensemble
