#include "store_stage.h"

#include <stdexcept>
#include <string>

namespace firedrill::bench {
namespace {

using std::filesystem::path;

/// Rows enough that the first fold is behind it: what memory a store needs at work, it has by then.
constexpr std::int64_t kWarmRows = 24'000;

std::function<std::unique_ptr<SealedWorld>()> sealed(path folder, SealedOptions options,
                                                     std::int64_t warm_rows = 0) {
    return [folder = std::move(folder), options, warm_rows] {
        auto made = std::make_unique<SealedWorld>(folder, options);
        made->fill(warm_rows);
        made->fold();
        return made;
    };
}

std::function<std::unique_ptr<SqlitePeer>()> peer(path file, std::function<PeerOptions()> options,
                                                  std::int64_t rows = 0) {
    return [file = std::move(file), options = std::move(options), rows] {
        auto made = std::make_unique<SqlitePeer>(file, options());
        made->fill(rows);
        return made;
    };
}

PeerOptions plain() {
    return {};
}

std::function<std::unique_ptr<ManyPeers>()> peers(const path& folder, const std::string& name,
                                                  std::function<const char*()> vfs) {
    return [folder, name, vfs = std::move(vfs)] {
        auto made = std::make_unique<ManyPeers>();
        for (std::size_t i = 0; i < kClients; ++i) {
            PeerOptions options;
            options.vfs = vfs();
            made->push_back(
                std::make_unique<SqlitePeer>(folder / (name + std::to_string(i) + ".db"), options));
        }
        return made;
    };
}

}  // namespace

StoreStage::StoreStage(const path& scratch, Size size)
    : is_tiny(size == Size::tiny),
      rows(is_tiny ? 500 : 40'000),
      one_sealed(sealed(scratch / "one", {}, is_tiny ? 0 : kWarmRows)),
      one_slow_sealed(sealed(scratch / "one_slow", {.device = &one_queue})),
      many_sealed(sealed(scratch / "many", {.stores = kClients})),
      many_slow_sealed(sealed(scratch / "many_slow", {.stores = kClients, .device = &one_queue})),
      many_parallel_sealed(sealed(scratch / "many_parallel", {.stores = kClients, .device = &many_queues})),
      read_sealed(sealed(scratch / "read", {}, rows)),
      folding_sealed(sealed(scratch / "folding", {.fold_after_bytes = 4ull << 20})),
      replay_sealed([this, scratch] {
          SealedOptions options;
          options.fold_after_bytes = 1ull << 40;
          options.unfolded_log_limit = 1ull << 40;
          auto made = std::make_unique<SealedWorld>(scratch / "replay", options);
          made->fill(is_tiny ? 500 : 120'000, 100);
          return made;
      }),
      large_sealed([this, scratch] {
          auto made = std::make_unique<SealedWorld>(scratch / "large");
          made->fill_with(is_tiny ? 64 : 65'536, 256, 16'000);  // 16,384 bytes of pages a row
          made->fold();
          if (!is_tiny && made->page_bytes() < 1ull << 30) {
              throw std::runtime_error("the practice of 1 GiB is smaller than that");
          }
          return made;
      }),
      one_plain(peer(scratch / "one_plain.db", plain, is_tiny ? 0 : kWarmRows)),
      one_slow_plain(peer(scratch / "one_slow_plain.db",
                          [] {
                              PeerOptions options;
                              options.vfs = slow_vfs(SlowDevice::Queue::one);
                              return options;
                          })),
      shared_plain(peer(scratch / "shared_plain.db", plain)),
      read_plain(peer(scratch / "read_plain.db", plain, rows)),
      stall_plain(peer(scratch / "stall_plain.db", plain)),
      one_sqlcipher(peer(scratch / "one_sqlcipher.db", sqlcipher_options, is_tiny ? 0 : kWarmRows)),
      read_sqlcipher(peer(scratch / "read_sqlcipher.db", sqlcipher_options, rows)),
      many_plain(peers(scratch, "many_plain", [] { return nullptr; })),
      many_slow_plain(peers(scratch, "many_slow_plain", [] { return slow_vfs(SlowDevice::Queue::one); })),
      many_parallel_plain(
          peers(scratch, "many_parallel_plain", [] { return slow_vfs(SlowDevice::Queue::many); })) {}

}  // namespace firedrill::bench
