// One SIMD lane per instance: what is written for one instance is computed for a register's worth of them.
#pragma once

#include "cfensemble/config.hpp"

namespace cfensemble {

// 64 bytes: one AVX-512 register, two AVX2 registers, four of the x86-64 baseline, and a cache line.
template <class T>
inline constexpr int kLanes = 64 / sizeof(T);

template <class T>
using Lanes = Eigen::Array<T, kLanes<T>, 1>;

// Many lane vectors in a row, e.g. the packed matrices of kLanes instances.
template <class T>
using LaneArray = Eigen::Array<T, kLanes<T>, Eigen::Dynamic>;

template <class T>
Lanes<T> load_lanes(const T* source) {
    return Eigen::Map<const Lanes<T>>(source);
}

}  // namespace cfensemble
