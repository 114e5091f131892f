// The aggregator: p_i = sigmoid(v . y_i + b) with v = X w, its weighted focal loss and exact derivatives.
//
// For one instance let s = z if t = 1 else -z, p = sigmoid(s) the probability given to the truth, q = 1 - p =
// sigmoid(-s) and l = -log p = log(1 + e^-s). Then, with dp/ds = p q,
//
//     f   = q^gamma l
//     f'  = -q^gamma (gamma p l + q)
//     f'' = q^gamma p (gamma^2 p l + 2 gamma q - gamma q l + q)
//
// with respect to s; with respect to z the first derivative changes its sign where t = 0. gamma = 0: cross-entropy.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cfensemble/parallel.hpp"

namespace cfensemble {

inline double sigmoid(double z) {
    const double e = std::exp(-std::abs(z));
    return (z >= 0 ? 1 : e) / (1 + e);
}

struct FocalLoss {
    double value, first, second;  // f, f'(z), f''(z)
};

inline FocalLoss focal_loss(double z, bool positive, double gamma) {
    const double sign = positive ? 1 : -1, s = sign * z;
    const double e = std::exp(-std::abs(s)), log1p_e = std::log1p(e);  // never overflow
    const double p = (s >= 0 ? 1 : e) / (1 + e), q = (s >= 0 ? e : 1) / (1 + e);
    const double l = std::max(-s, 0.0) + log1p_e;
    const double power =
        gamma == 0 ? 1 : std::exp(-gamma * (std::max(s, 0.0) + log1p_e));  // q^gamma, also where q is 0
    return {power * l, -sign * power * (gamma * p * l + q),
            power * p * (gamma * gamma * p * l + gamma * q * (2 - l) + q)};
}

// The loss of one labelled instance as a function of z: the focal loss of the probability sigmoid(z) or, where z is the
// probability itself (the plain average), that of z clipped to [clip, 1 - clip].
struct LabelLoss {
    double gamma;
    bool logistic = true;

    // The score s that a z gives to the truth, and the z of a score.
    double score(double z, bool positive) const { return positive ? z : logistic ? -z : 1 - z; }

    struct Slopes {
        double first, second;  // f', f''
    };

    // f, f', f'' with respect to the score, and to z.
    FocalLoss at_score(double s) const { return logistic ? focal_loss(s, true, gamma) : clipped(s); }
    Slopes slopes_at_score(double s) const {
        if (logistic && gamma == 0) {  // without a logarithm
            const double q = sigmoid(-s);
            return {-q, q * (1 - q)};
        }
        const FocalLoss f = at_score(s);
        return {f.first, f.second};
    }
    FocalLoss at(double z, bool positive) const {
        FocalLoss f = at_score(score(z, positive));
        if (!positive) f.first = -f.first;
        return f;
    }

    // Where (s - s0)^2 + 2 half f(s) has its minimum, if not at s0: |f'| is at most 1 + gamma / e, as -p log p <= 1 /
    // e.
    double least_score() const { return logistic ? -std::numeric_limits<double>::infinity() : kClip; }
    double greatest_score(double s0, double half) const {
        return logistic ? s0 + half * (1 + gamma * kInverseE) : 1 - kClip;
    }
    bool is_clipped(double s) const { return !logistic && s >= 1 - 2 * kClip; }  // at the truth's end
    // Whether that function is known to be convex: f'' is at least -gamma / e.
    bool is_convex(double half) const { return gamma == 0 || half * gamma * kInverseE < 1; }

  private:
    static constexpr double kClip = 1e-7, kInverseE = 0.36787944117144233;

    FocalLoss clipped(double p) const {
        const double inside = std::clamp(p, kClip, 1 - kClip), q = 1 - inside, l = -std::log(inside);
        const double power = std::pow(q, gamma), slope = gamma * power / q;
        if (inside != p) return {power * l, 0, 0};
        return {power * l, -slope * l - power / p, ((gamma - 1) * slope / q) * l + 2 * slope / p + power / (p * p)};
    }
};

// Labelled instances: columns of Y, their labels (1 or 0) and weights omega >= 0 with a positive sum.
struct Labelled {
    Eigen::Map<const Vector<Index>> columns;
    Eigen::Map<const Vector<double>> labels;
    Eigen::Map<const Vector<double>> weights;

    // One by one: Eigen's order depends on where the array happens to lie.
    double total_weight() const { return std::accumulate(weights.data(), weights.data() + weights.size(), 0.0); }
};

// Where the loss is wanted: at v = X w and b, of the labelled instances, whose columns ascend.
struct AggregatorPoint {
    Labelled labelled;
    Vector<double> v;
    double b;
    LabelLoss loss;
};

// sum_i omega_i f(z_i, t_i) / sum_i omega_i, its gradient and its Hessian with respect to (v, b). By the chain rule
// those with respect to (w, b) are X' times them (and times X): R_hat is never formed.
struct AggregatorLoss {
    double value;
    Vector<double> gradient;    // (d + 1)
    RowMatrix<double> hessian;  // (d + 1, d + 1), or empty where it was not asked for
};

template <class T>
AggregatorLoss aggregator_loss(const ConstFactors<T>& Y, const Labelled& labelled, const Vector<double>& v, double b,
                               double gamma, bool with_hessian, const Execution& execution);

// sigmoid(v . y_i + b) for every column of Y.
template <class T>
void predict(const ConstFactors<T>& Y, const Vector<double>& v, double b, Eigen::Map<Vector<T>> out,
             const Execution& execution);

}  // namespace cfensemble
