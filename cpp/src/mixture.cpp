#include "cfensemble/mixture.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "cfensemble/sigmoid.hpp"

namespace cfensemble {
namespace {

using P = Packet<double>;
constexpr Index kLane = kLanes<double>, kWidth = kGroup<double>;

// Replaces n probabilities, whole groups of them, by the log-odds of clipped ones.
void take_log_odds(double* values, Index n, double clip) {
    const P one = simd::pset1<P>(1.0), low = simd::pset1<P>(clip), high = simd::pset1<P>(1 - clip);
    for (Index at = 0; at < n; at += kWidth) {
        unroll<2>([&](auto half) {
            double* place = values + at + half * kLane;
            const P clipped = simd::pmin(simd::pmax(simd::pload<P>(place), low), high);
            simd::pstore(place, simd::plog(simd::pdiv(clipped, simd::psub(one, clipped))));
        });
    }
}

Vector<double> inverse_roots(const Vector<double>& noise) {
    return (noise.array() > 0).select(noise.cwiseSqrt().cwiseInverse(), 0.0);
}

InstanceStep<double> posterior_step(const FactorModel& model) {
    const RowMatrix<double> A = model.X * inverse_roots(model.noise).asDiagonal();
    return {ConstFactors<double>(A.data(), A.rows(), A.cols()), 1.0, std::nullopt, false};
}

template <class T>
[[noreturn]] void reject(const MatrixView<T>& R, Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
        for (Index u = 0; u < R.rows; ++u) {
            const T r = *R.at(u, i);
            if (r < 0 || r > 1) {
                throw std::invalid_argument("R[" + std::to_string(u) + ", " + std::to_string(i) + "] is " +
                                            std::to_string(r) + ": probabilities lie in [0, 1], missing ones are NaN");
            }
        }
    }
    throw std::logic_error("nothing is wrong with the tile");
}

}  // namespace

// Memory of one thread.
struct Mixture::Scratch {
    Scratch(const InstanceStep<double>& step, Index n_aggregators)
        : m(step.n_classifiers()),
          tile(m),
          step_memory(step),
          predictions(m * kTile),
          factors(step.rank() * kWidth),
          scores(n_aggregators * kWidth) {
        for (Buffer<double>& reading : readings) reading = Buffer<double>(m * kWidth);
    }

    // Copies what will be standardised; returns whether all of it are probabilities.
    bool keep_predictions() {
        P least = simd::pset1<P>(0.0), most = least;
        const double* r = tile.targets(0);
        for (Index at = 0; at < m * tile.n_groups() * kWidth; at += kLane) {
            const P value = simd::pload<P>(r + at);
            least = simd::pmin(least, value);
            most = simd::pmax(most, value);
            simd::pstore(predictions.data() + at, value);
        }
        return simd::predux_min(least) >= 0 && simd::predux_max(most) <= 1;
    }

    Index m;
    PackedTile<double> tile;
    InstanceStep<double>::Scratch step_memory;
    Buffer<double> predictions;                      // of the tile, in its layout; missing ones are 0
    Buffer<double> factors;                          // of a group, as what follows
    std::array<Buffer<double>, kReadings> readings;  // (m, kGroup)
    Buffer<double> scores;                           // of a reading's aggregators
};

Mixture::Mixture(const FactorModel& model, std::vector<Interpolant> curves,
                 const std::array<Aggregators, kReadings>& aggregators, const Settings& settings)
    : mean_(model.mean),
      scale_(inverse_roots(model.noise)),
      step_(posterior_step(model)),
      factors_(model.X),
      curves_(std::move(curves)),
      settings_(settings) {
    for (std::size_t v = 0; v < kReadings; ++v) {
        const auto& [theta, share] = aggregators[v];
        readings_[v] = {PanelTable<double>(theta.leftCols(mean_.size()).transpose()), theta.rightCols(1), share};
    }
}

