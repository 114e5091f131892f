// The pass over all instances, tile by tile.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cfensemble/moments.hpp"
#include "cfensemble/packing.hpp"
#include "cfensemble/parallel.hpp"

namespace cfensemble {

// A tile on its way through a pass: first the data, then the factors.
template <class T>
struct Tile {
    Tile(Index n_classifiers, Index d) : data(n_classifiers), factors(d) {}

    PackedTile<T> data;
    FactorRows<T> factors;
};

// Adds a tile's instances to the sums of classifiers [begin, end) that belong to the strip; those of the right-hand
// sides belong to the last strip.
template <class T>
void add_moments(const Tile<T>& tile, const Strip& strip, Index begin, Index end, StripProducts<T>& products,
                 Moments& moments) {
    const PackedTile<T>& data = tile.data;
    const FactorRows<T>& y = tile.factors;
    const Index m = data.n_classifiers(), n_groups = data.n_groups();
    products.form(strip, y, n_groups * kGroup<T>);
    add_products(data.weights(0), m + 1, n_groups, begin, end, products.data(), StripProducts<T>::stride(strip),
                 strip.size(), strip.begin(), moments.gram);
    if (strip.end_row == y.d()) {
        add_products(data.weighted_targets(0), m, n_groups, begin, std::min(end, m), y.row(0), y.stride(), y.d(), 0,
                     moments.rhs);
    }
}

// Sums that several slots make, added up in the slots' order, whichever order they are finished in.
class OrderedSum {
  public:
    OrderedSum(Moments& total, Index n_slots) : total_(total), waiting_(static_cast<std::size_t>(n_slots)) {}

    // Zeros, in memory of slots that have been added up where there is any.
    std::unique_ptr<Moments> borrow() {
        std::unique_ptr<Moments> sum;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!spare_.empty()) {
                sum = std::move(spare_.back());
                spare_.pop_back();
            }
        }
        if (!sum) return std::make_unique<Moments>(total_.rhs.rows(), total_.rhs.cols());
        sum->gram.setZero();
        sum->rhs.setZero();
        return sum;
    }

    void give_back(Index slot, std::unique_ptr<Moments> sum) {
        const std::lock_guard<std::mutex> lock(mutex_);
        waiting_[static_cast<std::size_t>(slot)] = std::move(sum);
        for (; next_ < waiting_.size() && waiting_[next_]; ++next_) {
            total_ += *waiting_[next_];
            spare_.push_back(std::move(waiting_[next_]));
        }
    }

  private:
    Moments& total_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Moments>> waiting_, spare_;
    std::size_t next_ = 0;
};

// One pass over the instances: packs each tile and lets visit(tile, thread, totals) find its factors, of dimension d,
// and add to n_totals totals, which are returned. The tiles' moments are added up where `moments` is not null.
//
// All sums are made in an order that does not depend on the number of threads: consecutive tiles are added up in one of
// a fixed number of slots, then the slots in their order. Moments too large for a cached copy per slot have one owner
// for each of their parts instead, which adds up the tiles of a block after all of them have been visited.
template <class T>
class Pass {
  public:
    Pass(const Problem<T>& problem, Index d, Moments* moments, const Execution& execution)
        : problem_(problem),
          d_(d),
          n_groups_((problem.n_instances() + kGroup<T> - 1) / kGroup<T>),
          n_tiles_((n_groups_ * kGroup<T> + kTile - 1) / kTile),
          moments_(moments),
          execution_(worthwhile(work(), execution)),
          strips_(strips(d)) {}

    const Execution& execution() const { return execution_; }

    template <class Visit>
    Vector<double> run(Index n_totals, const Visit& visit) {
        constexpr Index kSlots = 64, kCached = Index(1) << 20;  // bytes that stay in cache beside a tile
        const bool slots = !moments_ || Moments::bytes(m(), d_) <= kCached;
        return slots ? run_in_slots(std::min(kSlots, n_tiles_), n_totals, visit) : run_in_blocks(n_totals, visit);
    }

