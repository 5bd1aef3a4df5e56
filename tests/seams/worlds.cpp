#include "seams/worlds.h"

#include <stdlib.h>

#include <filesystem>

#include "base/check.h"

namespace firedrill::test {

ScratchFolder::ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "firedrill_seams_XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;  // what cannot be removed is left to the system's own cleaning
    std::filesystem::remove_all(path_, ignored);
}

RealWorld::RealWorld() {
    auto disk = posix::open_folder(folder_.path(), posix::Create::no);
    CHECK(disk.is_ok());
    disk_ = std::move(disk).value();
}

bool RealWorld::run_until(const std::function<bool()>& is_done) {
    bool is_late = false;
    const TimerId guard = loop_.call_at(loop_.now() + 10s, [&] { is_late = true; });
    const bool is_reached = loop_.run_until([&] { return is_late || is_done(); });
    loop_.cancel(guard);
    return is_reached && !is_late;
}

void RealWorld::settle() {
    bool is_over = false;
    loop_.call_at(loop_.now() + 20ms, [&] { is_over = true; });
    loop_.run_until([&] { return is_over; });
}

}  // namespace firedrill::test
