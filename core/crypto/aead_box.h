// AeadBox: one named Botan AEAD, sealing and opening without allocating per message. Within crypto only.
//
// One object, one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <botan/aead.h>

#include "base/bytes.h"

namespace firedrill::crypto {

class AeadBox {
  public:
    /// A name that Botan knows with 32-byte keys, 12-byte nonces and 16-byte tags.
    explicit AeadBox(std::string_view name);

    void set_key(ByteView key);
    /// `out` has the size of `plain` and may be the same memory; `tag` has 16 bytes. A nonce only once a
    /// key.
    void seal(ByteView nonce, ByteView associated, ByteView plain, MutableBytes out, MutableBytes tag);
    /// False when anything differs; `out` is then zeroes. `out` may be the memory of `sealed`.
    [[nodiscard]] bool open(ByteView nonce, ByteView associated, ByteView sealed, ByteView tag,
                            MutableBytes out);
    /// The same for small secrets, and the same work whether it opens or not: open() throws and catches
    /// inside when a tag differs, which takes microseconds that a guesser can measure. Costs two seals.
    [[nodiscard]] bool open_evenly(ByteView nonce, ByteView associated, ByteView sealed, ByteView tag,
                                   MutableBytes out);

  private:
    std::string name_;
    std::unique_ptr<Botan::AEAD_Mode> seal_;  // each direction is made, and keyed, at its first use
    std::unique_ptr<Botan::AEAD_Mode> open_;
    Botan::secure_vector<Byte> key_;
    Botan::secure_vector<Byte> tail_;  // the tag on its way; its capacity is kept
    bool is_seal_keyed_ = false;
    bool is_open_keyed_ = false;
};

}  // namespace firedrill::crypto
