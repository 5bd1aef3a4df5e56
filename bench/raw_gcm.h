// Sealing records of pages as the store does, beside AES-256-GCM of the same bytes under one fixed key: the
// floor that no design gets under.
#pragma once

#include <cstdint>
#include <memory>

namespace firedrill::bench {

class PageSealing {
  public:
    PageSealing();
    ~PageSealing();
    /// Where the random half of a record's nonce comes from.
    enum class Draw : std::uint8_t {
        free,    ///< a counter: what sealing itself takes
        system,  ///< the system's entropy, as in the server
    };
    /// One commit's pages, under nonces as the store makes them (store/page_nonces.h).
    void seal_record(std::uint32_t pages, Draw draw);
    /// As many messages of a page each, one key, new nonces.
    void seal_raw(std::uint32_t pages);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace firedrill::bench
