// A tile of instances of R and C, copied out of any strides into rows the kernels can stream.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "cfensemble/lanes.hpp"
#include "cfensemble/views.hpp"

namespace cfensemble {

inline constexpr Index kTile = 128;  // instances; a multiple of every kGroup

// Instances by groups: a group's values for classifier u lie side by side, those for u + 1 behind them. A missing
// prediction has weight 0 and value 0, and so have the lanes that fill the last group.
template <class T>
class PackedTile {
  public:
    explicit PackedTile(Index n_classifiers)
        : m_(n_classifiers), weights_((m_ + 1) * kTile), targets_(m_ * kTile), weighted_(m_ * kTile) {}

    // Copies the problem's columns [begin, end), at most kTile, from whichever precision they have, and checks them.
    template <class Source>
    void pack(const Problem<Source>& problem, Index begin, Index end) {
        begin_ = begin;
        n_ = end - begin;
        weighted_instances_ = problem.sample_weight != nullptr;
        const InstanceTerms terms(problem.rule, begin, n_);
        for (Index u = 0; u < m_; ++u) {
            if (!pack_row(problem, terms, u)) reject(problem, u);
        }
        for (Index group = 0; group < n_groups(); ++group) {
            const Index first = group * kGroup<T>, size = std::min(kGroup<T>, n_ - first);
            T* row = weights_.data() + (group * (m_ + 1) + m_) * kGroup<T>;
            std::fill_n(row, kGroup<T>, T(0));
            for (Index i = 0; i < size; ++i) row[i] = T(1);
            if (!weighted_instances_) continue;
            for (Index i = 0; i < size; ++i) row[i] = static_cast<T>(problem.sample_weight[begin + first + i]);
        }
    }

    // Multiplies a group's weights by those of its instances: after the instance step, before sums over instances.
    void weigh_instances(Index group) {
        if (!weighted_instances_) return;
        T* c = weights_.data() + group * (m_ + 1) * kGroup<T>;
        T* cr = weighted_.data() + group * m_ * kGroup<T>;
        const T* s = sample_weights(group);
        for (Index at = 0; at < m_ * kGroup<T>; at += kGroup<T>) {
            unroll<2>([&](auto half) {
                const Index first = at + half * kLanes<T>;
                const P weight = simd::pload<P>(s + half * kLanes<T>);
                simd::pstore(c + first, simd::pmul(weight, simd::pload<P>(c + first)));
                simd::pstore(cr + first, simd::pmul(weight, simd::pload<P>(cr + first)));
            });
        }
    }

    // Replaces each prediction r of classifier u by (r - shift_u) scale_u.
    void standardise(const Vector<T>& shift, const Vector<T>& scale) {
        const P zero = simd::pset1<P>(T(0));
        for (Index group = 0; group < n_groups(); ++group) {
            const T* c = weights(group);
            T* r = targets_.data() + group * m_ * kGroup<T>;
            T* cr = weighted_.data() + group * m_ * kGroup<T>;
            for (Index u = 0; u < m_; ++u) {
                const P shift_u = simd::pset1<P>(shift[u]), scale_u = simd::pset1<P>(scale[u]);
                for (Index end = (u + 1) * kGroup<T>, at = u * kGroup<T>; at < end; at += kLanes<T>) {
                    const P weight = simd::pload<P>(c + at);
                    const P value = simd::pmul(simd::psub(simd::pload<P>(r + at), shift_u), scale_u);
                    const P kept = simd::pand(simd::pcmp_lt(zero, weight), value);
                    simd::pstore(r + at, kept);
                    simd::pstore(cr + at, simd::pmul(weight, kept));
                }
            }
        }
    }

    Index n_classifiers() const { return m_; }
    Index begin() const { return begin_; }
    Index size() const { return n_; }
    Index n_groups() const { return (n_ + kGroup<T> - 1) / kGroup<T>; }

    // Whether instances have weights other than 1.
    bool has_sample_weights() const { return weighted_instances_; }

    // A group's rows: m + 1 of weights c, the last one the instances' own (sums over all instances are moments too); m
    // of predictions r; m of products c r.
    const T* weights(Index group) const { return weights_.data() + group * (m_ + 1) * kGroup<T>; }
    const T* sample_weights(Index group) const { return weights(group) + m_ * kGroup<T>; }
    const T* targets(Index group) const { return targets_.data() + group * m_ * kGroup<T>; }
    const T* weighted_targets(Index group) const { return weighted_.data() + group * m_ * kGroup<T>; }

  private:
    using P = Packet<T>;
    static constexpr Index kRowsAhead = 4;

    // What the confidence rule makes of an instance, whatever the prediction: c = (base + extra) (offset + slope r).
    struct InstanceTerms {
        InstanceTerms(const ConfidenceRule& rule, Index begin, Index n) {
            std::fill_n(extra, kTile, T(0));
            std::fill_n(offset, kTile, T(1));
            std::fill_n(slope, kTile, T(0));
            for (Index i = 0; i < n; ++i) {
                if (rule.per_instance) extra[i] = static_cast<T>(rule.per_instance[begin + i]);
                if (!rule.labels || std::isnan(rule.labels[begin + i])) continue;
                const bool positive = rule.labels[begin + i] != 0;
                offset[i] = static_cast<T>(positive ? 1 : 1 + rule.alpha);
                slope[i] = static_cast<T>(positive ? rule.alpha : -rule.alpha);
            }
        }
        alignas(64) T extra[kTile];
        alignas(64) T offset[kTile];
        alignas(64) T slope[kTile];
    };

