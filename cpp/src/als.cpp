#include "cfensemble/als.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cfensemble/label_step.hpp"
#include "cfensemble/pass.hpp"
#include "cfensemble/residual.hpp"
#include "cfensemble/symmetric.hpp"

namespace cfensemble {
namespace {

// Calls body(group, first instance, number of instances) for each of a tile's groups.
template <class T, class Body>
void for_each_group(const PackedTile<T>& tile, const Body& body) {
    for (Index group = 0; group < tile.n_groups(); ++group) {
        const Index offset = group * kGroup<T>;
        body(group, tile.begin() + offset, std::min(kGroup<T>, tile.size() - offset));
    }
}

// Copies a group's values, nearly always all of them.
template <class T>
void copy_group(const T* source, Index size, T* out) {
    if (size < kGroup<T>) {
        std::copy_n(source, size, out);
        return;
    }
    unroll<2>(
        [&](auto half) { simd::pstoreu(out + half * kLanes<T>, simd::ploadu<Packet<T>>(source + half * kLanes<T>)); });
}

// A group's columns of Y (d, n) from and to (d, kGroup).
template <class T>
void load_group(const ConstFactors<T>& Y, Index begin, Index size, T* y) {
    for (Index j = 0; j < Y.rows(); ++j, y += kGroup<T>) {
        std::fill(y + size, y + kGroup<T>, T(0));
        copy_group(Y.data() + j * Y.cols() + begin, size, y);
    }
}
template <class T>
void store_group(const T* y, Index begin, Index size, Factors<T>& Y) {
    for (Index j = 0; j < Y.rows(); ++j, y += kGroup<T>) copy_group(y, size, Y.data() + j * Y.cols() + begin);
}

// Q A Q' of a packed symmetric A.
void rotate_packed(const Eigen::MatrixXd& Q, const RowMatrix<double>& packed, Index row, RowMatrix<double>& out) {
    Eigen::MatrixXd A(Q.cols(), Q.cols());
    for (Index j = 0; j < Q.cols(); ++j) {
        for (Index k = 0; k <= j; ++k) A(j, k) = A(k, j) = packed(row, packed_index(j, k));
    }
    const Eigen::MatrixXd rotated = Q * A * Q.transpose();
    for (Index j = 0; j < Q.rows(); ++j) {
        for (Index k = 0; k <= j; ++k) out(row, packed_index(j, k)) += rotated(j, k);
    }
}

// The visits of a sweep.
template <class T>
class Sweep {
  public:
    // Totals, followed by the aggregator's gradient and, where the step is joint, curvature.
    enum Total { kResidual, kDegenerate, kSupervised, kGradient };

    Sweep(const InstanceStep<T>& step, const SweepOptions& options, const Execution& execution, Factors<T>& Y)
        : step_(step), residual_(step.factors()), options_(options), scratch_(execution), Y_(Y) {
        if (options.aggregator) {
            const Vector<double>& v = options.aggregator->v;
            v_ = step.reduced() ? Vector<double>(step.basis().transpose() * v) : v;
            total_weight_ = options.aggregator->labelled.total_weight();
            v_data_ = v_.template cast<T>();
        }
    }

    bool joint() const { return options_.aggregator && options_.supervised_weight > 0; }
    Index n_totals() const { return kGradient + step_.rank() + 1 + (joint() ? packed_size(step_.rank() + 1) : 0); }

    template <class Row>
    void operator()(Tile<T>& tile, int thread, Row&& totals) {
        Scratch& scratch = scratch_.get(thread, step_, Y_.rows());
        T* y = scratch.y.data();
        for_each_group(tile.data, [&](Index group, Index begin, Index size) {
            auto outcome = step_.solve(tile.data, group, y, scratch.step);
            totals[kDegenerate] += static_cast<double>(outcome.n_degenerate);
            if (joint()) outcome.residual += step_labelled(tile.data, group, begin, size, y, scratch);
            if (options_.residual || options_.moments) tile.data.weigh_instances(group);
            if (options_.residual) {
                if (tile.data.has_sample_weights()) outcome.residual = std::numeric_limits<double>::quiet_NaN();
                totals[kResidual] += std::isnan(outcome.residual) ? residual_(tile.data, group, y) : outcome.residual;
            }
            if (options_.aggregator) add_supervised(tile.data, group, y, begin, size, scratch, totals);
            if (options_.moments) tile.factors.set_group(group, y);
            if (step_.reduced()) step_.expand(y, scratch.expanded.data());
            store_group(step_.reduced() ? scratch.expanded.data() : y, begin, size, Y_);
        });
    }