  private:
    Index m() const { return problem_.n_classifiers(); }

    // Multiply-adds, about.
    Index work() const { return problem_.n_instances() * (m() * (packed_size(d_) + d_) + d_ * d_ * d_ / 6); }

    // Whole groups, and as even as can be: no thread is left with a tile more than the others at the end.
    Index first_instance(Index tile) const {
        return std::min(n_groups_ * tile / n_tiles_ * kGroup<T>, problem_.n_instances());
    }

    void pack(Tile<T>& tile, Index index) const {
        tile.data.pack(problem_, first_instance(index), first_instance(index + 1));
    }

    template <class Visit>
    Vector<double> run_in_slots(Index n_slots, Index n_totals, const Visit& visit) {
        RowMatrix<double> totals = RowMatrix<double>::Zero(n_slots, n_totals);
        std::optional<OrderedSum> sums;
        if (moments_) sums.emplace(*moments_, n_slots);
        PerThread<Tile<T>> tiles(execution_);
        PerThread<StripProducts<T>> products(execution_);
        parallel_for(n_slots, execution_, [&](Index slot, int thread, const auto& checkpoint) {
            Tile<T>& tile = tiles.get(thread, m(), d_);
            std::unique_ptr<Moments> sum = sums ? sums->borrow() : nullptr;
            for (Index index = n_tiles_ * slot / n_slots; index < n_tiles_ * (slot + 1) / n_slots; ++index) {
                checkpoint();
                pack(tile, index);
                visit(tile, thread, totals.row(slot));
                if (!sum) continue;
                for (const Strip& strip : strips_) {
                    add_moments(tile, strip, 0, m() + 1, products.get(thread, d_), *sum);
                }
            }
            if (sum) sums->give_back(slot, std::move(sum));
        });
        return totals.colwise().sum();
    }

    template <class Visit>
    Vector<double> run_in_blocks(Index n_totals, const Visit& visit) {
        constexpr Index kBlockBytes = Index(1) << 24, kLeastTiles = 8, kClassifiers = 128;
        const Index tile_bytes = kTile * (3 * m() + d_) * static_cast<Index>(sizeof(T));
        const Index capacity = std::clamp(kBlockBytes / tile_bytes, std::min(kLeastTiles, n_tiles_), n_tiles_);
        std::vector<Tile<T>> tiles;
        for (Index i = 0; i < capacity; ++i) tiles.emplace_back(m(), d_);
        PerThread<StripProducts<T>> products(execution_);
        const Index n_parts = (m() + kClassifiers) / kClassifiers;
        Vector<double> sum = Vector<double>::Zero(n_totals);
        for (Index begin = 0; begin < n_tiles_; begin += capacity) {
            const Index size = std::min(capacity, n_tiles_ - begin);
            RowMatrix<double> totals = RowMatrix<double>::Zero(size, n_totals);
            parallel_for(size, execution_, [&](Index i, int thread, const auto&) {
                pack(tiles[static_cast<std::size_t>(i)], begin + i);
                visit(tiles[static_cast<std::size_t>(i)], thread, totals.row(i));
            });
            const Index n_tasks = n_parts * static_cast<Index>(strips_.size());
            parallel_for(n_tasks, execution_, [&](Index task, int thread, const auto& checkpoint) {
                const Strip& strip = strips_[static_cast<std::size_t>(task / n_parts)];
                const Index first = task % n_parts * kClassifiers, end = std::min(first + kClassifiers, m() + 1);
                for (Index i = 0; i < size; ++i) {
                    checkpoint();
                    add_moments(tiles[static_cast<std::size_t>(i)], strip, first, end, products.get(thread, d_),
                                *moments_);
                }
            });
            sum += totals.colwise().sum().transpose();
        }
        return sum;
    }

    const Problem<T>& problem_;
    Index d_, n_groups_, n_tiles_;
    Moments* moments_;
    Execution execution_;
    std::vector<Strip> strips_;
};

}  // namespace cfensemble
