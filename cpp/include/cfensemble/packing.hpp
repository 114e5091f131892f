// A block of instances of R and C, copied out of any strides into rows the kernels can stream.
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "cfensemble/lanes.hpp"
#include "cfensemble/views.hpp"

namespace cfensemble {

// Row u holds classifier u; column i the block's i-th instance. A missing prediction has weight 0 and target 0,
// and so have the columns past the last instance that fill the last group of lanes.
template <class T>
class PackedBlock {
  public:
    PackedBlock(Index n_classifiers, Index capacity)
        : weights_(n_classifiers + 1, capacity),
          targets_(n_classifiers, capacity),
          weighted_(n_classifiers, capacity) {}

    // Copies the problem's columns [begin, end) to the block's columns from `offset` on, and checks them.
    void pack(const Problem<T>& problem, Index begin, Index end, Index offset) {
        const Index n = end - begin;
        const Index padded = (n + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
        for (Index u = 0; u < problem.n_classifiers(); ++u) {
            T* weight = &weights_(u, offset);
            T* target = &targets_(u, offset);
            for (Index i = 0; i < n; ++i) {
                const T r = *problem.R.at(u, begin + i);
                const T c = problem.C ? *problem.C->at(u, begin + i) : T(1);
                const bool missing = std::isnan(r);
                if (!missing && !(std::isfinite(r) && std::isfinite(c) && c >= 0)) reject(r, c, u, begin + i);
                weight[i] = missing ? T(0) : c;
                target[i] = missing ? T(0) : r;
            }
            std::fill(weight + n, weight + padded, T(0));
            std::fill(target + n, target + padded, T(0));
            weighted_.row(u).segment(offset, padded) =
                weights_.row(u).segment(offset, padded).cwiseProduct(targets_.row(u).segment(offset, padded));
        }
        weights_.row(problem.n_classifiers()).segment(offset, n).setOnes();
        weights_.row(problem.n_classifiers()).segment(offset + n, padded - n).setZero();
    }

    // (m + 1, capacity): the confidence weights and, as a last row, ones: sums over all instances are moments too.
    const RowMatrix<T>& weights() const { return weights_; }
    const RowMatrix<T>& targets() const { return targets_; }            // r
    const RowMatrix<T>& weighted_targets() const { return weighted_; }  // c r

  private:
    [[noreturn]] static void reject(T r, T c, Index classifier, Index instance) {
        const std::string place = "[" + std::to_string(classifier) + ", " + std::to_string(instance) + "]";
        if (!std::isfinite(r)) {
            throw std::invalid_argument("R" + place + " is " + std::to_string(r) +
                                        ": predictions must be finite, or NaN where there is none");
        }
        throw std::invalid_argument("C" + place + " is " + std::to_string(c) +
                                    ": confidence weights must be finite and at least 0");
    }

    RowMatrix<T> weights_;
    RowMatrix<T> targets_;
    RowMatrix<T> weighted_;
};

}  // namespace cfensemble
