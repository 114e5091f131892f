// The processor's multiply-add peak: independent chains a = a * b + c that never leave the registers. Compiled once per
// instruction set, with VECTOR_BYTES the width of its registers.
//
// Twelve chains cover the latency of two multiply-adds per cycle (at most 2 x 5 cycles) and leave room for b and c
// among sixteen registers. The chains converge to c / (1 - b) = 2, so that no operand becomes denormal or infinite;
// none starts there, or the compiler would leave it out.

#include <cstdint>

namespace {

constexpr int kChains = 12;

template <class Scalar>
double multiply_add(std::int64_t steps) {
    using Vector [[gnu::vector_size(VECTOR_BYTES)]] = Scalar;
    const Vector b = Vector{} + Scalar(0.75);
    const Vector c = Vector{} + Scalar(0.5);
    Vector a[kChains];
    for (int k = 0; k < kChains; ++k) a[k] = Vector{} + Scalar(k + 3);
    for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
        for (int k = 0; k < kChains; ++k) {
            a[k] = a[k] * b + c;
        }
    }
    Scalar sum = 0;
    for (const Vector& chain : a) sum += chain[0];
    return sum;
}

}  // namespace

// Each returns what keeps the compiler from leaving the loop out.
extern "C" double multiply_add_float64(std::int64_t steps) {
    return multiply_add<double>(steps);
}
extern "C" double multiply_add_float32(std::int64_t steps) {
    return multiply_add<float>(steps);
}

extern "C" int flops_per_step_float64() {
    return 2 * kChains * VECTOR_BYTES / static_cast<int>(sizeof(double));
}
extern "C" int flops_per_step_float32() {
    return 2 * kChains * VECTOR_BYTES / static_cast<int>(sizeof(float));
}
