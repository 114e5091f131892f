// Packed Cholesky factorisation and solves of a group of systems at once, in register blocks.
#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "cfensemble/lanes.hpp"

namespace cfensemble {

// The systems A y = b of a group of instances, element by element: the packed lower triangle of A and, as its row d, b.
// With b as one more row the factorisation does the forward substitution on its way.
template <class T>
struct PackedSystems {
    T* values;
    Index d;

    static Index size(Index d) { return (packed_size(d) + d) * kGroup<T>; }
    T* at(Index row, Index column) const { return values + packed_index(row, column) * kGroup<T>; }
};

namespace cholesky {

// A block of accumulators, all of them in registers.
inline constexpr int kRows = kManyRegisters ? 4 : 2;
inline constexpr int kColumns = 4;

// block[r][c] = A(i + r, j + c) - sum_{k < j} L(i + r, k) L(j + c, k); on the diagonal its lower triangle only.
template <int kDiagonal, class T, int R, int C>
EIGEN_ALWAYS_INLINE void load_updated(const PackedSystems<T>& A, Index i, Index j, Packet<T> (&block)[R][C]) {
    using P = Packet<T>;
    constexpr auto used = [](int r, int c) { return kDiagonal == 0 || c <= r; };
    const T* rows[R];
    const T* columns[C];
    unroll<R>([&](auto r) { rows[r] = A.at(i + r, 0); });
    unroll<C>([&](auto c) { columns[c] = A.at(j + c, 0); });
    unroll<R>([&](auto r) {
        unroll<C>([&](auto c) {
            if constexpr (used(r, c)) block[r][c] = simd::pset1<P>(T(0));
        });
    });
    const Index end = j * kGroup<T>;
    for (Index k = 0; k < end; k += kGroup<T>) {
        P right[C];
        unroll<C>([&](auto c) { right[c] = simd::pload<P>(columns[c] + k); });
        unroll<R>([&](auto r) {
            const P left = kDiagonal ? right[r < C ? r : 0] : simd::pload<P>(rows[r] + k);
            unroll<C>([&](auto c) {
                if constexpr (used(r, c)) block[r][c] = simd::pmadd(left, right[c], block[r][c]);
            });
        });
    }
    unroll<R>([&](auto r) {
        unroll<C>([&](auto c) {
            if constexpr (used(r, c)) {
                block[r][c] = simd::psub(simd::pload<P>(rows[r] + end + c * kGroup<T>), block[r][c]);
            }
        });
    });
}

}  // namespace cholesky

// A pivot is what remains of a diagonal element after subtracting squares that sum to at most that element, so its
// rounding error is about d eps times the element: below a small multiple of that it says nothing.
template <class T>
T pivot_rounding(Index d) {
    return T(8) * static_cast<T>(d) * std::numeric_limits<T>::epsilon();
}

// Factorises A = L L' in place (left-looking; the diagonal of L is stored inverted) and solves L z = b in its row d.
//
// Returns for each lane of the group whether all pivots are above `least` times their diagonal element. Lanes with one
// that is not go on with 1 in its place and hold no meaningful numbers.
template <class T>
std::array<bool, kGroup<T>> factorise(const PackedSystems<T>& systems, T least) {
    using P = Packet<T>;
    using cholesky::kColumns, cholesky::kRows;
    const Index d = systems.d;
    const P one = simd::pset1<P>(T(1));
    const P tolerance = simd::pset1<P>(least);
    alignas(64) T definite[kGroup<T>];  // 1, or 0 from the first useless pivot on
    std::fill_n(definite, kGroup<T>, T(1));
    // The two registers of a group are independent: one's arithmetic hides the other's latency.
    const auto each_half = [&](const auto& body) {
        body(systems, definite);
        body(PackedSystems<T>{systems.values + kLanes<T>, d}, definite + kLanes<T>);
    };

    for (Index j = 0; j < d; j += kColumns) {
        with_constant<kColumns>(std::min<Index>(kColumns, d - j), [&](auto columns) {
            constexpr int C = decltype(columns)::value;
            each_half([&](const PackedSystems<T>& A, T* ok) {
                P block[C][C];
                cholesky::load_updated<true>(A, j, j, block);
                unroll<C>([&](auto c) {
                    unroll<c>(
                        [&](auto k) { block[c][c] = simd::psub(block[c][c], simd::pmul(block[c][k], block[c][k])); });
                    const P useful =
                        simd::pcmp_lt(simd::pmul(tolerance, simd::pload<P>(A.at(j + c, j + c))), block[c][c]);
                    simd::pstore(ok, simd::pand(simd::pload<P>(ok), useful));
                    const P inverse = simd::pdiv(one, simd::psqrt(simd::pselect(useful, block[c][c], one)));
                    unroll<C>([&](auto r) {
                        if constexpr (r > c) {
                            unroll<c>([&](auto k) {
                                block[r][c] = simd::psub(block[r][c], simd::pmul(block[r][k], block[c][k]));
                            });
                            block[r][c] = simd::pmul(block[r][c], inverse);
                            simd::pstore(A.at(j + r, j + c), block[r][c]);
                        }
                    });
                    simd::pstore(A.at(j + c, j + c), inverse);
                });
            });
            for (Index i = j + C; i <= d; i += kRows) {
                with_constant<kRows>(std::min<Index>(kRows, d + 1 - i), [&](auto rows) {
                    constexpr int R = decltype(rows)::value;
                    each_half([&](const PackedSystems<T>& A, T*) {
                        P block[R][C];
                        cholesky::load_updated<false>(A, i, j, block);
                        unroll<C>([&](auto c) {
                            unroll<c>([&](auto k) {
                                const P factor = simd::pload<P>(A.at(j + c, j + k));
                                unroll<R>([&](auto r) {
                                    block[r][c] = simd::psub(block[r][c], simd::pmul(block[r][k], factor));
                                });
                            });
                            const P inverse = simd::pload<P>(A.at(j + c, j + c));
                            unroll<R>([&](auto r) {
                                block[r][c] = simd::pmul(block[r][c], inverse);
                                simd::pstore(A.at(i + r, j + c), block[r][c]);
                            });
                        });
                    });
                });
            }
        });
    }
    std::array<bool, kGroup<T>> result;
    for (std::size_t lane = 0; lane < result.size(); ++lane) result[lane] = definite[lane] == T(1);
    return result;
}

// Solves L z = v, the same v (d) for all lanes, for what `factorise` left; z replaces its own in row d.
template <class T>
void solve_forward(const PackedSystems<T>& A, const T* v) {
    using P = Packet<T>;
    for (Index j = 0; j < A.d; ++j) {
        const T *row = A.at(j, 0), *known = A.at(A.d, 0);
        P rest[2] = {simd::pset1<P>(v[j]), simd::pset1<P>(v[j])};
        for (Index k = 0; k < j * kGroup<T>; k += kGroup<T>) {
            unroll<2>([&](auto half) {
                const Index at = k + half * kLanes<T>;
                rest[half] = simd::psub(rest[half], simd::pmul(simd::pload<P>(row + at), simd::pload<P>(known + at)));
            });
        }
        unroll<2>([&](auto half) {
            const P inverse = simd::pload<P>(A.at(j, j) + half * kLanes<T>);
            simd::pstore(A.at(A.d, j) + half * kLanes<T>, simd::pmul(rest[half], inverse));
        });
    }
}

// Solves L' y = z for what `factorise` left; y (d, kGroup).
template <class T>
void solve_transposed(const PackedSystems<T>& A, T* y) {
    using P = Packet<T>;
    using cholesky::kColumns;
    for (Index end = A.d; end > 0;) {
        const Index j = (end - 1) / kColumns * kColumns;
        with_constant<kColumns>(end - j, [&](auto columns) {
            constexpr int C = decltype(columns)::value;
            P sums[C][2];
            unroll<C>([&](auto c) { sums[c][0] = sums[c][1] = simd::pset1<P>(T(0)); });
            for (Index i = end; i < A.d; ++i) {
                const T* row = A.at(i, j);
                unroll<2>([&](auto half) {
                    const P known = simd::pload<P>(y + i * kGroup<T> + half * kLanes<T>);
                    unroll<C>([&](auto c) {
                        const P factor = simd::pload<P>(row + c * kGroup<T> + half * kLanes<T>);
                        sums[c][half] = simd::pmadd(factor, known, sums[c][half]);
                    });
                });
            }
            unroll<2>([&](auto half) {
                unroll<C>([&](auto reversed) {
                    constexpr int c = C - 1 - reversed;
                    P rest = simd::psub(simd::pload<P>(A.at(A.d, j + c) + half * kLanes<T>), sums[c][half]);
                    unroll<reversed>([&](auto k) {
                        constexpr int r = C - 1 - k;
                        const P factor = simd::pload<P>(A.at(j + r, j + c) + half * kLanes<T>);
                        rest = simd::psub(rest, simd::pmul(factor, sums[r][half]));
                    });
                    sums[c][half] = simd::pmul(rest, simd::pload<P>(A.at(j + c, j + c) + half * kLanes<T>));
                    simd::pstore(y + (j + c) * kGroup<T> + half * kLanes<T>, sums[c][half]);
                });
            });
        });
        end = j;
    }
}

}  // namespace cfensemble
