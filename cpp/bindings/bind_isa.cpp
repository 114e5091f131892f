#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "bind.hpp"

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>

#include <array>
#endif

namespace cfensemble::bindings {
namespace {

struct Support {
    bool avx2 = false;
    bool avx512 = false;
};

// What the processor offers and the operating system saves at a task switch; both are needed. Each level asks for the
// very extensions that its module is compiled with in CMakeLists.txt.
#if defined(__x86_64__) && defined(__GNUC__)

Support support() {
    __builtin_cpu_init();  // asks the operating system too (XGETBV)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return {avx2, avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")};
}

#elif defined(_MSC_VER) && defined(_M_X64)

struct Registers {
    std::array<int, 4> value;  // eax, ebx, ecx, edx
    bool has(int place, int bit) const { return (value[static_cast<std::size_t>(place)] >> bit & 1) != 0; }
};

Registers cpuid(int leaf) {
    Registers out{};
    __cpuidex(out.value.data(), leaf, 0);
    return out;
}

Support support() {
    constexpr int kEax = 0, kEbx = 1, kEcx = 2, kOsXsave = 27, kAvx = 28, kFma = 12;
    if (cpuid(0).value[kEax] < 7) return {};
    const Registers basic = cpuid(1), extended = cpuid(7);
    if (!basic.has(kEcx, kOsXsave)) return {};
    const auto saved = _xgetbv(0);
    const auto saves = [saved](unsigned mask) { return (saved & mask) == mask; };
    constexpr unsigned kXmmYmm = 0x06, kOpmaskZmm = 0xe0;
    constexpr int kAvx2 = 5, kAvx512F = 16, kAvx512DQ = 17, kAvx512CD = 28, kAvx512BW = 30, kAvx512VL = 31;
    const bool avx2 = saves(kXmmYmm) && basic.has(kEcx, kAvx) && basic.has(kEcx, kFma) && extended.has(kEbx, kAvx2);
    bool avx512 = avx2 && saves(kOpmaskZmm);
    for (const int bit : {kAvx512F, kAvx512DQ, kAvx512CD, kAvx512BW, kAvx512VL}) {
        avx512 = avx512 && extended.has(kEbx, bit);
    }
    return {avx2, avx512};
}

#else

Support support() {
    return {};
}

#endif

std::vector<std::string> cpu_isas() {
    const Support found = support();
    std::vector<std::string> names{"baseline"};
    if (found.avx2) names.emplace_back("avx2");
    if (found.avx512) names.emplace_back("avx512");
    return names;
}

}  // namespace

void bind_isa(pybind11::module_& module) {
    module.def("cpu_isas", &cpu_isas);
}

}  // namespace cfensemble::bindings
