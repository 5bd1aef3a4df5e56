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
    /// One commit's pages: the first twelve bytes of the nonce, which derive a key, are new for each record;
    /// the last eight count on (docs/decisions/0007).
    void seal_record(std::uint32_t pages);
    /// As many messages of a page each, one key, new nonces.
    void seal_raw(std::uint32_t pages);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace firedrill::bench
