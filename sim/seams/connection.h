// What SimNetwork keeps of one connection, and the Stream and Listener over it. Private to the simulated
// network.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/seams/network.h"

namespace firedrill::sim {

struct Segment {
    Instant arrives;
    SimNetwork::Kind kind;
    Bytes bytes;
};

/// One side of a connection. It lives as long as any side's Stream or anything in flight.
struct StreamEnd {
    std::weak_ptr<Connection> connection;
    std::size_t index = 0;
    std::uint64_t number = 0;
    std::string local;
    std::string remote;
    std::string peer_name;
    Owner owner{};
    Queue queue{};     ///< the reader's and writer's handlers
    Queue arrivals{};  ///< deliveries to this side
    SimNetwork::Path* outgoing = nullptr;

    bool is_closed = false;        ///< by this side
    const char* broken = nullptr;  ///< why, if the connection is lost
    std::deque<Segment> coming;    ///< sent by the peer, not arrived
    std::deque<Bytes> arrived;
    std::size_t front_used = 0;   ///< bytes of arrived.front() that were read
    std::size_t outstanding = 0;  ///< bytes coming and arrived: what fills the window
    bool has_end = false;         ///< the peer ended its stream
    Instant last_arrival;
    std::optional<Instant> blocked_since;
    Duration retry_wait = 0s;
    bool is_retrying = false;

    MutableBytes out;
    Stream::ReadHandler read;
    bool is_read_posted = false;
    std::vector<ByteView> pieces;
    Stream::WriteHandler write;
    bool is_write_posted = false;

    [[nodiscard]] std::shared_ptr<StreamEnd> self() const;
    [[nodiscard]] StreamEnd& peer() const;
};

struct Connection {
    std::array<StreamEnd, 2> ends;
};

struct Knock {
    std::string from_host;
    std::string to_host;
    std::string service;  ///< the key in SimHost::listeners_
    Endpoint to;
    Owner owner{};
    Instant started;
    Network::ConnectHandler handler;
    std::string failure;
};

struct ListenerState : std::enable_shared_from_this<ListenerState> {
    Endpoint local;
    bool is_local_only = false;
    Owner owner{};
    Queue queue{};
    std::deque<std::shared_ptr<StreamEnd>> waiting;
    Listener::AcceptHandler accept;
};

class SimStream final : public Stream {
  public:
    SimStream(SimNetwork& network, std::shared_ptr<StreamEnd> end)
        : network_(network), end_(std::move(end)) {}
    ~SimStream() override;
    void read_some(MutableBytes out, ReadHandler handler) override;
    void write_some(std::span<const ByteView> pieces, WriteHandler handler) override;
    void close() override { network_.close_end(*end_); }
    std::string peer() const override { return end_->peer_name; }

  private:
    SimNetwork& network_;
    std::shared_ptr<StreamEnd> end_;
};

class SimListener final : public Listener {
  public:
    SimListener(SimNetwork& network, std::shared_ptr<ListenerState> state)
        : network_(network), state_(std::move(state)) {}
    ~SimListener() override;
    void accept(AcceptHandler handler) override;
    Endpoint local() const override { return state_->local; }

  private:
    SimNetwork& network_;
    std::shared_ptr<ListenerState> state_;
};

}  // namespace firedrill::sim