    // Returns whether all predictions are finite and their weights finite and at least 0.
    template <class Source>
    bool pack_row(const Problem<Source>& problem, const InstanceTerms& terms, Index u) {
        const ConfidenceRule& rule = problem.rule;
        const bool by_rule = !rule.adds_nothing();
        const P zero = simd::pset1<P>(T(0)), half_way = simd::pset1<P>(T(0.5));
        const P certainty = simd::pset1<P>(static_cast<T>(rule.certainty));
        const P base =
            simd::pset1<P>(static_cast<T>(rule.constant + (rule.per_classifier ? rule.per_classifier[u] : 0)));
        prefetch_row(problem, u + kRowsAhead);
        P nothing = zero, least = zero;  // 0 x is NaN for x that is not finite
        T r_copy[kGroup<T>], c_copy[kGroup<T>];
        for (Index group = 0; group < n_groups(); ++group) {
            const Index first = group * kGroup<T>, size = std::min(kGroup<T>, n_ - first);
            const T* r_source = lanes_of(problem.R, u, begin_ + first, size, r_copy);
            const T* c_source = problem.C ? lanes_of(*problem.C, u, begin_ + first, size, c_copy) : nullptr;
            const Index at = (group * m_ + u) * kGroup<T>, weight_at = at + group * kGroup<T>;
            for (Index lane = 0; lane < kGroup<T>; lane += kLanes<T>) {
                P r = simd::ploadu<P>(r_source + lane);
                P c = c_source ? simd::ploadu<P>(c_source + lane) : zero;
                const P observed = simd::pcmp_eq(r, r);
                r = simd::pand(observed, r);
                if (by_rule) {
                    c = simd::padd(c, simd::padd(base, simd::pload<P>(terms.extra + first + lane)));
                    c = simd::pmadd(certainty, simd::pabs(simd::psub(r, half_way)), c);
                    c = simd::pmul(c, simd::pmadd(simd::pload<P>(terms.slope + first + lane), r,
                                                  simd::pload<P>(terms.offset + first + lane)));
                }
                c = simd::pand(observed, c);
                nothing = simd::pmadd(r, zero, simd::pmadd(c, zero, nothing));
                least = simd::pmin(least, c);
                simd::pstore(weights_.data() + weight_at + lane, c);
                simd::pstore(targets_.data() + at + lane, r);
                simd::pstore(weighted_.data() + at + lane, simd::pmul(c, r));
            }
        }
        return simd::predux(nothing) == T(0) && simd::predux_min(least) >= T(0);
    }

    // A tile's rows lie far apart: without being told, the processor asks for each only when it is reached.
    template <class Source>
    void prefetch_row(const Problem<Source>& problem, Index u) const {
        constexpr Index kLine = 64 / static_cast<Index>(sizeof(Source));
        if (u >= m_) return;
        for (Index i = begin_; i < begin_ + n_; i += kLine) {
            simd::prefetch(problem.R.at(u, i));
            if (problem.C) simd::prefetch(problem.C->at(u, i));
        }
    }

    // Row u's entries from `first` on: in place, or a copy with missing ones in the lanes past the last instance.
    template <class Source>
    static const T* lanes_of(const MatrixView<Source>& matrix, Index u, Index first, Index size, T* copy) {
        const Source* source = matrix.at(u, first);
        if constexpr (std::is_same_v<Source, T>) {
            if (matrix.column_stride == 1 && size == kGroup<T>) return source;
        }
        for (Index i = 0; i < size; ++i) copy[i] = static_cast<T>(source[i * matrix.column_stride]);
        std::fill(copy + size, copy + kGroup<T>, std::numeric_limits<T>::quiet_NaN());
        return copy;
    }

    template <class Source>
    [[noreturn]] void reject(const Problem<Source>& problem, Index u) const {
        for (Index i = begin_;; ++i) {
            const Source r = *problem.R.at(u, i), c = problem.C ? *problem.C->at(u, i) : Source(0);
            const std::string place = "[" + std::to_string(u) + ", " + std::to_string(i) + "]";
            if (std::isinf(r)) {
                throw std::invalid_argument("R" + place + " is " + std::to_string(r) +
                                            ": predictions must be finite, or NaN where there is none");
            }
            if (!std::isnan(r) && !(std::isfinite(c) && c >= 0)) {
                throw std::invalid_argument("C" + place + " is " + std::to_string(c) +
                                            ": confidence weights must be finite and at least 0");
            }
            if (i + 1 == begin_ + n_) {
                throw std::invalid_argument("the confidence rule gives classifier " + std::to_string(u) +
                                            " weights that are not finite and at least 0");
            }
        }
    }

    Index m_, begin_ = 0, n_ = 0;
    bool weighted_instances_ = false;
    Buffer<T> weights_, targets_, weighted_;
};

}  // namespace cfensemble
