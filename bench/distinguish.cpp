#include "distinguish.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

namespace firedrill::bench {

double mann_whitney_p(std::span<const double> a, std::span<const double> b) {
    std::vector<std::pair<double, bool>> all;
    all.reserve(a.size() + b.size());
    for (const double value : a) {
        all.emplace_back(value, true);
    }
    for (const double value : b) {
        all.emplace_back(value, false);
    }
    std::ranges::sort(all);
    const auto count = static_cast<double>(all.size());
    double rank_sum = 0;
    double ties = 0;
    for (std::size_t from = 0; from < all.size();) {
        std::size_t to = from;
        double of_a = 0;
        while (to < all.size() && all[to].first == all[from].first) {
            of_a += all[to].second ? 1 : 0;
            ++to;
        }
        const auto equal = static_cast<double>(to - from);
        rank_sum += of_a * (static_cast<double>(from + to) + 1) / 2;
        ties += equal * equal * equal - equal;
        from = to;
    }
    const auto a_count = static_cast<double>(a.size());
    const auto b_count = static_cast<double>(b.size());
    const double u = rank_sum - a_count * (a_count + 1) / 2;
    const double mean = a_count * b_count / 2;
    const double variance = a_count * b_count / 12 * (count + 1 - ties / (count * (count - 1)));
    if (variance <= 0) {
        return 1;  // all samples are equal
    }
    const double distance = std::max(std::abs(u - mean) - 0.5, 0.0) / std::sqrt(variance);
    return std::erfc(distance / std::sqrt(2.0));
}

double smallest_detected(const std::vector<double>& samples, double alpha, std::uint64_t seed) {
    constexpr int kTries = 40;
    constexpr int kNeeded = 38;  // 95 of 100
    constexpr double kResolution = 1.02;
    const auto is_detected = [&](double difference) {
        std::mt19937_64 random(seed);
        std::vector<double> shuffled = samples;
        int detected = 0;
        for (int i = 0; i < kTries; ++i) {
            std::ranges::shuffle(shuffled, random);
            const auto half = static_cast<std::ptrdiff_t>(shuffled.size() / 2);
            const std::vector<double> a(shuffled.begin(), shuffled.begin() + half);
            std::vector<double> b(shuffled.begin() + half, shuffled.end());
            for (double& value : b) {
                value += difference;
            }
            detected += mann_whitney_p(a, b) < alpha ? 1 : 0;
        }
        return detected >= kNeeded;
    };
    double high = 1e-3;
    while (!is_detected(high) && high < 1e12) {
        high *= 2;
    }
    double low = high / 2;
    while (high / low > kResolution) {
        const double middle = std::sqrt(low * high);
        (is_detected(middle) ? high : low) = middle;
    }
    return high;
}

}  // namespace firedrill::bench
