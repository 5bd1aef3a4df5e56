// The submission envelope: what an inbox item holds once its age file is open. Format:
// docs/formats/submission_envelope.md.
//
// Pure; used inside forms/ only.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/secret.h"

namespace firedrill::forms {

inline constexpr std::size_t kFormNameLimit = 40;
inline constexpr std::size_t kResponseLimit = 256 * 1024;

struct Envelope {
    SubmissionId id;
    StoreId practice;
    WallTime received;
    std::string form;
    std::string response;
};

/// In locked memory: it is the plaintext. Names and sizes are within their limits (CHECKed).
crypto::Secret write_envelope(const Envelope& envelope);
/// newer_format; bad_input for anything that write_envelope() does not write.
Result<Envelope> read_envelope(ByteView bytes);

}  // namespace firedrill::forms
