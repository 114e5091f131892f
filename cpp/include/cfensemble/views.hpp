// Matrices that somebody else owns, in whatever layout they have, and what is to be done with them.
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

// How much a prediction r_ui counts, by rule:
//
//     (constant + certainty |r_ui - 1/2| + per_classifier_u + per_instance_i + C_ui) (1 + alpha a_ui),
//
// a_ui being r_ui where instance i's label is 1, 1 - r_ui where it is 0, and 0 where there is none (NaN). Null pointers
// stand for zeros and for no labels.
struct ConfidenceRule {
    double constant = 0;
    double certainty = 0;
    const double* per_classifier = nullptr;
    const double* per_instance = nullptr;
    const double* labels = nullptr;
    double alpha = 0;

    bool adds_nothing() const {
        return constant == 0 && certainty == 0 && !per_classifier && !per_instance && !(labels && alpha > 0);
    }
};

// What is factorised: R (classifiers x instances, NaN = not predicted), its confidence weights, and how often each
// instance counts. An instance of weight s is one that is there s times: s multiplies its confidences and its penalty
// alike, so its factors do not depend on it, but all sums over instances do.
template <class T>
struct Problem {
    MatrixView<T> R;
    std::optional<MatrixView<T>> C;  // absent: 0
    ConfidenceRule rule;
    const double* sample_weight = nullptr;  // absent: 1

    Index n_classifiers() const { return R.rows; }
    Index n_instances() const { return R.columns; }
};

}  // namespace cfensemble
