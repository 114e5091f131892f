#include "cfensemble/logistic.hpp"

#include <vector>

namespace cfensemble {
namespace {

AggregatorLoss zero_loss(Index d, bool with_hessian) {
    const Index size = with_hessian ? d + 1 : 0;
    return {0, Vector<double>::Zero(d + 1), RowMatrix<double>::Zero(size, size)};
}

}  // namespace

template <class T>
AggregatorLoss aggregator_loss(const ConstFactors<T>& Y, const Labelled& labelled, const Vector<double>& v, double b,
                               double gamma, bool with_hessian, const Execution& execution) {
    constexpr Index kTile = 512;  // instances whose features are in cache together
    constexpr Index kParts = 64;  // added up in order, and few enough that their Hessians are small against Y
    const Index n = labelled.columns.size(), d = Y.rows();
    const Index part_size = ((n + kParts - 1) / kParts + kTile - 1) / kTile * kTile;
    const double total = labelled.total_weight();
    std::vector<AggregatorLoss> parts(static_cast<std::size_t>((n + part_size - 1) / part_size));
    const Execution how = worthwhile(n * (with_hessian ? packed_size(d) : d + 64), execution);
    parallel_for(static_cast<Index>(parts.size()), how, [&](Index task, int, const auto&) {
        AggregatorLoss& part = parts[static_cast<std::size_t>(task)];
        part = zero_loss(d, with_hessian);
        const Index end = std::min((task + 1) * part_size, n);
        for (Index first = task * part_size; first < end; first += kTile) {
            const Index size = std::min(kTile, end - first);
            RowMatrix<double> features(d + 1, size);  // (y, 1)
            for (Index j = 0; j < d; ++j) {           // along Y's rows
                for (Index i = 0; i < size; ++i)
                    features(j, i) = static_cast<double>(Y(j, labelled.columns[first + i]));
            }
            features.row(d).setOnes();
            const Vector<double> z = (v.transpose() * features.topRows(d)).transpose();
            Vector<double> slope(size), curvature(size);
            for (Index i = 0; i < size; ++i) {
                const double omega = labelled.weights[first + i] / total;
                const FocalLoss f = focal_loss(z[i] + b, labelled.labels[first + i] != 0, gamma);
                part.value += omega * f.value;
                slope[i] = omega * f.first;
                curvature[i] = omega * f.second;
            }
            part.gradient += features * slope;
            if (with_hessian) part.hessian += features * curvature.asDiagonal() * features.transpose();
        }
    });
    AggregatorLoss sum = zero_loss(d, with_hessian);
    for (const AggregatorLoss& part : parts) {
        sum.value += part.value;
        sum.gradient += part.gradient;
        sum.hessian += part.hessian;
    }
    return sum;
}

template <class T>
void predict(const ConstFactors<T>& Y, const Vector<double>& v, double b, Eigen::Map<Vector<T>> out,
             const Execution& execution) {
    constexpr Index kChunk = 1024;
    // A sigmoid costs about as much as 16 multiply-adds.
    const Execution how = worthwhile(Y.cols() * (Y.rows() + 16), execution);
    parallel_for((Y.cols() + kChunk - 1) / kChunk, how, [&](Index task, int, const auto&) {
        const Index first = task * kChunk, size = std::min(kChunk, Y.cols() - first);
        Vector<double> z = Vector<double>::Constant(size, b);
        for (Index j = 0; j < Y.rows(); ++j) {
            z += v[j] * Y.row(j).segment(first, size).transpose().template cast<double>();
        }
        for (Index i = 0; i < size; ++i) out[first + i] = static_cast<T>(sigmoid(z[i]));
    });
}

#define CFENSEMBLE_INSTANTIATE(T)                                                                                   \
    template AggregatorLoss aggregator_loss(const ConstFactors<T>&, const Labelled&, const Vector<double>&, double, \
                                            double, bool, const Execution&);                                        \
    template void predict(const ConstFactors<T>&, const Vector<double>&, double, Eigen::Map<Vector<T>>,             \
                          const Execution&);
CFENSEMBLE_INSTANTIATE(float)
CFENSEMBLE_INSTANTIATE(double)

}  // namespace cfensemble
