// The judge of secrecy: no canary and no key in any sector ever written, any packet, or any journal line.
//
// Facts about a state: every canary that counts was seen in its own client's plaintext first (otherwise
// nothing was proved). Facts about a change: no chunk that leaves the node contains a secret in any encoding
// (canary.h). Single-threaded. Chunks of one stream are given in order; a secret that straddles two adjoining
// chunks is found.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/canary.h"
#include "sim/pattern_search.h"

namespace firedrill::sim {

enum class Medium : std::uint8_t { data_disk, log_disk, packet, journal };
inline constexpr std::size_t kMediumCount = 4;
std::string_view medium_name(Medium medium) noexcept;

struct Leak {
    Medium medium = Medium::packet;
    std::string place;   ///< disk and file, or flow; never the secret itself
    std::string secret;  ///< what kind it was: "canary", "practice key"
    std::string encoding;
    Instant at;
};

class SecrecyJudge {
  public:
    SecrecyJudge();
    ~SecrecyJudge();

    /// A canary was put into what a client is about to send.
    void plant(const std::string& canary);
    /// Watches for these bytes themselves (a key, 16–64 bytes). At most kWatchLimit different ones; more are
    /// ignored.
    void watch(std::string_view what, ByteView secret);
    static constexpr std::size_t kWatchLimit = 8;

    /// Plaintext that a client sent or received, before TLS or after it.
    void saw_plaintext(ByteView plain);
    /// Bytes written to a disk at an offset of a file.
    void sector(Medium medium, const std::string& disk, const std::string& file, std::uint64_t offset,
                ByteView bytes, Instant now);
    /// Bytes of one direction of one connection, in order.
    void packet(const std::string& flow, std::uint64_t connection, ByteView bytes, Instant now);
    void journal(std::string_view line, Instant now);

    struct Summary {
        std::uint64_t planted = 0;
        std::uint64_t seen = 0;  ///< planted canaries found in their client's own plaintext
        std::array<std::uint64_t, kMediumCount> bytes{};  ///< searched, by medium
        std::array<std::uint64_t, kMediumCount> leaks{};  ///< hits, by medium
        std::vector<Leak> first_leaks;                    ///< at most 20
        [[nodiscard]] std::uint64_t total_leaks() const noexcept;
    };
    [[nodiscard]] Summary summary() const;

  private:
    struct Secret {
        std::string what;
        std::string encoding;
    };
    void rebuild();
    PatternSearch::State search(Medium medium, const std::string& place, PatternSearch::State state,
                                ByteView bytes, Instant now);

    std::set<std::string> planted_;
    std::set<std::string> seen_;
    std::set<Bytes> watched_;
    std::vector<Secret> secrets_;  // one a pattern
    std::vector<Bytes> patterns_;
    std::unique_ptr<PatternSearch> search_;
    struct Position {
        std::uint64_t next = 0;
        PatternSearch::State state = 0;
    };
    std::map<std::string, Position> files_;
    std::map<std::pair<std::string, std::uint64_t>, PatternSearch::State> flows_;
    Summary summary_;
};

}  // namespace firedrill::sim
