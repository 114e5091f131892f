#include "bind.hpp"

// CFENSEMBLE_MODULE is the target's name: the same sources make one module per instruction set.
PYBIND11_MODULE(CFENSEMBLE_MODULE, module) {
    module.doc() =
        "Compiled kernels of cfensemble; see _core/__init__.pyi and the NumPy twins in cfensemble._reference.";
    cfensemble::bindings::bind_als(module);
    cfensemble::bindings::bind_factor_analysis(module);
    cfensemble::bindings::bind_joint(module);
    cfensemble::bindings::bind_logistic(module);
    cfensemble::bindings::bind_mixture(module);
    cfensemble::bindings::bind_config(module);
    cfensemble::bindings::bind_isa(module);
}
