#include "cfensemble/logistic.hpp"

#include <vector>

namespace cfensemble {

template <class T>
AggregatorLoss aggregator_loss(const ConstFactors<T>& Y, const Labelled& labelled, const Vector<double>& v, double b,
                               double gamma, bool with_hessian, const Execution& execution) {
    constexpr Index kChunk = 512;
    const Index n = labelled.columns.size(), d = Y.rows();
    const double total = labelled.weights.sum();
    std::vector<AggregatorLoss> partial(static_cast<std::size_t>((n + kChunk - 1) / kChunk));  // added up in order
    execution.poll();
    const int n_threads = worthwhile_threads(n * (with_hessian ? d * d : d + 64), execution.n_threads);
    parallel_for(static_cast<Index>(partial.size()), n_threads, [&](Index task, int) {
        const Index first = task * kChunk, size = std::min(kChunk, n - first);
        Eigen::MatrixXd features(d + 1, size);  // (y, 1)
        Vector<double> slope(size), curvature(size);
        double value = 0;
        for (Index i = 0; i < size; ++i) {
            features.col(i).head(d) = Y.col(labelled.columns[first + i]).template cast<double>();
            features(d, i) = 1;
            const double z = features.col(i).head(d).dot(v) + b;
            const double omega = labelled.weights[first + i] / total;
            const FocalLoss f = focal_loss(z, labelled.labels[first + i] != 0, gamma);
            value += omega * f.value;
            slope[i] = omega * f.first;
            curvature[i] = omega * f.second;
        }
        AggregatorLoss& part = partial[static_cast<std::size_t>(task)];
        part.value = value;
        part.gradient = features * slope;
        if (with_hessian) part.hessian = features * curvature.asDiagonal() * features.transpose();
    });
    const Index size = with_hessian ? d + 1 : 0;
    AggregatorLoss sum{0, Vector<double>::Zero(d + 1), RowMatrix<double>::Zero(size, size)};
    for (const AggregatorLoss& part : partial) {
        sum.value += part.value;
        sum.gradient += part.gradient;
        if (with_hessian) sum.hessian += part.hessian;
    }
    return sum;
}

template <class T>
void predict(const ConstFactors<T>& Y, const Vector<double>& v, double b, Eigen::Map<Vector<T>> out,
             const Execution& execution) {
    constexpr Index kChunk = 1024;
    execution.poll();
    // A sigmoid costs about as much as 16 multiply-adds.
    const int n_threads = worthwhile_threads(Y.cols() * (Y.rows() + 16), execution.n_threads);
    parallel_for((Y.cols() + kChunk - 1) / kChunk, n_threads, [&](Index task, int) {
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
