// What the combiner makes of predictions r_ui, NaN where there is none:
//
//     1. the factor model completes them: with y_i the expected factors given what was predicted (the instance step
//        with penalty 1, in units of the noise), r^_ui = x_u . y_i + mu_u, clipped to [0, 1], and c_ui = r_ui, or r^_ui
//        where that is missing;
//     2. they are read in three ways, as log-odds: f = logit(c_ui), logit(g_u(c_ui)) with a curve g_u per classifier,
//        and logit(r^_ui), of probabilities clipped to [clip, 1 - clip];
//     3. p_i = sum_k s_k sigmoid(w_k . f_i + b_k), each aggregator k having its reading f and its share s_k.
//
// An instance goes through all three in cache and on its own: its result depends on no other, nor on where it lies.
#pragma once

#include <array>
#include <vector>

#include "cfensemble/factor_analysis.hpp"
#include "cfensemble/interpolation.hpp"

namespace cfensemble {

inline constexpr int kReadings = 3;  // own, consensus, reconstruction

// Aggregators of one reading: theta (k, m + 1) holds w and b, share (k).
struct Aggregators {
    RowMatrix<double> theta;
    Vector<double> share;
};

class Mixture {
  public:
    struct Settings {
        double clip;       // of probabilities that become log-odds
        double base_rate;  // what an instance without any prediction gets
    };

    Mixture(const FactorModel& model, std::vector<Interpolant> curves,
            const std::array<Aggregators, kReadings>& aggregators, const Settings& settings);

    Index n_classifiers() const { return mean_.size(); }

    // Writes the probabilities (n) of the columns of R (m, n). Throws std::invalid_argument where R holds anything but
    // probabilities and NaN.
    template <class T>
    void predict(const MatrixView<T>& R, double* out, const Execution& execution) const;

  private:
    struct Scratch;
    struct Reading {
        PanelTable<double> weights;  // (m, k)
        Vector<double> bias, share;
    };

    // Both for a group of the scratch's tile: the log-odds of its readings, and its probabilities (kGroup).
    void read(Scratch& scratch, Index group) const;
    void mix(Scratch& scratch, Index group, double* out) const;

    Vector<double> mean_, scale_;  // scale: 1 / noise^1/2, 0 for a classifier that is left out of the model
    InstanceStep<double> step_;
    PanelTable<double> factors_;  // (d, m): X
    std::vector<Interpolant> curves_;
    std::array<Reading, kReadings> readings_;
    Settings settings_;
};

}  // namespace cfensemble