template <class T>
void Mixture::predict(const MatrixView<T>& R, double* out, const Execution& execution) const {
    const Index m = n_classifiers(), n = R.columns;
    Index n_aggregators = 0, most = 0;
    for (const Reading& reading : readings_) {
        n_aggregators += reading.share.size();
        most = std::max<Index>(most, reading.share.size());
    }
    Problem<T> problem{R, std::nullopt, {}, nullptr};
    problem.rule.constant = 1;
    // A logarithm, a division or a sigmoid costs about as much as 16 multiply-adds.
    const Index work = m * (packed_size(step_.rank()) + 6 * 16) + n_aggregators * (m + 32);
    const Execution how = worthwhile(n * work, execution);
    PerThread<Scratch> scratch(how);
    parallel_for((n + kTile - 1) / kTile, how, [&](Index index, int thread, const auto& checkpoint) {
        checkpoint();
        Scratch& memory = scratch.get(thread, step_, most);
        const Index begin = index * kTile, end = std::min(begin + kTile, n);
        memory.tile.pack(problem, begin, end);
        if (!memory.keep_predictions()) reject(R, begin, end);
        memory.tile.standardise(mean_, scale_);
        for (Index group = 0; group < memory.tile.n_groups(); ++group) {
            alignas(64) double p[kWidth];
            step_.solve(memory.tile, group, memory.factors.data(), memory.step_memory);
            read(memory, group);
            mix(memory, group, p);
            const Index first = begin + group * kWidth;
            std::copy(p, p + std::min(kWidth, end - first), out + first);
        }
    });
}

void Mixture::read(Scratch& memory, Index group) const {
    const Index m = n_classifiers();
    auto& [own, consensus, reconstruction] = memory.readings;
    const double* predictions = memory.predictions.data() + group * m * kWidth;
    const double* weights = memory.tile.weights(group);
    const P zero = simd::pset1<P>(0.0), one = simd::pset1<P>(1.0);
    for (Index first = 0; first < m; first += PanelTable<double>::kPanel) {
        weighted_sums(memory.factors.data(), factors_, first, [&](Index u, int half, const P& deviation) {
            const Index at = u * kWidth + half * kLane;
            const P expected = simd::padd(deviation, simd::pset1<P>(mean_[u]));
            const P clipped = simd::pmin(simd::pmax(expected, zero), one);
            const P observed = simd::pcmp_lt(zero, simd::pload<P>(weights + at));
            simd::pstore(own.data() + at, simd::pselect(observed, simd::pload<P>(predictions + at), clipped));
            simd::pstore(reconstruction.data() + at, clipped);
        });
    }
    for (Index u = 0; u < m; ++u) {
        const Interpolant& curve = curves_[static_cast<std::size_t>(u)];
        const double* completed = own.data() + u * kWidth;
        for (Index lane = 0; lane < kWidth; ++lane) consensus.data()[u * kWidth + lane] = curve(completed[lane]);
    }
    for (Buffer<double>& reading : memory.readings) take_log_odds(reading.data(), m * kWidth, settings_.clip);
}

void Mixture::mix(Scratch& memory, Index group, double* out) const {
    const Index m = n_classifiers();
    const P zero = simd::pset1<P>(0.0), one = simd::pset1<P>(1.0);
    P total[2] = {zero, zero};
    double* scores = memory.scores.data();
    for (std::size_t v = 0; v < kReadings; ++v) {
        const auto& [weights, bias, share] = readings_[v];
        for (Index first = 0; first < share.size(); first += PanelTable<double>::kPanel) {
            weighted_sums(memory.readings[v].data(), weights, first, [&](Index k, int half, const P& sum) {
                simd::pstore(scores + k * kWidth + half * kLane, simd::padd(sum, simd::pset1<P>(bias[k])));
            });
        }
        for (Index k = 0; k < share.size(); ++k) {
            const P part = simd::pset1<P>(share[k]);
            unroll<2>([&](auto half) {
                const P z = simd::pload<P>(scores + k * kWidth + half * kLane);
                total[half] = simd::pmadd(part, sigmoid(z), total[half]);
            });
        }
    }
    const double* observed = memory.tile.weights(group);
    const P base_rate = simd::pset1<P>(settings_.base_rate);
    unroll<2>([&](auto half) {
        P most = zero;
        for (Index u = 0; u < m; ++u) most = simd::pmax(most, simd::pload<P>(observed + u * kWidth + half * kLane));
        const P p = simd::pmin(simd::pmax(total[half], zero), one);
        simd::pstore(out + half * kLane, simd::pselect(simd::pcmp_lt(zero, most), p, base_rate));
    });
}

#define CFENSEMBLE_INSTANTIATE(T) template void Mixture::predict(const MatrixView<T>&, double*, const Execution&) const;
CFENSEMBLE_INSTANTIATE(float)
CFENSEMBLE_INSTANTIATE(double)

}  // namespace cfensemble
