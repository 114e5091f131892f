#include "bind.hpp"

PYBIND11_MODULE(_baseline, module) {
    module.doc() = "Compiled kernels of cfensemble; see _baseline.pyi and the NumPy twins in cfensemble._reference.";
    cfensemble::bindings::bind_als(module);
    cfensemble::bindings::bind_logistic(module);
    cfensemble::bindings::bind_config(module);
}