  private:
    struct Scratch {
        Scratch(const InstanceStep<T>& s, Index d)
            : step(s),
              y(s.rank() * kGroup<T>),
              expanded(d * kGroup<T>),
              response(s.rank() * kGroup<T>),
              feature(Vector<double>::Ones(s.rank() + 1)) {}
        typename InstanceStep<T>::Scratch step;
        Buffer<T> y, expanded, response;
        Vector<double> feature;
        double z0[kGroup<T>], spread[kGroup<T>];  // of labelled instances, as in LabelStep
    };

    struct LabelledInstance {
        Index lane;
        double omega;  // of a sum of 1
        bool positive;
    };

    // Calls body(instance) for the labelled among instances [begin, begin + size).
    template <class Body>
    void for_each_labelled(Index begin, Index size, const Body& body) const {
        const Labelled& labelled = options_.aggregator->labelled;
        const Index* first = labelled.columns.data();
        const Index* last = first + labelled.columns.size();
        for (const Index* it = std::lower_bound(first, last, begin); it != last && *it < begin + size; ++it) {
            body(LabelledInstance{*it - begin, labelled.weights[it - first] / total_weight_,
                                  labelled.labels[it - first] != 0});
        }
    }

    double dot(const Vector<double>& v, const T* y, Index lane) const {
        double sum = 0;
        for (Index j = 0; j < v.size(); ++j) sum += v[j] * static_cast<double>(y[j * kGroup<T> + lane]);
        return sum;
    }

    // Beside the instance's own reconstruction its label counts omega_i / s_i; s_i = 0 is an instance left out.
    LabelStep label_step(const LabelledInstance& instance, const PackedTile<T>& tile, Index group,
                         const Scratch& scratch) const {
        const double s = static_cast<double>(tile.sample_weights(group)[instance.lane]);
        const double weight = s > 0 ? options_.supervised_weight * instance.omega / s : 0;
        return {scratch.z0[instance.lane], scratch.spread[instance.lane], weight, instance.positive,
                options_.aggregator->loss};
    }

    // Moves the labelled instances' y to where their loss counts, too, and returns by how much the residual grows.
    double step_labelled(const PackedTile<T>& tile, Index group, Index begin, Index size, T* y,
                         Scratch& scratch) const {
        const AggregatorPoint& point = *options_.aggregator;
        T* a = scratch.response.data();
        bool responded = false;
        double growth = 0;
        for_each_labelled(begin, size, [&](const LabelledInstance& instance) {
            if (!responded) step_.respond(tile, group, v_data_.data(), a, scratch.step);
            responded = true;
            const Index lane = instance.lane;
            const double z0 = dot(v_, y, lane) + point.b, spread = std::max(dot(v_, a, lane), 0.0);
            scratch.z0[lane] = z0;
            scratch.spread[lane] = spread;
            if (spread == 0) return;  // v = 0, or no weight and no penalty
            const double length = (label_step(instance, tile, group, scratch).minimiser() - z0) / spread;
            double cross = 0, square = 0;
            for (Index j = 0; j < v_.size(); ++j) {
                T& factor = y[j * kGroup<T> + lane];
                const double before = static_cast<double>(factor);
                const double response = static_cast<double>(a[j * kGroup<T> + lane]);
                cross += before * response;
                square += response * response;
                factor = static_cast<T>(before + length * response);
            }
            // (y - y0)' A (y - y0), less what the penalty has of it
            growth += length * (length * spread - step_.lambda() * (2 * cross + length * square));
        });
        return growth;
    }

    // The labelled among instances [begin, begin + size), whose factors are y.
    template <class Row>
    void add_supervised(const PackedTile<T>& tile, Index group, const T* y, Index begin, Index size, Scratch& scratch,
                        Row& totals) const {
        const AggregatorPoint& point = *options_.aggregator;
        const Index rank = v_.size();
        Vector<double>& feature = scratch.feature;  // (y, 1)
        for_each_labelled(begin, size, [&](const LabelledInstance& instance) {
            const Index lane = instance.lane;
            for (Index j = 0; j < rank; ++j) feature[j] = static_cast<double>(y[j * kGroup<T> + lane]);
            const double z = v_.dot(feature.head(rank)) + point.b, omega = instance.omega;
            const FocalLoss f = joint() ? label_step(instance, tile, group, scratch).at_minimiser(z)
                                        : point.loss.at(z, instance.positive);
            totals[kSupervised] += omega * f.value;
            totals.segment(kGradient, rank + 1) += omega * f.first * feature.transpose();
            if (!joint()) return;
            const double kept = omega * f.second;
            for (Index j = 0; j <= rank; ++j) {
                const Index first = kGradient + rank + 1 + packed_index(j, 0);
                totals.segment(first, j + 1) += kept * feature[j] * feature.head(j + 1).transpose();
            }
        });
    }

