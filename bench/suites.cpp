#include "suites.h"

#include <algorithm>
#include <array>

namespace firedrill::bench {
namespace {

constexpr std::array kMakers{SuiteMaker{"store", make_store_suite}, SuiteMaker{"sim", make_sim_suite}};

}  // namespace

std::span<const SuiteMaker> suite_makers() {
    return kMakers;
}

bool has_suite(std::string_view name) {
    return std::ranges::find(kMakers, name, &SuiteMaker::name) != kMakers.end();
}

std::string suite_names() {
    std::string out;
    for (const SuiteMaker& maker : kMakers) {
        out += (out.empty() ? "" : ", ") + std::string(maker.name);
    }
    return out;
}

}  // namespace firedrill::bench
