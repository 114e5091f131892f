#include "cfensemble/als.hpp"

#include <algorithm>
#include <vector>

#include "cfensemble/instance_step.hpp"
#include "cfensemble/moments.hpp"

namespace cfensemble {
namespace {

constexpr Index kChunk = 64;  // instances per task: a multiple of every kLanes

// Multiply-adds that an instance costs in a step with factors of dimension d.
Index work_per_instance(Index n_classifiers, Index d) {
    return n_classifiers * packed_size(d) + d * d * d / 6;
}

// Instances per block: as many as keep the packed block (three rows per classifier) within about a megabyte.
template <class T>
Index block_size(Index n_classifiers) {
    constexpr Index kBytes = Index(1) << 20;
    const Index in_cache = kBytes / (3 * (n_classifiers + 1) * static_cast<Index>(sizeof(T)));
    return std::clamp(in_cache / kChunk, Index(4), Index(32)) * kChunk;
}

Index n_chunks(Index n_instances) {
    return (n_instances + kChunk - 1) / kChunk;
}

// The pass: packs block after block and calls, for each chunk of it in parallel,
// chunk(block, offset in block, first instance, last instance, thread), then block_done(block, first, last, execution).
template <class T, class Chunk, class BlockDone>
void for_each_block(const Problem<T>& problem, Index d, const Execution& execution, const Chunk& chunk,
                    const BlockDone& block_done) {
    const Index m = problem.n_classifiers(), n = problem.n_instances();
    const Execution how = worthwhile(n * work_per_instance(m, d), execution);
    const Index capacity = std::min(block_size<T>(m), n_chunks(n) * kChunk);
    PackedBlock<T> block(m, capacity);
    for (Index begin = 0; begin < n; begin += capacity) {
        const Index end = std::min(begin + capacity, n);
        parallel_for(n_chunks(end - begin), how, [&](Index task, int thread) {
            const Index first = begin + task * kChunk, last = std::min(first + kChunk, end);
            block.pack(problem, first, last, task * kChunk);
            chunk(block, task * kChunk, first, last, thread);
        });
        block_done(block, begin, end, how);
    }
}

// sum_u c_u (r_u - x_u . y)^2 for n <= kLanes instances, whose factors are y's columns.
template <class T>
double lane_residual(const PackedBlock<T>& block, Index offset, Index n, const ConstFactors<T>& X,
                     const LaneArray<T>& y) {
    Lanes<T> sum = Lanes<T>::Zero();
    for (Index u = 0; u < X.cols(); ++u) {
        Lanes<T> error = load_lanes(&block.targets()(u, offset));
        for (Index j = 0; j < X.rows(); ++j) error -= X(j, u) * y.col(j);
        sum += load_lanes(&block.weights()(u, offset)) * error.square();
    }
    return sum.head(n).template cast<double>().sum();
}

}  // namespace

template <class T>
SweepResult sweep(const Problem<T>& problem, const ConstFactors<T>& X, T lambda, Factors<T> Y, Moments* moments,
                  const Execution& execution) {
    const Index d = X.rows();
    const InstanceStep<T> step(X, lambda);
    const Index team = std::min<Index>(execution.n_threads, n_chunks(problem.n_instances()));
    std::vector<typename InstanceStep<T>::Scratch> scratch(static_cast<std::size_t>(team),
                                                           typename InstanceStep<T>::Scratch(d));
    Vector<double> residuals(n_chunks(problem.n_instances()));  // by chunk: added up in a fixed order
    Vector<Index> fallbacks(residuals.size());

    const auto chunk = [&](const PackedBlock<T>& block, Index offset, Index first, Index last, int thread) {
        auto& mine = scratch[static_cast<std::size_t>(thread)];
        double residual = 0;
        Index n_fallback = 0;
        for (Index i = first; i < last; i += kLanes<T>, offset += kLanes<T>) {
            const Index n = std::min<Index>(kLanes<T>, last - i);
            n_fallback += step.solve(&block.weights()(0, offset), &block.targets()(0, offset),
                                     &block.weighted_targets()(0, offset), block.weights().cols(), n, mine);
            for (Index j = 0; j < d; ++j) Y.row(j).segment(i, n) = mine.y.col(j).head(n).transpose();
            residual += lane_residual(block, offset, n, X, mine.y);
        }
        residuals[first / kChunk] = residual;
        fallbacks[first / kChunk] = n_fallback;
    };
    for_each_block(problem, d, execution, chunk,
                   [&](const PackedBlock<T>& block, Index begin, Index end, const Execution& how) {
                       if (moments == nullptr) return;
                       const ConstFactors<T> solved(Y.data(), d, Y.cols());
                       add_moments(block, solved, begin, end - begin, how, *moments);
                   });
    return {residuals.sum(), fallbacks.sum()};
}

template <class T>
void classifier_moments(const Problem<T>& problem, const ConstFactors<T>& Y, Moments& moments,
                        const Execution& execution) {
    for_each_block(
        problem, Y.rows(), execution, [](const PackedBlock<T>&, Index, Index, Index, int) {},
        [&](const PackedBlock<T>& block, Index begin, Index end, const Execution& how) {
            add_moments(block, Y, begin, end - begin, how, moments);
        });
}

template <class T>
double weighted_residual(const Problem<T>& problem, const ConstFactors<T>& X, const ConstFactors<T>& Y,
                         const Execution& execution) {
    const Index d = X.rows();
    Vector<double> residuals(n_chunks(problem.n_instances()));
    const auto chunk = [&](const PackedBlock<T>& block, Index offset, Index first, Index last, int) {
        LaneArray<T> y = LaneArray<T>::Zero(kLanes<T>, d);
        double residual = 0;
        for (Index i = first; i < last; i += kLanes<T>, offset += kLanes<T>) {
            const Index n = std::min<Index>(kLanes<T>, last - i);
            for (Index j = 0; j < d; ++j) y.col(j).head(n) = Y.row(j).segment(i, n).transpose();
            residual += lane_residual(block, offset, n, X, y);
        }
        residuals[first / kChunk] = residual;
    };
    for_each_block(problem, d, execution, chunk, [](const PackedBlock<T>&, Index, Index, const Execution&) {});
    return residuals.sum();
}

#define CFENSEMBLE_INSTANTIATE(T)                                                                                     \
    template SweepResult sweep(const Problem<T>&, const ConstFactors<T>&, T, Factors<T>, Moments*, const Execution&); \
    template void classifier_moments(const Problem<T>&, const ConstFactors<T>&, Moments&, const Execution&);          \
    template double weighted_residual(const Problem<T>&, const ConstFactors<T>&, const ConstFactors<T>&,              \
                                      const Execution&);
CFENSEMBLE_INSTANTIATE(float)
CFENSEMBLE_INSTANTIATE(double)

}  // namespace cfensemble