    const InstanceStep<T>& step_;
    Residual<T> residual_;
    const SweepOptions& options_;
    PerThread<Scratch> scratch_;
    Factors<T>& Y_;
    Vector<double> v_;  // as far as y goes
    Vector<T> v_data_;
    double total_weight_ = 0;
};

}  // namespace

template <class T>
SweepResult sweep(const Problem<T>& problem, const ConstFactors<T>& X, T lambda, Factors<T> Y,
                  const SweepOptions& options, const Execution& execution) {
    // A joint step reuses the factorised systems of the primal form.
    const bool joint = options.aggregator && options.supervised_weight > 0;
    const std::optional<Form> form = joint ? Form::primal : options.form;
    const InstanceStep<T> step(X, lambda, form, options.moments != nullptr);
    const Index d = X.rows(), rank = step.rank(), m = problem.n_classifiers();
    std::optional<Moments> reduced;
    if (options.moments && step.reduced()) reduced.emplace(m, rank);
    Pass<T> pass(problem, rank, reduced ? &*reduced : options.moments, execution);
    Sweep<T> visit(step, options, pass.execution(), Y);
    const Vector<double> totals = pass.run(visit.n_totals(), std::ref(visit));

    SweepResult result;
    result.residual = totals[Sweep<T>::kResidual];
    result.n_degenerate = static_cast<Index>(totals[Sweep<T>::kDegenerate]);
    if (options.aggregator) {
        result.supervised = totals[Sweep<T>::kSupervised];
        result.gradient.resize(d + 1);
        const auto gradient = totals.segment(Sweep<T>::kGradient, rank);
        result.gradient.head(d) = step.reduced() ? Vector<double>(step.basis() * gradient) : Vector<double>(gradient);
        result.gradient[d] = totals[Sweep<T>::kGradient + rank];
    }
    if (joint) {
        const RowMatrix<double> packed = totals.tail(packed_size(rank + 1)).transpose();
        result.curvature = unpack_symmetric(ConstFactors<double>(packed.data(), 1, packed.size()), 0, rank + 1);
    }
    if (reduced) {
        for (Index u = 0; u <= m; ++u) rotate_packed(step.basis(), reduced->gram, u, options.moments->gram);
        options.moments->rhs += reduced->rhs * step.basis().transpose();
    }
    return result;
}

template <class T>
void classifier_moments(const Problem<T>& problem, const ConstFactors<T>& Y, Moments& moments,
                        const Execution& execution) {
    Pass<T> pass(problem, Y.rows(), &moments, execution);
    PerThread<Buffer<T>> scratch(pass.execution());
    pass.run(0, [&](Tile<T>& tile, int thread, const auto&) {
        T* y = scratch.get(thread, Y.rows() * kGroup<T>).data();
        for_each_group(tile.data, [&](Index group, Index begin, Index size) {
            load_group(Y, begin, size, y);
            tile.data.weigh_instances(group);
            tile.factors.set_group(group, y);
        });
    });
}

template <class T>
double weighted_residual(const Problem<T>& problem, const ConstFactors<T>& X, const ConstFactors<T>& Y,
                         const Execution& execution) {
    const Residual<T> residual(X);
    Pass<T> pass(problem, X.rows(), nullptr, execution);
    PerThread<Buffer<T>> scratch(pass.execution());
    const Vector<double> total = pass.run(1, [&](Tile<T>& tile, int thread, auto&& totals) {
        T* y = scratch.get(thread, Y.rows() * kGroup<T>).data();
        for_each_group(tile.data, [&](Index group, Index begin, Index size) {
            load_group(Y, begin, size, y);
            tile.data.weigh_instances(group);
            totals[0] += residual(tile.data, group, y);
        });
    });
    return total[0];
}

template <class T>
void has_weight(const Problem<T>& problem, bool* out, const Execution& execution) {
    Pass<T>(problem, 1, nullptr, execution).run(0, [&](const Tile<T>& tile, int, const auto&) {
        for_each_group(tile.data, [&](Index group, Index begin, Index size) {
            const T* weights = tile.data.weights(group);
            for (Index i = 0; i < size; ++i) {
                out[begin + i] = false;
                for (Index u = 0; u < problem.n_classifiers(); ++u) {
                    out[begin + i] = out[begin + i] || weights[u * kGroup<T> + i] > 0;
                }
            }
        });
    });
}

#define CFENSEMBLE_INSTANTIATE(T)                                                                             \
    template SweepResult sweep(const Problem<T>&, const ConstFactors<T>&, T, Factors<T>, const SweepOptions&, \
                               const Execution&);                                                             \
    template void classifier_moments(const Problem<T>&, const ConstFactors<T>&, Moments&, const Execution&);  \
    template double weighted_residual(const Problem<T>&, const ConstFactors<T>&, const ConstFactors<T>&,      \
                                      const Execution&);                                                      \
    template void has_weight(const Problem<T>&, bool*, const Execution&);
CFENSEMBLE_INSTANTIATE(float)
CFENSEMBLE_INSTANTIATE(double)

}  // namespace cfensemble
