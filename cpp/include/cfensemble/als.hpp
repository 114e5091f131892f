// Weighted alternating least squares: everything that touches R is one pass over blocks of instances.
#pragma once

#include "cfensemble/parallel.hpp"
#include "cfensemble/views.hpp"

namespace cfensemble {

struct Moments;

struct SweepResult {
    double residual;   // sum_ui c_ui (r_ui - x_u . y_i)^2 with the new Y
    Index n_fallback;  // instances whose system was singular to working precision
};

// The instance step for all instances, written to Y (d, n), and, in the same pass, the weighted residual and, unless
// `moments` is null, the sums for the next classifier step.
template <class T>
SweepResult sweep(const Problem<T>& problem, const ConstFactors<T>& X, T lambda, Factors<T> Y, Moments* moments,
                  const Execution& execution);

// The sums for a classifier step at a given Y.
template <class T>
void classifier_moments(const Problem<T>& problem, const ConstFactors<T>& Y, Moments& moments,
                        const Execution& execution);

// sum_ui c_ui (r_ui - x_u . y_i)^2
template <class T>
double weighted_residual(const Problem<T>& problem, const ConstFactors<T>& X, const ConstFactors<T>& Y,
                         const Execution& execution);

}  // namespace cfensemble
