// What the classifier step needs of the instances: per classifier, sums over all of them.
//
// For a tile of instances they are one product: weights (classifiers x instances) times the products y_ij y_ik
// (instances x d(d+1)/2), which are formed strip by strip in cache. Lanes run across the products; a block of
// classifiers times a few registers of products are the accumulators, which a tile's instances pass one by one.
#pragma once

#include <algorithm>
#include <vector>

#include "cfensemble/lanes.hpp"
#include "cfensemble/packing.hpp"

namespace cfensemble {

// For classifier u:  gram(u) = sum_i s_i c_ui y_i y_i' (packed),  rhs(u) = sum_i s_i c_ui r_ui y_i,  s_i being the
// instances' weights.  The last row of gram is Y S Y'. In float64 whatever the data's precision.
struct Moments {
    Moments(Index n_classifiers, Index d)
        : gram(RowMatrix<double>::Zero(n_classifiers + 1, packed_size(d))),
          rhs(RowMatrix<double>::Zero(n_classifiers, d)) {}

    Moments& operator+=(const Moments& other) {
        gram += other.gram;
        rhs += other.rhs;
        return *this;
    }
    static Index bytes(Index n_classifiers, Index d) {
        return static_cast<Index>(sizeof(double)) * ((n_classifiers + 1) * packed_size(d) + n_classifiers * d);
    }

    RowMatrix<double> gram;
    RowMatrix<double> rhs;
};

// A tile's factors, y_i by y_i; each filled up with zeros to whole registers.
template <class T>
class FactorRows {
  public:
    explicit FactorRows(Index d) : d_(d), stride_(round_up(d, kLanes<T>)), values_(kTile * stride_ + kLanes<T>) {}

    Index d() const { return d_; }
    Index stride() const { return stride_; }
    const T* row(Index i) const { return values_.data() + i * stride_; }

    // Takes over a group's factors, (d, kGroup) with lanes across instances.
    void set_group(Index group, const T* y) {
        constexpr int kSquare = static_cast<int>(kLanes<T>);
        for (Index half = 0; half < 2; ++half) {
            T* out = values_.data() + (group * kGroup<T> + half * kLanes<T>)*stride_;
            for (Index j = 0; j < stride_; j += kLanes<T>) {
                simd::PacketBlock<Packet<T>, kSquare> block;
                for (Index k = 0; k < kLanes<T>; ++k) {
                    block.packet[k] = j + k < d_ ? simd::pload<Packet<T>>(y + (j + k) * kGroup<T> + half * kLanes<T>)
                                                 : simd::pset1<Packet<T>>(T(0));
                }
                simd::ptranspose(block);
                for (Index i = 0; i < kLanes<T>; ++i) simd::pstore(out + i * stride_ + j, block.packet[i]);
            }
        }
    }

  private:
    Index d_, stride_;
    Buffer<T> values_;
};

// The rows [first_row, end_row) of the packed triangle y y', for all instances of a tile.
struct Strip {
    Index first_row, end_row;
    Index begin() const { return packed_index(first_row, 0); }
    Index size() const { return packed_index(end_row, 0) - begin(); }
};

// Strips of about 2^15 products of a tile: they stay in the second-level cache.
inline std::vector<Strip> strips(Index d) {
    constexpr Index kProducts = 256;
    std::vector<Strip> result;
    for (Index row = 0; row < d; ++row) {
        if (result.empty() || packed_index(row + 1, 0) - result.back().begin() > kProducts) {
            result.push_back({row, row});
        }
        result.back().end_row = row + 1;
    }
    return result;
}

template <class T>
class StripProducts {
  public:
    explicit StripProducts(Index d) {
        for (const Strip& strip : strips(d)) capacity_ = std::max(capacity_, stride(strip));
        values_ = Buffer<T>(kTile * capacity_);
    }

    static Index stride(const Strip& strip) { return round_up(strip.size(), kLanes<T>) + kLanes<T>; }
    const T* data() const { return values_.data(); }

