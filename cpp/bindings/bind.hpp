// One function per concept, each in the file of its name.
#pragma once

#include <pybind11/pybind11.h>

namespace cfensemble::bindings {

void bind_als(pybind11::module_& module);
void bind_factor_analysis(pybind11::module_& module);
void bind_joint(pybind11::module_& module);
void bind_logistic(pybind11::module_& module);
void bind_mixture(pybind11::module_& module);
void bind_config(pybind11::module_& module);
void bind_isa(pybind11::module_& module);

}  // namespace cfensemble::bindings
