// Factor analysis of predictions, in which every classifier has its own noise (Rubin and Thayer 1982; here with gaps):
//
//     r_ui = mu_u + x_u . y_i + e_ui,   y_i ~ N(0, I),   e_ui ~ N(0, psi_u).
//
// In units of the noise, e_u = (r_u - mu_u) / psi_u^1/2 and a_u = x_u / psi_u^1/2, an instance's factors are, given its
// predictions, normal with mean y and covariance V,
//
//     V^-1 = I + sum_u a_u a_u' = L L',   y = V s,   s = sum_u a_u e_u,
//
// the sums being over the classifiers that predicted it. With z = L^-1 s its log-likelihood is
//
//     -1/2 (sum_u [log(2 pi psi_u) + e_u^2] + log det V^-1 - s . y),   log det V^-1 = 2 sum_j log L_jj,   s . y =
//     |z|^2.
//
// That is the instance step with penalty 1. What the M-step needs of it are the moments of (y, 1), in which y y' has
// its expectation y y' + V.
#pragma once

#include <cmath>

#include "cfensemble/instance_step.hpp"
#include "cfensemble/moments.hpp"
#include "cfensemble/parallel.hpp"

namespace cfensemble {

struct FactorModel {
    ConstFactors<double> X;      // (d, m)
    Vector<double> mean, noise;  // (m); noise 0 leaves a classifier out
};

// Adds to the moments, of m classifiers and d + 1 dimensions,
//
//     gram(u) += sum_i s_i E[(y_i, 1) (y_i, 1)'],   rhs(u) += sum_i s_i (r_ui - mu_u) (y_i, 1)   over the observed i,
//
// and returns the log-likelihood sum_i s_i log p(r_i); the weights s_i of the instances are 1 where `sample_weight` is
// null.
template <class T>
double factor_moments(const MatrixView<T>& R, const double* sample_weight, const FactorModel& model, Moments& moments,
                      const Execution& execution);

// The factors of a group of instances, whose predictions are in units of the noise, and their covariance.
template <class T>
class PosteriorStep {
  public:
    struct Scratch {
        explicit Scratch(Index d)
            : systems(PackedSystems<T>::size(d)),
              inverse(packed_size(d) * kGroup<T>),
              covariances(packed_size(d) * kGroup<T>),
              factors((d + 1) * kGroup<T>) {}
        Buffer<T> systems, inverse;
        Buffer<T> covariances;  // V, packed, (d(d+1)/2, kGroup)
        Buffer<T> factors;      // (y, 1), (d + 1, kGroup)
    };

    // A (d, m): the classifiers' factors in units of their noise.
    explicit PosteriorStep(const RowMatrix<T>& A) : A_(A), by_factor_(A.transpose()), products_(factor_products(A)) {}

    // Writes the scratch's covariances and factors; returns the weighted sum of -1/2 (log det V^-1 - s . y) over
    // the group.
    double solve(const PackedTile<T>& tile, Index group, Scratch& scratch) const {
        using P = Packet<T>;
        const Index d = A_.rows();
        const PackedSystems<T> systems{scratch.systems.data(), d};
        set_up_normal_equations(tile, group, products_, by_factor_, T(1), systems);
        const auto definite = factorise(systems, pivot_rounding<T>(d));
        solve_transposed(systems, scratch.factors.data());
        invert(systems, PackedSystems<T>{scratch.inverse.data(), d}, scratch.covariances.data());
        alignas(64) T terms[kGroup<T>];
        unroll<2>([&](auto half) {
            const P one = simd::pset1<P>(T(1)), one_half = simd::pset1<P>(T(0.5));
            P sum = simd::pset1<P>(T(0));
            for (Index j = 0; j < d; ++j) {
                const P z = simd::pload<P>(systems.at(d, j) + half * kLanes<T>);
                const P inverse_pivot = simd::pload<P>(systems.at(j, j) + half * kLanes<T>);  // 1 / L_jj
                sum = simd::padd(sum, simd::pmadd(simd::pmul(one_half, z), z, simd::plog(inverse_pivot)));
            }
            simd::pstore(terms + half * kLanes<T>, sum);
            simd::pstore(scratch.factors.data() + d * kGroup<T> + half * kLanes<T>, one);
        });
        double total = 0;
        for (Index lane = 0; lane < kGroup<T>; ++lane) {
            const double term = definite[static_cast<std::size_t>(lane)] ? static_cast<double>(terms[lane])
                                                                         : solve_lane(tile, group, lane, scratch);
            total += static_cast<double>(tile.sample_weights(group)[lane]) * term;
        }
        return total;
    }

