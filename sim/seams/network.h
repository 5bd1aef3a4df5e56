// SimNetwork: the universe's hosts, links and connections; SimHost: one node incarnation's view of it (the
// seam).
//
// A link has a latency, a bandwidth, and faults: loss (shows as delay, as under TCP), clog, one- or two-way
// partition, resets. A connection carries at most kWindowBytes that its reader has not read. Reads are
// chopped at random. A host whose process died resets its peers; one that lost power is silent: peers notice
// when they send and the host is up again, or after kGiveUpAfter. Taps see every byte that a sender hands
// over.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seams/network.h"
#include "sim/seams/clock.h"
#include "sim/seams/random.h"

namespace firedrill::sim {

inline constexpr std::size_t kWindowBytes = 65536;
inline constexpr Duration kGiveUpAfter = 15min;  ///< unanswered data, as Linux does
inline constexpr Duration kConnectTimeout = 20s;
inline constexpr std::size_t kBacklog = 128;

struct Link {
    Duration latency = 200us;  ///< one way
    Duration jitter = 0s;      ///< up to this much more
    std::uint64_t bytes_per_second = 125'000'000;
    std::uint32_t loss_per_million = 0;   ///< of segments; each costs kRetransmit
    std::uint32_t reset_per_million = 0;  ///< of segments
};
inline constexpr Duration kRetransmit = 200ms;
/// What a connection within one host (its own address, or a unix socket) uses.
inline constexpr Link kLocalLink{10us, 0s, 5'000'000'000, 0, 0};

class SimHost;
struct Connection;
struct StreamEnd;
struct ListenerState;
struct Knock;

/// Sees what is handed over for sending: from, to, connection number, bytes.
using NetworkTap = std::function<void(const std::string& from, const std::string& to,
                                      std::uint64_t connection, ByteView bytes)>;

class SimNetwork {
  public:
    SimNetwork(SimLoop& loop, Random random);
    ~SimNetwork();
    SimNetwork(const SimNetwork&) = delete;
    SimNetwork& operator=(const SimNetwork&) = delete;

    /// A host comes up at `address` ("10.0.0.2"), in place of a dead one. Dies silently with its clock's
    /// kill(), or by SimHost::die().
    std::unique_ptr<SimHost> attach(std::string address, SimClock& clock);

    void set_default_link(Link link) { default_link_ = link; }
    /// Both directions.
    void set_link(const std::string& a, const std::string& b, Link link);
    /// Nothing passes from `from` to `to` until heal(). Data waits and is sent again.
    void block(const std::string& from, const std::string& to) { path(from, to).is_blocked = true; }
    void partition(const std::string& a, const std::string& b);
    void heal(const std::string& a, const std::string& b);
    void heal_all();
    /// Nothing sent from now on from `from` to `to` arrives before `until`; nothing is lost.
    void clog(const std::string& from, const std::string& to, Instant until) {
        path(from, to).clogged_until = until;
    }
    /// Ends every connection between the two with a reset.
    void reset(const std::string& a, const std::string& b);
    /// `numerator` of `denominator` reads get fewer bytes than have arrived.
    void set_chopping(std::uint64_t numerator, std::uint64_t denominator);
    void set_tap(NetworkTap tap) { tap_ = std::move(tap); }
    [[nodiscard]] std::uint64_t connection_count() const noexcept { return next_connection_ - 1; }

  private:
    friend class SimHost;
    friend class SimStream;
    friend class SimListener;

    /// One direction between two hosts.
    struct Path {
        std::optional<Link> own;
        bool is_blocked = false;
        Instant clogged_until;
        Instant busy_until;  ///< when the bytes before have left
    };
    enum class Kind : std::uint8_t { data, end, reset };
    friend struct StreamEnd;
    friend struct Segment;
    using EndPtr =
        std::shared_ptr<StreamEnd>;  // shared by the Stream, its peer's data in flight, and the loop

    Path& path(const std::string& from, const std::string& to);
    [[nodiscard]] const Link& link(const Path& path) const { return path.own ? *path.own : default_link_; }
    [[nodiscard]] Instant arrival(Path& path, std::size_t size_bytes);
    [[nodiscard]] SimHost* live_host(const std::string& address) const;

    void knock(const std::shared_ptr<Knock>& knock);
    void answer(const std::shared_ptr<Knock>& knock, Duration after, EndPtr end);
    EndPtr connect(const Knock& knock, ListenerState& listener);
    std::size_t send(StreamEnd& from, std::span<const ByteView> pieces, std::size_t limit);
    void transmit(StreamEnd& from, Kind kind, Bytes bytes);
    void deliver(StreamEnd& to);
    void retry(StreamEnd& to);
    void take_in(StreamEnd& to);
    void break_end(StreamEnd& end, const char* why);
    void wake_reader(StreamEnd& end);
    void wake_writer(StreamEnd& end, Duration after);
    void finish_read(StreamEnd& end);
    void finish_write(StreamEnd& end);
    void finish_accept_later(ListenerState& listener);
    void finish_accept(ListenerState& listener);
    void close_end(StreamEnd& end);
    void process_died(const SimHost& host);
    void remember(const EndPtr& end);
    [[nodiscard]] std::vector<EndPtr> live_ends() const;

    SimLoop& loop_;
    Random random_;
    Link default_link_;
    std::map<std::pair<std::string, std::string>, Path> paths_;
    std::map<std::string, SimHost*> hosts_;
    std::vector<std::weak_ptr<StreamEnd>> ends_;
    std::size_t prune_at_ = 64;
    std::uint64_t next_connection_ = 1;
    std::uint64_t chop_numerator_ = 1;
    std::uint64_t chop_denominator_ = 16;
    NetworkTap tap_;
};

class SimHost final : public Network {
  public:
    SimHost(SimNetwork& network, std::string address, SimClock& clock);
    ~SimHost() override;
    SimHost(const SimHost&) = delete;
    SimHost& operator=(const SimHost&) = delete;

    /// `at` names this host's address, 127.0.0.1 (this host only), 0.0.0.0, or a unix socket (this host
    /// only).
    Result<std::unique_ptr<Listener>> listen(const Endpoint& at) override;
    void connect(const Endpoint& to, ConnectHandler handler) override;

    /// The process is killed and its kernel lives: peers get resets. Call before the clock's kill().
    void die();
    [[nodiscard]] bool is_alive() const { return is_alive_ && !clock_.is_killed(); }
    [[nodiscard]] const std::string& address() const noexcept { return address_; }

  private:
    friend class SimNetwork;
    SimNetwork& network_;
    std::string address_;
    SimClock& clock_;
    bool is_alive_ = true;
    std::uint16_t next_port_ = 49152;
    std::map<std::string, std::weak_ptr<ListenerState>> listeners_;  ///< by port or socket path
};

}  // namespace firedrill::sim
