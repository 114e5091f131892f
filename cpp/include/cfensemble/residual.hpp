// The weighted residual of a reconstruction, which is never formed as a whole.
#pragma once

#include "cfensemble/gram.hpp"
#include "cfensemble/packing.hpp"

namespace cfensemble {

template <class T>
class Residual {
  public:
    explicit Residual(const RowMatrix<T>& X) : by_classifier_(X) {}

    // sum_u c_u (r_u - x_u . y)^2 over a group of the tile's instances, whose factors are y (d, kGroup), under the
    // weights that the tile has now.
    double operator()(const PackedTile<T>& tile, Index group, const T* y) const {
        using P = Packet<T>;
        P sums[2] = {simd::pset1<P>(T(0)), simd::pset1<P>(T(0))};
        const T *targets = tile.targets(group), *weights = tile.weights(group);
        for (Index first = 0; first < by_classifier_.columns(); first += PanelTable<T>::kPanel) {
            weighted_sums(y, by_classifier_, first, [&](Index u, int half, const P& prediction) {
                const Index at = u * kGroup<T> + half * kLanes<T>;
                const P error = simd::psub(simd::pload<P>(targets + at), prediction);
                sums[half] = simd::pmadd(simd::pmul(simd::pload<P>(weights + at), error), error, sums[half]);
            });
        }
        return sum_lanes<T>(sums);
    }

  private:
    PanelTable<T> by_classifier_;
};

}  // namespace cfensemble