  private:
    // V = L^-T L^-1 from what `factorise` left of L.
    static void invert(const PackedSystems<T>& L, const PackedSystems<T>& inverse, T* V) {
        using P = Packet<T>;
        const Index d = L.d;
        unroll<2>([&](auto half) {
            const auto load = [&](const PackedSystems<T>& matrix, Index row, Index column) {
                return simd::pload<P>(matrix.at(row, column) + half * kLanes<T>);
            };
            for (Index j = 0; j < d; ++j) {
                simd::pstore(inverse.at(j, j) + half * kLanes<T>, load(L, j, j));
                for (Index i = j + 1; i < d; ++i) {
                    P sum = simd::pset1<P>(T(0));
                    for (Index k = j; k < i; ++k) sum = simd::pmadd(load(L, i, k), load(inverse, k, j), sum);
                    simd::pstore(inverse.at(i, j) + half * kLanes<T>, simd::pnegate(simd::pmul(sum, load(L, i, i))));
                }
            }
            T* out = V + half * kLanes<T>;
            for (Index j = 0; j < d; ++j) {
                for (Index k = 0; k <= j; ++k, out += kGroup<T>) {
                    P sum = simd::pset1<P>(T(0));
                    for (Index i = j; i < d; ++i) sum = simd::pmadd(load(inverse, i, j), load(inverse, i, k), sum);
                    simd::pstore(out, sum);
                }
            }
        });
    }

    // One instance, where the noise is so small that I is lost in V^-1: with the rows a_u' above I = Q U, V^-1 = U'U,
    // at the square root of V^-1's condition number.
    double solve_lane(const PackedTile<T>& tile, Index group, Index lane, Scratch& scratch) const {
        const Index m = A_.cols(), d = A_.rows();
        Eigen::MatrixXd design = Eigen::MatrixXd::Zero(m + d, d);
        Eigen::VectorXd target = Eigen::VectorXd::Zero(m + d);
        for (Index u = 0; u < m; ++u) {
            if (!(tile.weights(group)[u * kGroup<T> + lane] > 0)) continue;
            design.row(u) = A_.col(u).transpose().template cast<double>();
            target[u] = static_cast<double>(tile.targets(group)[u * kGroup<T> + lane]);
        }
        design.bottomRows(d).diagonal().setOnes();
        const Eigen::HouseholderQR<Eigen::MatrixXd> qr(design);
        const Eigen::MatrixXd U = qr.matrixQR().topRows(d);
        const Eigen::VectorXd z = (qr.householderQ().transpose() * target).head(d);
        const Eigen::VectorXd y = U.triangularView<Eigen::Upper>().solve(z);
        const Eigen::MatrixXd inverse = U.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(d, d));
        const Eigen::MatrixXd V = inverse * inverse.transpose();
        for (Index j = 0; j < d; ++j) {
            scratch.factors.data()[j * kGroup<T> + lane] = static_cast<T>(y[j]);
            for (Index k = 0; k <= j; ++k) {
                scratch.covariances.data()[packed_index(j, k) * kGroup<T> + lane] = static_cast<T>(V(j, k));
            }
        }
        return 0.5 * z.squaredNorm() - U.diagonal().array().abs().log().sum();
    }

    RowMatrix<T> A_;
    PanelTable<T> by_factor_, products_;
};

}  // namespace cfensemble
