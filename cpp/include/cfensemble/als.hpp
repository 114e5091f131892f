// Weighted alternating least squares: everything that touches R is one pass over tiles of instances, whose weights are
// s_i.
#pragma once

#include <optional>

#include "cfensemble/instance_step.hpp"
#include "cfensemble/logistic.hpp"
#include "cfensemble/moments.hpp"
#include "cfensemble/parallel.hpp"
#include "cfensemble/views.hpp"

namespace cfensemble {

struct SweepResult {
    double residual = 0;        // sum_ui s_i c_ui (r_ui - x_u . y_i)^2 with the new Y
    Index n_degenerate = 0;     // instances whose system was singular to working precision
    double supervised = 0;      // the aggregator's loss with the new Y,
    Vector<double> gradient;    // and its gradient in (v, b), (d + 1)
    Eigen::MatrixXd curvature;  // joint: sum_i h_i (y_i, 1) (y_i, 1)', h being the labels' reduced curvatures
};

// What a sweep is to find out besides Y.
struct SweepOptions {
    Moments* moments = nullptr;  // the sums for the next classifier step
    bool residual = false;
    const AggregatorPoint* aggregator = nullptr;  // loss and gradient there
    double supervised_weight = 0;  // joint, where positive: how much the aggregator's loss counts in the choice of Y
    std::optional<Form> form;      // of the instance step; by default the cheaper one
};

// The instance step for all instances, written to Y (d, n), and, in the same pass, what the options ask for.
template <class T>
SweepResult sweep(const Problem<T>& problem, const ConstFactors<T>& X, T lambda, Factors<T> Y,
                  const SweepOptions& options, const Execution& execution);

// The sums for a classifier step at a given Y.
template <class T>
void classifier_moments(const Problem<T>& problem, const ConstFactors<T>& Y, Moments& moments,
                        const Execution& execution);

// sum_ui s_i c_ui (r_ui - x_u . y_i)^2
template <class T>
double weighted_residual(const Problem<T>& problem, const ConstFactors<T>& X, const ConstFactors<T>& Y,
                         const Execution& execution);

// For each instance, whether it has a prediction of positive weight.
template <class T>
void has_weight(const Problem<T>& problem, bool* out, const Execution& execution);

}  // namespace cfensemble
