#include "cfensemble/parallel.hpp"

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define CFENSEMBLE_HAS_FORK
#endif

namespace cfensemble {
namespace {

std::atomic<bool> forked{false};

#ifdef CFENSEMBLE_HAS_FORK
const int registered = pthread_atfork(nullptr, nullptr, [] { forked = true; });
#endif

}  // namespace

int max_threads() {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

int usable_threads(int n_threads) {
#ifdef CFENSEMBLE_HAS_FORK
    static_cast<void>(registered);
#endif
#ifdef _OPENMP
    return forked ? 1 : n_threads;
#else
    static_cast<void>(n_threads);
    return 1;
#endif
}

}  // namespace cfensemble
