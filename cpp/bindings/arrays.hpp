// NumPy arrays in and out: conversion, validation, and errors that name the argument.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "cfensemble/parallel.hpp"
#include "cfensemble/views.hpp"

namespace cfensemble::bindings {

namespace py = pybind11;

template <class T>
using DenseArray = py::array_t<T, py::array::c_style>;

inline std::string shape_text(const py::array& array) {
    return py::cast<std::string>(py::str(array.attr("shape")));
}

inline void check_shape(const py::array& array, const char* name, Index rows, Index columns) {
    if (array.ndim() != 2 || array.shape(0) != rows || array.shape(1) != columns) {
        throw std::invalid_argument(std::string(name) + " must have shape (" + std::to_string(rows) + ", " +
                                    std::to_string(columns) + "), got " + shape_text(array));
    }
}

inline void check_length(const py::array& array, const char* name, Index length) {
    if (array.ndim() != 1 || array.shape(0) != length) {
        throw std::invalid_argument(std::string(name) + " must have shape (" + std::to_string(length) + ",), got " +
                                    shape_text(array));
    }
}

inline void check_matrix(const py::array& array, const char* name) {
    if (array.ndim() != 2) {
        throw std::invalid_argument(std::string(name) + " must be 2-dimensional, got shape " + shape_text(array));
    }
}

// Factors (d, columns), d >= 1; returns d.
inline Index check_factors(const py::array& array, const char* name, Index columns) {
    const Index d = array.ndim() == 2 ? array.shape(0) : 1;
    check_shape(array, name, d, columns);
    if (d < 1) throw std::invalid_argument(std::string(name) + " has no rows: the latent dimension must be at least 1");
    return d;
}

// Every size the kernels multiply out stays below 2^62.
inline void check_sizes(Index m, Index n, Index d) {
    const auto product = [](Index a, Index b) {
        constexpr Index kLimit = Index(1) << 62;
        if (a > kLimit / b) throw std::overflow_error("the problem is too large: sizes overflow 64 bits");
        return a * b;
    };
    if (m < 1 || n < 1 || d < 1) throw std::invalid_argument("arrays must have at least one row and one column");
    product(product(m + d, product(d, d + 1)), n);
}

template <class T>
void check_dtype(const py::array& array, const char* name) {
    if (!py::isinstance<py::array_t<T>>(array)) {
        throw py::type_error(std::string(name) + " must have dtype " +
                             py::cast<std::string>(py::str(py::dtype::of<T>())) + " like the other arrays, got " +
                             py::cast<std::string>(py::str(array.dtype())));
    }
}

// The array in C order, copied only where it is not: for what is small against R.
template <class T>
DenseArray<T> dense(const py::array& array, const char* name) {
    check_dtype<T>(array, name);
    return DenseArray<T>::ensure(array);
}

template <class T>
ConstFactors<T> factors(const DenseArray<T>& array) {
    return ConstFactors<T>(array.data(), array.shape(0), array.shape(1));
}

// Factors (d, columns) to be written in place.
template <class T>
Factors<T> output_factors(py::array& array, const char* name, Index d, Index columns) {
    check_dtype<T>(array, name);
    check_shape(array, name, d, columns);
    if (!py::isinstance<DenseArray<T>>(array) || !array.writeable()) {
        throw std::invalid_argument(std::string(name) + " is written in place: it must be C-contiguous and writeable");
    }
    return Factors<T>(static_cast<T*>(array.mutable_data()), d, columns);
}

template <class T>
Factors<T> mutable_factors(DenseArray<T>& array) {
    return Factors<T>(array.mutable_data(), array.shape(0), array.shape(1));
}

template <class T>
MatrixView<T> matrix_view(const py::array& array, const char* name) {
    check_dtype<T>(array, name);
    check_matrix(array, name);
    constexpr Index size = sizeof(T);
    if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) != 0 || array.strides(0) % size != 0 ||
        array.strides(1) % size != 0) {
        throw std::invalid_argument(std::string(name) +
                                    " must be aligned to its item size; numpy.require(.., 'A') copies");
    }
    return {static_cast<const T*>(array.data()), array.shape(0), array.shape(1), array.strides(0) / size,
            array.strides(1) / size};
}

