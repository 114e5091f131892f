// The instance step of a labelled instance, whose supervised loss f(z), z = v . y + b, is one more term:
//
//     min_y  sum_u c_u (r_u - x_u . y)^2 + lambda |y|^2 + weight f(v . y + b).
//
// With A = X C X' + lambda I, y0 the minimiser of the first two terms and z0 = v . y0 + b, these exceed their minimum
// by (y - y0)' A (y - y0). Among all y with the same z that is least, namely (z - z0)^2 / S, at
//
//     y = y0 + (z - z0) / S a,    a = A^-1 v,    S = v . a,
//
// which leaves one unknown: z minimises (z - z0)^2 / S + weight f(z). So a system that is factorised anyway and one
// more substitution give the exact minimiser, however far f is from a quadratic.
//
// That minimum as a function of z0 has the curvature f'' / (1 + weight S f'' / 2) in place of f'': y gives way. It is
// what the labels add to the Hessian in the other parameters.
#pragma once

#include <algorithm>
#include <cmath>

#include "cfensemble/logistic.hpp"

namespace cfensemble {

struct LabelStep {
    double z0, spread, weight;  // spread: S
    bool positive;
    const LabelLoss& loss;

    // The minimising z.
    double minimiser() const {
        // In s, the score of the truth: f falls with s, so the minimiser lies above s0.
        const double s0 = loss.score(z0, positive);
        const double least = std::max(s0, loss.least_score()), most = loss.greatest_score(s0, half());
        if (!(most > least)) return z0;
        double best = root(s0, least, most, least);
        if (!loss.is_convex(half())) {  // there may be two minima
            const double other = root(s0, least, most, most);
            if (value(s0, other) < value(s0, best)) best = other;
        }
        if (least > s0 && !(value(s0, best) < value(s0, s0))) return z0;
        return loss.score(best, positive);
    }

    // f at the minimiser z and, per unit of weight, the first two derivatives in z0 of the minimum. The first is f' by
    // the envelope theorem, the second never negative. Held by the clip of probabilities, z does not follow z0.
    FocalLoss at_minimiser(double z) const {
        const FocalLoss f = loss.at(z, positive);
        if (half() > 0 && loss.is_clipped(loss.score(z, positive)) && !loss.is_clipped(loss.score(z0, positive))) {
            return {f.value, (z0 - z) / half(), 1 / half()};
        }
        const double curvature = std::max(f.second, 0.0);
        return {f.value, f.first, curvature / (1 + half() * curvature)};
    }

  private:
    double half() const { return weight * spread / 2; }
    double value(double s0, double s) const { return (s - s0) * (s - s0) + 2 * half() * loss.at_score(s).value; }

    // A zero of e(s) = s - s0 + half f'(s), at most 0 at `low`, at least 0 at `high` (or else `high`), by Newton's
    // method kept in a shrinking bracket: where that does not halve the step twice in a row, the bracket is halved.
    double root(double s0, double low, double high, double s) const {
        constexpr int kMost = 200;
        constexpr double kPrecision = 1e-9;  // of a step, after which Newton's error is its square
        double last = high - low, before = last;
        for (int i = 0; i < kMost; ++i) {
            const LabelLoss::Slopes f = loss.slopes_at_score(s);
            const double e = s - s0 + half() * f.first, slope = 1 + half() * f.second;
            (e < 0 ? low : high) = s;
            double next = s - e / slope;
            const bool useful = slope > 0 && next >= low && next <= high && 2 * std::abs(next - s) <= before;
            if (!useful) next = low + (high - low) / 2;
            before = last;
            last = std::abs(next - s);
            const double scale = 1 + std::abs(next);
            s = next;
            if (useful ? last <= kPrecision * scale : high - low <= 1e-15 * scale) break;
        }
        return s;
    }
};

}  // namespace cfensemble
