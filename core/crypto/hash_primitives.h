// The full Argon2id primitive with the parameters that only its published test vector uses. Within crypto and
// its tests only.
#pragma once

#include "crypto/hash.h"

namespace firedrill::crypto {

Secret argon2id_with(ByteView password, ByteView salt, PasswordCost cost, std::uint32_t lanes,
                     ByteView pepper, ByteView associated, std::size_t size_bytes);

}  // namespace firedrill::crypto
