// Options that several bindings check.
#pragma once

#include <limits>
#include <stdexcept>
#include <string>

namespace cfensemble::bindings {

template <class T>
void check_lambda(double lambda_reg) {
    if (!(lambda_reg >= 0 && lambda_reg <= static_cast<double>(std::numeric_limits<T>::max()))) {
        throw std::invalid_argument("lambda_reg must be finite and at least 0, got " + std::to_string(lambda_reg));
    }
}

}  // namespace cfensemble::bindings
