// The suites, by name. Each makes its contenders over a scratch folder on a real disk.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "runner.h"

namespace firedrill::bench {

struct SuiteMaker {
    std::string_view name;
    Suite (*make)(const std::filesystem::path& scratch, Size size);
};
std::span<const SuiteMaker> suite_makers();
bool has_suite(std::string_view name);
std::string suite_names();  ///< "store, sim"

Suite make_store_suite(const std::filesystem::path& scratch, Size size);
Suite make_sim_suite(const std::filesystem::path& scratch, Size size);

}  // namespace firedrill::bench
