#include "bind.hpp"
#include "cfensemble/parallel.hpp"

#define CFENSEMBLE_TEXT(x) #x
#define CFENSEMBLE_VERSION_TEXT(a, b, c) CFENSEMBLE_TEXT(a) "." CFENSEMBLE_TEXT(b) "." CFENSEMBLE_TEXT(c)

namespace cfensemble::bindings {
namespace {

#ifdef _OPENMP
constexpr bool kOpenMP = true;
#else
constexpr bool kOpenMP = false;
#endif

#if defined(__clang__)
constexpr const char* kCompiler = "Clang " __clang_version__;
#elif defined(__GNUC__)
constexpr const char* kCompiler = "GCC " __VERSION__;
#elif defined(_MSC_VER)
constexpr const char* kCompiler = "MSVC " CFENSEMBLE_TEXT(_MSC_VER);
#else
constexpr const char* kCompiler = "unknown";
#endif

pybind11::dict build_config() {
    pybind11::dict config;
    config["compiler"] = kCompiler;
    config["eigen"] = CFENSEMBLE_VERSION_TEXT(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
    config["openmp"] = kOpenMP;
    return config;
}

}  // namespace

void bind_config(pybind11::module_& module) {
    module.def("build_config", &build_config);
    module.def("max_threads", &max_threads);
}

}  // namespace cfensemble::bindings
