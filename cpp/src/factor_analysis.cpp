#include "cfensemble/factor_analysis.hpp"

#include "cfensemble/pass.hpp"

namespace cfensemble {
namespace {

// sum_u e_u^2, weighted, over a group of instances.
template <class T>
double squared_norm(const PackedTile<T>& tile, Index group) {
    using P = Packet<T>;
    P sums[2] = {simd::pset1<P>(T(0)), simd::pset1<P>(T(0))};
    const T* e = tile.targets(group);
    for (Index u = 0; u < tile.n_classifiers(); ++u, e += kGroup<T>) {
        unroll<2>([&](auto half) {
            const P value = simd::pload<P>(e + half * kLanes<T>);
            sums[half] = simd::pmadd(value, value, sums[half]);
        });
    }
    const T* s = tile.sample_weights(group);
    unroll<2>([&](auto half) { sums[half] = simd::pmul(simd::pload<P>(s + half * kLanes<T>), sums[half]); });
    return sum_lanes<T>(sums);
}

}  // namespace

template <class T>
double factor_moments(const MatrixView<T>& R, const double* sample_weight, const FactorModel& model, Moments& moments,
                      const Execution& execution) {
    constexpr double kLogTwoPi = 1.8378770664093454836;
    const Index d = model.X.rows();
    const Vector<double> counts = (model.noise.array() > 0).cast<double>();
    const Vector<double> root = model.noise.cwiseSqrt();
    const Vector<double> scale = (root.array() > 0).select(root.cwiseInverse(), 0.0);
    const Vector<T> shift = model.mean.template cast<T>(), factor = scale.template cast<T>();
    const RowMatrix<T> A = (model.X * scale.asDiagonal()).template cast<T>();

    Problem<T> problem{R, std::nullopt, {}, sample_weight};
    problem.rule.per_classifier = counts.data();
    const PosteriorStep<T> step(A);
    Moments sums(R.rows, d + 1);
    Pass<T> pass(problem, d + 1, &sums, execution, packed_size(d));
    PerThread<typename PosteriorStep<T>::Scratch> scratch(pass.execution());
    double log_likelihood = pass.run(1, [&](Tile<T>& tile, int thread, auto&& total) {
        auto& memory = scratch.get(thread, d);
        tile.data.standardise(shift, factor);
        for (Index group = 0; group < tile.data.n_groups(); ++group) {
            total[0] += step.solve(tile.data, group, memory) - 0.5 * squared_norm(tile.data, group);
            tile.data.weigh_instances(group);
            tile.factors.set_group(group, memory.factors.data());
            tile.covariances->set_group(group, memory.covariances.data());
        }
    })[0];
    for (Index u = 0; u < R.rows; ++u) {
        const double n_observed = sums.gram(u, packed_index(d, d));  // 1 1'
        if (n_observed > 0) log_likelihood -= 0.5 * n_observed * (kLogTwoPi + std::log(model.noise[u]));
    }
    sums.rhs = root.asDiagonal() * sums.rhs;
    moments += sums;
    return log_likelihood;
}

#define CFENSEMBLE_INSTANTIATE(T) \
    template double factor_moments(const MatrixView<T>&, const double*, const FactorModel&, Moments&, const Execution&);
CFENSEMBLE_INSTANTIATE(float)
CFENSEMBLE_INSTANTIATE(double)

}  // namespace cfensemble
