// Whether two kinds of samples can be told apart: the Mann-Whitney test, and how small a difference it would
// see. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace firedrill::bench {

/// Two-sided p-value of the Mann-Whitney U test (normal approximation with ties; from 20 samples each on).
double mann_whitney_p(std::span<const double> a, std::span<const double> b);

/// The smallest difference, in the samples' unit, that the test sees with p < `alpha` in at least 95 of 100
/// tries: the samples are cut into two random halves and the difference is added to one. Its resolution is 2
/// %. Random choices come from `seed`.
double smallest_detected(const std::vector<double>& samples, double alpha, std::uint64_t seed);

}  // namespace firedrill::bench