// A vector that a ConfidenceRule may have: null where it is None. The rule keeps it alive.
inline const double* rule_vector(const py::handle& rule, const char* name, Index length) {
    const py::object value = rule.attr(name);
    if (value.is_none()) return nullptr;
    if (!py::isinstance<DenseArray<double>>(value)) {
        throw py::type_error(std::string(name) + " of the confidence rule must be a contiguous float64 array");
    }
    const auto array = py::reinterpret_borrow<DenseArray<double>>(value);
    check_length(array, name, length);
    return array.data();
}

// Weights of n instances, or null for None. The caller's array keeps them alive.
inline const double* instance_weights(const py::object& sample_weight, Index n) {
    if (sample_weight.is_none()) return nullptr;
    if (!py::isinstance<DenseArray<double>>(sample_weight)) {
        throw py::type_error("sample_weight must be a contiguous float64 array or None");
    }
    const auto array = py::reinterpret_borrow<DenseArray<double>>(sample_weight);
    check_length(array, "sample_weight", n);
    for (Index i = 0; i < n; ++i) {
        if (!(array.data()[i] >= 0 && std::isfinite(array.data()[i]))) {
            throw std::invalid_argument("sample_weight[" + std::to_string(i) + "] is " +
                                        std::to_string(array.data()[i]) + ": weights are finite and at least 0");
        }
    }
    return array.data();
}

// R and C, an array of weights, None for weights of 1, or a ConfidenceRule; and the instances' weights, or None.
template <class T>
Problem<T> problem(const py::array& R, const py::object& C, const py::object& sample_weight = py::none()) {
    Problem<T> out{matrix_view<T>(R, "R"), std::nullopt, {}};
    out.sample_weight = instance_weights(sample_weight, R.shape(1));
    const auto give = [&](const py::handle& weights) {
        const auto array = py::reinterpret_borrow<py::array>(weights);
        check_shape(array, "C", R.shape(0), R.shape(1));
        out.C = matrix_view<T>(array, "C");
    };
    if (C.is_none()) {
        out.rule.constant = 1;
    } else if (py::isinstance<py::array>(C)) {
        give(C);
    } else if (py::hasattr(C, "per_classifier")) {
        out.rule.constant = py::cast<double>(C.attr("constant"));
        out.rule.certainty = py::cast<double>(C.attr("certainty"));
        out.rule.per_classifier = rule_vector(C, "per_classifier", R.shape(0));
        out.rule.per_instance = rule_vector(C, "per_instance", R.shape(1));
        out.rule.labels = rule_vector(C, "labels", R.shape(1));
        out.rule.alpha = py::cast<double>(C.attr("alpha"));
        const py::object given = C.attr("given");
        if (!given.is_none()) give(given);
    } else {
        throw py::type_error("C must be an array, a ConfidenceRule or None");
    }
    return out;
}

// The array takes over the matrix's memory.
template <class T>
py::array_t<T> to_array(RowMatrix<T>&& matrix) {
    auto owned = std::make_unique<RowMatrix<T>>(std::move(matrix));
    RowMatrix<T>& kept = *owned;
    const py::capsule owner(owned.release(), [](void* memory) { delete static_cast<RowMatrix<T>*>(memory); });
    return py::array_t<T>({kept.rows(), kept.cols()}, kept.data(), owner);
}

template <class T>
py::array_t<T> to_array(const Vector<T>& vector) {
    return py::array_t<T>(vector.size(), vector.data());
}

// Calls function(T()) with T = float or double, as the array's dtype is.
template <class Function>
auto dispatch(const py::array& array, const char* name, const Function& function) {
    if (py::isinstance<py::array_t<float>>(array)) return function(float());
    if (py::isinstance<py::array_t<double>>(array)) return function(double());
    throw py::type_error(std::string(name) + " must have dtype float32 or float64, got " +
                         py::cast<std::string>(py::str(array.dtype())));
}

// Kernels run without the GIL; now and then they come back for it to see whether Ctrl-C was pressed.
inline Execution execution(int n_threads) {
    constexpr int kMost = 1024;
    if (n_threads < 1 || n_threads > kMost) {
        throw std::invalid_argument("n_threads must be in [1, " + std::to_string(kMost) + "], got " +
                                    std::to_string(n_threads));
    }
    using Clock = std::chrono::steady_clock;
    const auto poll = [last = Clock::now()]() mutable {
        if (Clock::now() - last < std::chrono::milliseconds(50)) return;
        const py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        last = Clock::now();
    };
    return {n_threads, poll};
}

}  // namespace cfensemble::bindings
