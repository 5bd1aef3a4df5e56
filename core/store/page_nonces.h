// PageNonces: the nonces under which one store's pages are sealed. docs/formats/sealed_page.md, "Nonces",
// says why no two are ever the same.
//
// Used by the store's lane. Nothing of it outlives the process.
#pragma once

#include <cstdint>

#include "crypto/aead.h"
#include "seams/entropy.h"

namespace firedrill::store {

class PageNonces {
  public:
    /// How many records, and about how many pages, have one first half, and with it one derived key.
    static constexpr std::uint32_t kRecords = 1024;
    static constexpr std::uint32_t kPages = 65536;

    /// The nonce of the first page of a record of 1 to 65,536 pages. The second half is drawn here and now,
    /// after the record's contents are fixed; the first half is drawn once for many records.
    crypto::Nonce begin_record(std::size_t pages, Entropy& entropy);
    /// The nonce of the record's next page.
    static void step(crypto::Nonce& nonce);

  private:
    crypto::Nonce nonce_{};
    std::uint32_t records_left_ = 0;
    std::uint32_t pages_left_ = 0;
};

}  // namespace firedrill::store
