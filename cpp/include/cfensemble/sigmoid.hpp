// The sigmoid of a register's worth of numbers.
#pragma once

#include "cfensemble/lanes.hpp"

namespace cfensemble {

// 2^n for whole numbers n in [-1022, 1022].
inline Packet<double> power_of_two(const Packet<double>& n) {
#ifdef __AVX512F__
    return _mm512_scalef_pd(_mm512_set1_pd(1.0), n);  // what Eigen needs some fifteen instructions for
#else
    return simd::pldexp(simd::pset1<Packet<double> >(1.0), n);
#endif
}

// 1 / (1 + e^-z) with a single division: with -z = n log 2 + r, |r| <= log(2) / 2, and e^r = (q + p) / (q - p), where p
// and q are odd and even polynomials in r (those of Cephes' exp),
//
//     sigmoid(z) = (q - p) / ((q - p) + 2^n (q + p)).
inline Packet<double> sigmoid(const Packet<double>& z) {
    using P = Packet<double>;
    const auto constant = [](double value) { return simd::pset1<P>(value); };
    const P x = simd::pmin(simd::pmax(simd::pnegate(z), constant(-700)), constant(700));
    const P n = simd::pfloor(simd::pmadd(x, constant(1.4426950408889634074), constant(0.5)));
    // log 2 in two parts, the first one short enough for its products to be exact.
    P r = simd::psub(x, simd::pmul(n, constant(0.693145751953125)));
    r = simd::psub(r, simd::pmul(n, constant(1.42860682030941723212e-6)));
    const P square = simd::pmul(r, r);
    P p = constant(1.26177193074810590878e-4);
    p = simd::pmadd(p, square, constant(3.02994407707441961300e-2));
    p = simd::pmadd(p, square, constant(9.99999999999999999910e-1));
    p = simd::pmul(p, r);
    P q = constant(3.00198505138664455042e-6);
    q = simd::pmadd(q, square, constant(2.52448340349684104192e-3));
    q = simd::pmadd(q, square, constant(2.27265548208155028766e-1));
    q = simd::pmadd(q, square, constant(2.0));
    const P less = simd::psub(q, p);
    return simd::pdiv(less, simd::pmadd(power_of_two(n), simd::padd(q, p), less));
}

}  // namespace cfensemble
