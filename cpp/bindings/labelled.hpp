// Labelled instances from NumPy arrays.
#pragma once

#include <cmath>
#include <tuple>

#include "arrays.hpp"
#include "cfensemble/logistic.hpp"

namespace cfensemble::bindings {

template <class T>
Eigen::Map<const Vector<T>> vector_map(const DenseArray<T>& array) {
    return Eigen::Map<const Vector<T>>(array.data(), array.size());
}

// Holds the arrays, checked.
class LabelledArrays {
  public:
    LabelledArrays(const py::array& columns, const py::array& labels, const py::array& weights, Index n_instances)
        : columns_(dense<Index>(columns, "columns")),
          labels_(dense<double>(labels, "labels")),
          weights_(dense<double>(weights, "weights")) {
        const Index n = columns.size();
        check_length(columns, "columns", n);
        check_length(labels, "labels", n);
        check_length(weights, "weights", n);
        const Labelled labelled = view();
        for (Index i = 0; i < n; ++i) {
            const Index column = labelled.columns[i];
            const double label = labelled.labels[i], weight = labelled.weights[i];
            const auto place = [i] { return "[" + std::to_string(i) + "]"; };
            if (column < 0 || column >= n_instances) {
                throw py::index_error("columns" + place() + " is " + std::to_string(column) + ", outside [0, " +
                                      std::to_string(n_instances) + ")");
            }
            if (label != 0 && label != 1) {
                throw std::invalid_argument("labels" + place() + " is " + std::to_string(label) + ": must be 0 or 1");
            }
            if (!(std::isfinite(weight) && weight >= 0)) {
                throw std::invalid_argument("weights" + place() + " is " + std::to_string(weight) +
                                            ": must be finite and at least 0");
            }
            ascending_ = ascending_ && (i == 0 || labelled.columns[i - 1] < column);
        }
        if (!(labelled.total_weight() > 0)) {
            throw std::invalid_argument(
                "weights must have a positive sum: there is no labelled instance to learn from");
        }
    }

    Labelled view() const { return {vector_map(columns_), vector_map(labels_), vector_map(weights_)}; }
    bool ascending() const { return ascending_; }

  private:
    DenseArray<Index> columns_;
    DenseArray<double> labels_, weights_;
    bool ascending_ = true;
};

inline void check_focal_gamma(double focal_gamma) {
    if (!(std::isfinite(focal_gamma) && focal_gamma >= 0)) {
        throw std::invalid_argument("focal_gamma must be finite and at least 0, got " + std::to_string(focal_gamma));
    }
}

// w, b, columns, labels, weights, focal_gamma
using Supervision = std::tuple<py::array, double, py::array, py::array, py::array, double>;

// The same, checked.
class SupervisionArrays {
  public:
    SupervisionArrays(const Supervision& supervision, Index m, Index n)
        : w_(dense<double>(std::get<0>(supervision), "w")),
          b_(std::get<1>(supervision)),
          labelled_(std::get<2>(supervision), std::get<3>(supervision), std::get<4>(supervision), n),
          focal_gamma_(std::get<5>(supervision)) {
        check_length(w_, "w", m);
        check_focal_gamma(focal_gamma_);
        if (!labelled_.ascending()) throw std::invalid_argument("columns must ascend");
    }

    template <class T>
    AggregatorPoint point(const ConstFactors<T>& X, bool logistic) const {
        return {labelled_.view(), X.template cast<double>() * vector_map(w_), b_, {focal_gamma_, logistic}};
    }

    Eigen::Map<const Vector<double>> w() const { return vector_map(w_); }

  private:
    DenseArray<double> w_;
    double b_;
    LabelledArrays labelled_;
    double focal_gamma_;
};

}  // namespace cfensemble::bindings
