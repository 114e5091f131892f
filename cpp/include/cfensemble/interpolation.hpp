// Piecewise-linear curves through many knots, looked up for one value after another.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "cfensemble/config.hpp"

namespace cfensemble {

// y(x) between the knots x_0 < x_1 < ..., and the nearest knot's y beyond them.
//
// The knots of a probability's curve crowd where its values do, mostly near 0 or 1. So the segment of an x is looked
// up under the leading bits of min(x, 1 - x), a floating-point number: an octave nearer to the end has as many buckets
// as the one before, down to 2^-kOctaves. The bucket tells where to start from; the rest is bisection, of nothing in
// most cases. No x falls into a lower bucket than a smaller one, 1 - x being exact from 1/2 on, so that the knots of
// lower buckets lie before it and those of higher ones behind.
class Interpolant {
  public:
    // Knots ascend and are finite; there is at least one.
    Interpolant(const double* x, const double* y, Index n) : knots_(static_cast<std::size_t>(n)) {
        for (Index j = 0; j < n; ++j) {
            const double slope = j + 1 < n ? (y[j + 1] - y[j]) / (x[j + 1] - x[j]) : 0;
            knots_[static_cast<std::size_t>(j)] = {x[j], y[j], std::isfinite(slope) ? slope : 0};
        }
        while (shift_ > kMostShift - kMostBits && n_buckets() < kPerKnot * n) --shift_;
        first_.assign(static_cast<std::size_t>(n_buckets() + 1), 0);
        Index j = 0;
        for (Index b = 0; b <= n_buckets(); ++b) {
            while (j < n && bucket(x[j]) < b) ++j;
            first_[static_cast<std::size_t>(b)] = static_cast<std::int32_t>(j);
        }
    }

    double operator()(double x) const {
        const auto* entry = first_.data() + bucket(x);
        const Knot* knot = knots_.data() + entry[0];
        // The bucket's knots; the last one at or before x is looked for, or the one before all of them.
        for (std::int32_t n = entry[1] - entry[0]; n > 0;) {
            const std::int32_t half = (n + 1) / 2;
            const bool behind = knot[half - 1].x <= x;
            knot += behind ? half : 0;
            n = behind ? n - half : half - 1;
        }
        if (knot == knots_.data()) return knot->y;
        --knot;
        return knot->slope * (x - knot->x) + knot->y;
    }

  private:
    struct Knot {
        double x, y, slope;  // to the next one; 0 from the last one on
    };
    static constexpr int kOctaves = 16, kMostShift = 52, kMostBits = 10;
    static constexpr Index kPerKnot = 4;  // buckets

    // Of [0, 1/2] and of (1/2, 1], each kOctaves octaves and the rest.
    Index half_size() const { return (Index(kOctaves) << (kMostShift - shift_)) + 1; }
    Index n_buckets() const { return 2 * half_size(); }

    Index bucket(double x) const {
        const bool upper = x > 0.5;
        const double distance = std::max(kLeast, upper ? 1 - x : x);
        std::int64_t bits, least;
        std::memcpy(&bits, &distance, sizeof(bits));
        std::memcpy(&least, &kLeast, sizeof(least));
        const Index steps = (bits - least) >> shift_;
        return upper ? n_buckets() - 1 - steps : steps;
    }

    static constexpr double kLeast = 1.0 / (1 << (kOctaves + 1));
    int shift_ = kMostShift;
    std::vector<Knot> knots_;
    std::vector<std::int32_t> first_;  // knots in lower buckets
};

}  // namespace cfensemble
