#include "sim/scenario_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace firedrill::sim {

Result<std::vector<std::string>> find_scenarios(const std::string& root,
                                                const std::vector<std::string>& folders) {
    std::vector<std::string> found;
    for (const std::string& folder : folders) {
        std::vector<std::string> here;
        std::error_code failed;
        for (const auto& entry : std::filesystem::directory_iterator(root + "/" + folder, failed)) {
            if (entry.path().extension() == ".toml") {
                here.push_back(entry.path().string());
            }
        }
        std::sort(here.begin(), here.end());
        found.insert(found.end(), here.begin(), here.end());
    }
    if (found.empty()) {
        return Error{
            Fault::not_found,
            fmt::format("no scenarios below {}; run from the project's folder or name theirs", root)};
    }
    return found;
}

}  // namespace firedrill::sim
