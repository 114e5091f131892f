// One SIMD lane per instance: what is written for one instance is computed for a register's worth of them.
//
// Eigen's packets are the registers of whatever instruction set a module is built for. Blocks of them are kept in
// registers by unrolled loops over plain arrays.
#pragma once

#include <memory>
#include <new>
#include <utility>

#include "cfensemble/config.hpp"

namespace cfensemble {

namespace simd = Eigen::internal;

template <class T>
using Packet = typename simd::packet_traits<T>::type;

// Instances per register.
template <class T>
inline constexpr Index kLanes = simd::unpacket_traits<Packet<T>>::size;

// Instances that the kernels work on together, two registers' worth; their values of a quantity lie side by side.
template <class T>
inline constexpr Index kGroup = 2 * kLanes<T>;

// How many accumulators a kernel may keep: all registers but those for its operands.
#if defined(__AVX512F__) || defined(__aarch64__) || defined(_M_ARM64)
inline constexpr bool kManyRegisters = true;  // 32
#else
inline constexpr bool kManyRegisters = false;  // 16
#endif

// body(0), ..., body(N - 1), each with a compile-time index.
template <class Body, int... I>
EIGEN_ALWAYS_INLINE void unroll(const Body& body, std::integer_sequence<int, I...>) {
    (body(std::integral_constant<int, I>{}), ...);
}
template <int N, class Body>
EIGEN_ALWAYS_INLINE void unroll(const Body& body) {
    unroll(body, std::make_integer_sequence<int, N>{});
}

// Calls body with the compile-time integer n, 1 <= n <= N.
template <int N, class Body>
EIGEN_ALWAYS_INLINE void with_constant(Index n, const Body& body) {
    if constexpr (N > 1) {
        if (n < N) return with_constant<N - 1>(n, body);
    }
    body(std::integral_constant<int, N>{});
}

// The sum over a group, in float64 and a fixed order.
template <class T>
double sum_lanes(const Packet<T> (&group)[2]) {
    alignas(64) T lanes[kGroup<T>];
    simd::pstore(lanes, group[0]);
    simd::pstore(lanes + kLanes<T>, group[1]);
    double total = 0;
    for (const T lane : lanes) total += static_cast<double>(lane);
    return total;
}

// Uninitialised memory, aligned for packets and cache lines.
template <class T>
class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(Index size)
        : data_(static_cast<T*>(::operator new(sizeof(T) * static_cast<std::size_t>(size), kAlignment))) {}
    T* data() { return data_.get(); }
    const T* data() const { return data_.get(); }

  private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(T* data) const { ::operator delete(data, kAlignment); }
    };
    std::unique_ptr<T, Free> data_;
};

template <class T>
constexpr Index round_up(Index n, T multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

}  // namespace cfensemble
