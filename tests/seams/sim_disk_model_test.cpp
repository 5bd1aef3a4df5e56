// SimDisk's power loss against a naive model, over random histories.
//
// The model remembers every state that a file and the names went through since their last sync. After power
// loss each sector must be that sector of one of those states, and each name must show what it showed in one
// of them.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "sim/seams/machine.h"

namespace firedrill::sim {
namespace {

constexpr std::size_t kTagBytes = 8;

using Step = std::tuple<std::uint8_t, std::uint8_t, std::uint16_t, std::uint16_t>;

class DiskModel {
  public:
    explicit DiskModel(std::uint64_t seed)
        : universe_(seed), disk_(universe_.make_disk("d", {kSataSsd, 1ULL << 40, false})) {}

    void apply(const Step& step) {
        const auto [verb, which, a, b] = step;
        const std::string name(1, static_cast<char>('a' + which % 3));
        const std::string other(1, static_cast<char>('a' + a % 3));
        const auto at = names_.find(name);
        switch (verb % 9) {
            case 0: at == names_.end() ? create(name) : write(at->second, a, b); return;
            case 1:
            case 2:
                if (at != names_.end()) {
                    write(at->second, a, b);
                }
                return;
            case 3:
                if (at != names_.end()) {
                    resize(at->second, kTagBytes + a % 5000);
                }
                return;
            case 4:
                if (at != names_.end()) {
                    sync(at->second);
                }
                return;
            case 5:
                if (at != names_.end()) {
                    RC_ASSERT(disk_->rename(name, other).is_ok());
                    const int tag = at->second;
                    names_.erase(at);
                    names_[other] = tag;
                    name_states_.push_back(names_);
                }
                return;
            case 6:
                if (at != names_.end()) {
                    RC_ASSERT(disk_->remove(name).is_ok());
                    names_.erase(at);
                    name_states_.push_back(names_);
                }
                return;
            case 7:
                RC_ASSERT(disk_->sync_names().is_ok());
                name_states_ = {names_};
                return;
            default: lose_power(); return;
        }
    }

    void lose_power() {
        disk_->power_loss();
        disk_->power_on();
        std::map<std::string, int> left;
        std::set<int> tags;
        for (const std::string& name : disk_->peek_names()) {
            const Bytes contents = disk_->peek(name).value();
            RC_ASSERT(contents.size() >= kTagBytes);
            const int tag = static_cast<int>(load_u64(contents.data()));
            left[name] = tag;
            RC_ASSERT(tags.insert(tag).second);  // no file has two names
            check_contents(tag, contents);
        }
        for (const char c : {'a', 'b', 'c'}) {
            const std::string name(1, c);
            const auto value_in = [&name](const std::map<std::string, int>& names) {
                const auto at = names.find(name);
                return at == names.end() ? std::optional<int>() : at->second;
            };
            RC_ASSERT(std::any_of(name_states_.begin(), name_states_.end(),
                                  [&](const auto& state) { return value_in(state) == value_in(left); }));
        }
        for (const auto& [tag, file] : files_) {
            const auto has_it = [tag = tag](const std::map<std::string, int>& names) {
                return std::any_of(names.begin(), names.end(),
                                   [tag](const auto& entry) { return entry.second == tag; });
            };
            // What always had some name has one now.
            RC_ASSERT(tags.contains(tag) || !std::all_of(name_states_.begin(), name_states_.end(), has_it));
        }
        names_ = left;
        name_states_ = {names_};
        std::map<int, ModelFile> files;
        for (const auto& [name, tag] : names_) {
            files[tag] = {disk_->open(name, Open::existing).value(), {disk_->peek(name).value()}};
        }
        files_ = std::move(files);
    }

  private:
    struct ModelFile {
        std::unique_ptr<File> file;
        std::vector<Bytes> states;  ///< since the last sync; the first is durable
    };

    void create(const std::string& name) {
        const int tag = next_tag_++;
        auto file = disk_->open(name, Open::create).value();
        Bytes contents(kTagBytes);
        store_u64(contents.data(), static_cast<std::uint64_t>(tag));
        RC_ASSERT(file->write_at(0, contents).is_ok());
        RC_ASSERT(file->sync().is_ok());
        files_[tag] = {std::move(file), {contents}};
        names_[name] = tag;
        name_states_.push_back(names_);
    }

    void write(int tag, std::uint16_t a, std::uint16_t b) {
        ModelFile& file = files_.at(tag);
        const std::size_t offset = kTagBytes + a % 4000;
        const Bytes bytes(1 + b % 1500, ++next_fill_);
        RC_ASSERT(file.file->write_at(offset, bytes).is_ok());
        Bytes next = file.states.back();
        next.resize(std::max(next.size(), offset + bytes.size()));
        std::copy(bytes.begin(), bytes.end(), next.begin() + static_cast<std::ptrdiff_t>(offset));
        push(file, std::move(next));
    }

    void resize(int tag, std::size_t size) {
        ModelFile& file = files_.at(tag);
        RC_ASSERT(file.file->truncate(size).is_ok());
        Bytes next = file.states.back();
        next.resize(size);
        push(file, std::move(next));
    }

    void push(ModelFile& file, Bytes next) {
        Bytes seen(next.size());
        RC_ASSERT(file.file->size_bytes().value() == next.size());
        RC_ASSERT(file.file->read_at(0, seen).value() == next.size());
        RC_ASSERT(seen == next);
        file.states.push_back(std::move(next));
    }

    void sync(int tag) {
        ModelFile& file = files_.at(tag);
        RC_ASSERT(file.file->sync().is_ok());
        file.states = {file.states.back()};
    }

    void check_contents(int tag, const Bytes& contents) const {
        const auto& states = files_.at(tag).states;
        std::size_t least = SIZE_MAX;
        std::size_t most = 0;
        for (const Bytes& state : states) {
            least = std::min(least, state.size());
            most = std::max(most, state.size());
        }
        RC_ASSERT(contents.size() >= least && contents.size() <= most);
        for (std::size_t start = 0; start < contents.size(); start += kSectorBytes) {
            const std::size_t end = std::min(start + kSectorBytes, contents.size());
            const auto matches = [&](const Bytes& state) {
                for (std::size_t i = start; i < end; ++i) {
                    if (contents[i] != (i < state.size() ? state[i] : 0)) {
                        return false;
                    }
                }
                return true;
            };
            RC_ASSERT(std::any_of(states.begin(), states.end(), matches));
        }
    }

    Universe universe_;
    std::unique_ptr<SimDisk> disk_;
    std::map<int, ModelFile> files_;
    std::map<std::string, int> names_;
    std::vector<std::map<std::string, int>> name_states_{{}};
    int next_tag_ = 1;
    Byte next_fill_ = 0;
};

RC_GTEST_PROP(SimDiskModel, PowerLossLeavesOnlyStatesThatWere,
              (std::uint64_t seed, const std::vector<Step>& steps)) {
    DiskModel model(seed);
    for (const Step& step : steps) {
        model.apply(step);
    }
    model.lose_power();
}

}  // namespace
}  // namespace firedrill::sim