    // Of n instances' factors Y; where there are covariances (packed, of as many of the factors as they have), the
    // products' expectations.
    void form(const Strip& strip, const FactorRows<T>& Y, const FactorRows<T>* covariances, Index n) {
        using P = Packet<T>;
        for (Index i = 0; i < n; ++i) {
            const T* y = Y.row(i);
            T* out = values_.data() + i * stride(strip);
            // A row's last register runs over into the next row's place, which is written after it.
            for (Index j = strip.first_row; j < strip.end_row; ++j) {
                const P factor = simd::pset1<P>(y[j]);
                const Index at = packed_index(j, 0);
                if (covariances && at < covariances->d()) {
                    const T* v = covariances->row(i) + at;
                    for (Index k = 0; k <= j; k += kLanes<T>) {
                        simd::pstoreu(out + k, simd::pmadd(factor, simd::pload<P>(y + k), simd::ploadu<P>(v + k)));
                    }
                } else {
                    for (Index k = 0; k <= j; k += kLanes<T>) {
                        simd::pstoreu(out + k, simd::pmul(factor, simd::pload<P>(y + k)));
                    }
                }
                out += j + 1;
            }
        }
    }

  private:
    Index capacity_ = 0;
    Buffer<T> values_;
};

// Fetches what the next block of classifiers is going to read: too scattered for the processor to foresee.
template <class T>
void prefetch_weights(const T* weights, Index rows, Index n_groups, Index begin, Index end) {
    constexpr Index kLine = 64 / static_cast<Index>(sizeof(T));
    for (Index group = 0; group < n_groups; ++group) {
        const T* first = weights + (group * rows + begin) * kGroup<T>;
        for (Index i = 0; i < (end - begin) * kGroup<T>; i += kLine) simd::prefetch(first + i);
    }
}

// sums(u, first_column + p) += sum_i weights(u, i) products(i, p) for a tile's instances, classifiers [begin, end) and
// p < width. `weights` is by groups as in PackedTile, `rows` to a group.
template <class T>
void add_products(const T* weights, Index rows, Index n_groups, Index begin, Index end, const T* products, Index stride,
                  Index width, Index first_column, RowMatrix<double>& sums) {
    using P = Packet<T>;
    constexpr int kClassifiers = kManyRegisters ? 8 : 6, kRegisters = kManyRegisters ? 3 : 2;
    const Index n_blocks = (end - begin + kClassifiers - 1) / kClassifiers;
    for (Index first = 0; first < width; first += kRegisters * kLanes<T>) {
        const Index n_registers = std::min<Index>(kRegisters, (width - first + kLanes<T> - 1) / kLanes<T>);
        const Index n_columns = std::min<Index>(n_registers * kLanes<T>, width - first);
        with_constant<kRegisters>(n_registers, [&](auto columns) {
            constexpr int kColumns = decltype(columns)::value;
            for (Index block = 0; block < n_blocks; ++block) {  // of even sizes
                const Index u = begin + (end - begin) * block / n_blocks;
                const Index next = begin + (end - begin) * (block + 1) / n_blocks;
                if (first == 0)
                    prefetch_weights(weights, rows, n_groups, next, std::min<Index>(next + kClassifiers, end));
                with_constant<kClassifiers>(next - u, [&](auto classifiers) {
                    constexpr int kRows = decltype(classifiers)::value;
                    P accumulators[kRows][kColumns];
                    unroll<kRows>(
                        [&](auto r) { unroll<kColumns>([&](auto c) { accumulators[r][c] = simd::pset1<P>(T(0)); }); });
                    const T* product = products + first;
                    const T* weight = weights + u * kGroup<T>;
                    const Index to_next_instance = stride, to_next_group = (rows - 1) * kGroup<T>, n = n_groups;
                    for (Index group = 0; group < n; ++group, weight += to_next_group) {
                        for (Index i = 0; i < kGroup<T>; ++i, ++weight, product += to_next_instance) {
                            P right[kColumns];
                            unroll<kColumns>([&](auto c) { right[c] = simd::ploadu<P>(product + c * kLanes<T>); });
                            unroll<kRows>([&](auto r) {
                                const P left = simd::pset1<P>(weight[r * kGroup<T>]);
                                unroll<kColumns>([&](auto c) {
                                    accumulators[r][c] = simd::pmadd(left, right[c], accumulators[r][c]);
                                });
                            });
                        }
                    }
                    unroll<kRows>([&](auto r) {
                        alignas(64) T tile_sums[kColumns * kLanes<T>];
                        unroll<kColumns>([&](auto c) { simd::pstore(tile_sums + c * kLanes<T>, accumulators[r][c]); });
                        double* out = &sums(u + r, first_column + first);
                        for (Index c = 0; c < n_columns; ++c) out[c] += static_cast<double>(tile_sums[c]);
                    });
                });
            }
        });
    }
}

}  // namespace cfensemble
