// Piecewise-linear curves through many knots, looked up for one value after another.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "cfensemble/config.hpp"

namespace cfensemble {

// y(x) between the knots x_0 < x_1 < ..., and the nearest knot's y beyond them.
//
// The knots of a probability's curve crowd where its values do, mostly near 0 or 1. So the segment of an x is looked
// up under the leading bits of min(x, 1 - x), a floating-point number: an octave nearer to the end has as many buckets
// as the one before, down to 2^-kOctaves. No x falls into a lower bucket than a smaller one, 1 - x being exact from 1/2
// on, so that the knots of lower buckets lie before it and those of higher ones behind. Among the bucket's own knots,
// few in most cases, it takes as many bisections as the fullest bucket needs: always the same number, and no branch
// that would depend on the data, which would cost more than the arithmetic.
class Interpolant {
  public:
    // Knots ascend and are finite; there is at least one.
    Interpolant(const double* x, const double* y, Index n) {
        segments_.push_back({x[0], y[0], 0});  // before the first knot
        for (Index j = 0; j < n; ++j) {
            const double slope = j + 1 < n ? (y[j + 1] - y[j]) / (x[j + 1] - x[j]) : 0;
            segments_.push_back({x[j], y[j], std::isfinite(slope) ? slope : 0});
        }
        while (shift_ > kMostShift - kMostBits && n_buckets() < kPerKnot * n) --shift_;
        first_.assign(static_cast<std::size_t>(n_buckets() + 1), 0);
        for (Index j = 0; j < n; ++j) ++first_[static_cast<std::size_t>(bucket(x[j]) + 1)];
        const std::int32_t most = *std::max_element(first_.begin(), first_.end());
        while (2 * widest_ <= most) widest_ *= 2;
        for (std::size_t b = 1; b < first_.size(); ++b) first_[b] += first_[b - 1];
        // The bisection looks as far as that beyond the last knot.
        segments_.insert(segments_.end(), static_cast<std::size_t>(2 * widest_),
                         {std::numeric_limits<double>::infinity(), 0, 0});
    }

    double operator()(double x) const {
        const Segment* segment = segments_.data() + first_[static_cast<std::size_t>(bucket(x))];
        for (Index step = widest_; step > 0; step /= 2) segment += -Index(segment[step].x <= x) & step;
        return segment->slope * (x - segment->x) + segment->y;
    }

  private:
    struct Segment {
        double x, y, slope;  // from this knot to the next one; slope 0 before the first and after the last
    };
    static constexpr int kOctaves = 16, kMostShift = 52, kMostBits = 10;
    static constexpr Index kPerKnot = 8;  // buckets

    // Of [0, 1/2] and of (1/2, 1], each kOctaves octaves and the rest.
    Index half_size() const { return (Index(kOctaves) << (kMostShift - shift_)) + 1; }
    Index n_buckets() const { return 2 * half_size(); }

    Index bucket(double x) const {
        constexpr double kLeast = 1.0 / (1 << (kOctaves + 1));
        const double distance = std::max(kLeast, std::min(x, 1 - x));
        std::int64_t bits, least;
        std::memcpy(&bits, &distance, sizeof(bits));
        std::memcpy(&least, &kLeast, sizeof(least));
        const Index steps = (bits - least) >> shift_;
        const Index upper = -Index(x > 0.5);  // all bits, or none
        return (steps ^ upper) + (n_buckets() & upper);
    }

    int shift_ = kMostShift;
    Index widest_ = 1;  // the first step of the bisection
    std::vector<Segment> segments_;
    std::vector<std::int32_t> first_;  // knots in lower buckets
};

}  // namespace cfensemble
