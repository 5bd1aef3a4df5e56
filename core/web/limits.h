// Every limit of the web folder, each with its reason. All sizes in bytes unless the name says otherwise.
#pragma once

#include <cstddef>

#include "base/time.h"

namespace firedrill::web {

// Messages.
inline constexpr std::size_t kHeadLimit = 16 * 1024;   ///< browsers send 1–2 KiB; beyond: 431
inline constexpr std::size_t kFieldLimit = 64;         ///< browsers send about 15; beyond: 431
inline constexpr std::size_t kTargetLimit = 2 * 1024;  ///< our longest address has under 200; beyond: 414
inline constexpr std::size_t kMethodLimit = 16;  ///< longer than any registered method in use; beyond: 400
/// The rest of a request line: method, two spaces, "HTTP/1.1".
inline constexpr std::size_t kRequestLineLimit = kTargetLimit + kMethodLimit + 10;
inline constexpr std::size_t kBodyLimit = 256 * 1024;  ///< the largest form is 64 KiB of answers; beyond: 413
inline constexpr std::size_t kFormFieldLimit =
    1000;                                       ///< a form has at most 200 items, some with several choices
inline constexpr std::size_t kHostLimit = 255;  ///< RFC 1035 names, and a port

static_assert(kRequestLineLimit < kHeadLimit);

// Connections.
inline constexpr std::size_t kConnectionLimit = 1024;       ///< about 64 KiB each when idle: 64 MiB
inline constexpr std::size_t kSourceConnectionLimit = 256;  ///< a whole clinic behind one address fits
inline constexpr std::size_t kReadSize = 16 * 1024;         ///< one TLS record
/// Bytes of further (pipelined) requests that may wait while one is answered; reading stops beyond.
inline constexpr std::size_t kPipelineLimit = kReadSize;
inline constexpr unsigned kRequestsPerConnection =
    1000;  ///< then "Connection: close": memory and keys are renewed

// Deadlines, each from the event that its name says. None is extended by a dripped byte.
inline constexpr Duration kHandshakeDeadline =
    std::chrono::seconds(10);  ///< from accept to the end of the handshake
inline constexpr Duration kHeadDeadline =
    std::chrono::seconds(10);  ///< from a request's first byte to its head
inline constexpr Duration kBodyDeadline = std::chrono::seconds(30);  ///< from the head to the last body byte
inline constexpr Duration kIdleDeadline = std::chrono::seconds(60);  ///< between requests
inline constexpr Duration kWriteDeadline =
    std::chrono::seconds(30);  ///< one response, until the peer took it all
inline constexpr Duration kAnswerDeadline =
    std::chrono::seconds(120);  ///< the Handler; password queue included
/// After a refusal: reads on and forgets, so that the answer is not lost to a reset while the peer is still
/// sending.
inline constexpr Duration kLingerDeadline = std::chrono::seconds(2);
inline constexpr Duration kAcceptPause = std::chrono::milliseconds(100);  ///< after an accept that failed
inline constexpr Duration kStopDeadline =
    std::chrono::seconds(5);  ///< what stop() lets running requests have

}  // namespace firedrill::web
