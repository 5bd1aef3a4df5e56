#include "sim/seams/network.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "sim/seams/connection.h"

namespace firedrill::sim {

SimNetwork::SimNetwork(SimLoop& loop, Random random) : loop_(loop), random_(random) {}
SimNetwork::~SimNetwork() = default;

SimNetwork::Path& SimNetwork::path(const std::string& from, const std::string& to) {
    const auto [at, is_new] = paths_.try_emplace({from, to});
    if (is_new && from == to) {
        at->second.own = kLocalLink;
    }
    return at->second;
}

void SimNetwork::set_link(const std::string& a, const std::string& b, Link link) {
    path(a, b).own = link;
    path(b, a).own = link;
}

void SimNetwork::partition(const std::string& a, const std::string& b) {
    block(a, b);
    block(b, a);
}

void SimNetwork::heal(const std::string& a, const std::string& b) {
    path(a, b).is_blocked = false;
    path(b, a).is_blocked = false;
}

void SimNetwork::heal_all() {
    for (auto& [pair, path] : paths_) {
        path.is_blocked = false;
    }
}

void SimNetwork::set_chopping(std::uint64_t numerator, std::uint64_t denominator) {
    CHECK(denominator != 0);
    chop_numerator_ = numerator;
    chop_denominator_ = denominator;
}

std::unique_ptr<SimHost> SimNetwork::attach(std::string address, SimClock& clock) {
    CHECK(live_host(address) == nullptr);
    return std::make_unique<SimHost>(*this, std::move(address), clock);
}

SimHost* SimNetwork::live_host(const std::string& address) const {
    const auto at = hosts_.find(address);
    return at != hosts_.end() && at->second->is_alive() ? at->second : nullptr;
}

/// When bytes handed over now arrive at the other side.
Instant SimNetwork::arrival(Path& path, std::size_t size_bytes) {
    const Link& link = this->link(path);
    const auto sending =
        Duration(static_cast<std::int64_t>(size_bytes * 1'000'000'000ULL / link.bytes_per_second));
    path.busy_until = std::max(path.busy_until, loop_.now()) + sending;
    Instant at = path.busy_until + link.latency;
    if (link.jitter > 0s) {
        at = at + Duration(static_cast<std::int64_t>(
                      random_.below(static_cast<std::uint64_t>(link.jitter.count()))));
    }
    Duration wait = kRetransmit;
    while (random_.chance(link.loss_per_million, 1'000'000) && wait < 60s) {
        at = at + wait;
        wait *= 2;
    }
    return std::max(at, path.clogged_until);
}

void SimNetwork::remember(const EndPtr& end) {
    if (ends_.size() >= prune_at_) {
        std::erase_if(ends_, [](const auto& weak) { return weak.expired(); });
        prune_at_ = std::max<std::size_t>(64, ends_.size() * 2);
    }
    ends_.push_back(end);
}

std::vector<SimNetwork::EndPtr> SimNetwork::live_ends() const {
    std::vector<EndPtr> out;
    for (const auto& weak : ends_) {
        if (auto end = weak.lock()) {
            out.push_back(std::move(end));
        }
    }
    return out;
}

// --- data on its way
// -----------------------------------------------------------------------------------------------

std::size_t SimNetwork::send(StreamEnd& from, std::span<const ByteView> pieces, std::size_t limit) {
    Bytes bytes;
    for (const ByteView piece : pieces) {
        append(bytes, piece.first(std::min(piece.size(), limit - bytes.size())));
    }
    const std::size_t taken = bytes.size();
    if (tap_) {
        tap_(from.local, from.remote, from.number, bytes);
    }
    from.peer().outstanding += taken;
    const bool is_reset = random_.chance(link(*from.outgoing).reset_per_million, 1'000'000);
    transmit(from, Kind::data, std::move(bytes));
    if (is_reset) {
        transmit(from, Kind::reset, {});
        break_end(from, "the connection was reset");
    }
    return taken;
}

void SimNetwork::transmit(StreamEnd& from, Kind kind, Bytes bytes) {
    StreamEnd& to = from.peer();
    to.last_arrival = std::max(to.last_arrival, arrival(*from.outgoing, bytes.size()));
    to.coming.push_back({to.last_arrival, kind, std::move(bytes)});
    loop_.call_at(Owner::world, to.arrivals, to.last_arrival, 0, [this, end = to.self()] { deliver(*end); });
}

void SimNetwork::deliver(StreamEnd& to) {
    while (!to.coming.empty() && to.coming.front().arrives <= loop_.now()) {
        StreamEnd& from = to.peer();
        const bool is_dead = loop_.is_dropped(to.owner);
        if (from.outgoing->is_blocked || (is_dead && live_host(to.local) == nullptr)) {
            retry(to);
            return;
        }
        to.blocked_since.reset();
        if (is_dead || to.is_closed) {
            // Nobody is there to read it: the kernel answers data with a reset.
            const bool is_data = to.coming.front().kind == Kind::data;
            to.coming.clear();
            to.outstanding = 0;
            if (is_data && !to.broken) {
                transmit(to, Kind::reset, {});
            }
            return;
        }
        take_in(to);
    }
}

/// The front of what is coming cannot pass: it is sent again, ever more rarely, until the sender gives up.
void SimNetwork::retry(StreamEnd& to) {
    if (!to.blocked_since) {
        to.blocked_since = loop_.now();
        to.retry_wait = kRetransmit;
    }
    if (to.is_retrying) {
        return;
    }
    if (loop_.now() - *to.blocked_since >= kGiveUpAfter) {
        to.coming.clear();
        break_end(to.peer(), "the other side does not answer");
        return;
    }
    to.is_retrying = true;
    loop_.call_at(Owner::world, to.arrivals, loop_.now() + to.retry_wait, 0, [this, end = to.self()] {
        end->is_retrying = false;
        deliver(*end);
    });
    to.retry_wait = std::min<Duration>(to.retry_wait * 2, 60s);
}

void SimNetwork::take_in(StreamEnd& to) {
    Segment segment = std::move(to.coming.front());
    to.coming.pop_front();
    switch (segment.kind) {
        case Kind::data:
            if (to.has_end || to.broken) {
                return;
            }
            to.arrived.push_back(std::move(segment.bytes));
            break;
        case Kind::end: to.has_end = true; break;
        case Kind::reset: break_end(to, "the connection was reset"); return;
    }
    wake_reader(to);
}

void SimNetwork::break_end(StreamEnd& end, const char* why) {
    if (!end.broken) {
        end.broken = why;
        wake_reader(end);
        wake_writer(end, 0s);
    }
}

void SimNetwork::wake_reader(StreamEnd& end) {
    if (end.read && !end.is_read_posted) {
        end.is_read_posted = true;
        loop_.post(end.owner, end.queue, [this, self = end.self()] { finish_read(*self); });
    }
}

void SimNetwork::wake_writer(StreamEnd& end, Duration after) {
    if (end.write && !end.is_write_posted) {
        end.is_write_posted = true;
        loop_.call_at(end.owner, end.queue, loop_.now() + after, 0,
                      [this, self = end.self()] { finish_write(*self); });
    }
}

void SimNetwork::finish_read(StreamEnd& end) {
    end.is_read_posted = false;
    if (!end.read) {
        return;
    }
    if (end.is_closed) {
        std::exchange(end.read, nullptr)(Error{Fault::closed, "the stream is closed"});
        return;
    }
    if (end.arrived.empty()) {
        if (end.has_end) {
            std::exchange(end.read, nullptr)(Error{Fault::closed, "the other side ended the stream"});
        } else if (end.broken) {
            std::exchange(end.read, nullptr)(Error{Fault::unavailable, end.broken});
        }
        return;
    }
    std::size_t want = end.out.size();
    if (want > 1 && random_.chance(chop_numerator_, chop_denominator_)) {
        want = random_.between(1, want - 1);
    }
    std::size_t got = 0;
    while (got < want && !end.arrived.empty()) {
        const Bytes& front = end.arrived.front();
        const std::size_t take = std::min(want - got, front.size() - end.front_used);
        std::memcpy(end.out.data() + got, front.data() + end.front_used, take);
        got += take;
        end.front_used += take;
        if (end.front_used == front.size()) {
            end.arrived.pop_front();
            end.front_used = 0;
        }
    }
    end.outstanding -= got;
    // The other side hears of the room one way later.
    wake_writer(end.peer(), link(*end.outgoing).latency);
    std::exchange(end.read, nullptr)(got);
}

void SimNetwork::finish_write(StreamEnd& end) {
    end.is_write_posted = false;
    if (!end.write) {
        return;
    }
    if (end.is_closed) {
        std::exchange(end.write, nullptr)(Error{Fault::closed, "the stream is closed"});
        return;
    }
    if (end.broken) {
        std::exchange(end.write, nullptr)(Error{Fault::unavailable, end.broken});
        return;
    }
    const std::size_t used = end.peer().outstanding;
    if (used < kWindowBytes) {
        const std::size_t taken = send(end, end.pieces, kWindowBytes - used);
        std::exchange(end.write, nullptr)(taken);
    }
}

void SimNetwork::close_end(StreamEnd& end) {
    if (end.is_closed) {
        return;
    }
    end.is_closed = true;
    end.arrived.clear();
    // A machine without power says nothing any more.
    if (!loop_.is_dropped(end.owner) && !end.broken) {
        transmit(end, Kind::end, {});
    }
    wake_reader(end);
    wake_writer(end, 0s);
}

void SimNetwork::reset(const std::string& a, const std::string& b) {
    for (const EndPtr& end : live_ends()) {
        if ((end->local == a && end->remote == b) || (end->local == b && end->remote == a)) {
            end->coming.clear();
            break_end(*end, "the connection was reset");
        }
    }
}

void SimNetwork::process_died(const SimHost& host) {
    for (const EndPtr& end : live_ends()) {
        if (end->owner == host.clock_.owner() && !end->is_closed && !end->broken) {
            transmit(*end, Kind::reset, {});
            end->broken = "the process died";
        }
    }
}

// --- connecting
// ----------------------------------------------------------------------------------------------------

void SimNetwork::answer(const std::shared_ptr<Knock>& knock, Duration after, EndPtr end) {
    loop_.call_at(knock->owner, loop_.new_queue(), loop_.now() + after, 0, [this, knock, end] {
        auto handler = std::exchange(knock->handler, nullptr);
        if (end) {
            handler(std::unique_ptr<Stream>(std::make_unique<SimStream>(*this, end)));
        } else {
            handler(Error{Fault::unavailable, knock->failure});
        }
    });
}

/// The first packet of a connection reaches the other host, or does not.
void SimNetwork::knock(const std::shared_ptr<Knock>& knock) {
    if (loop_.is_dropped(knock->owner)) {
        return;
    }
    SimHost* host = live_host(knock->to_host);
    Path& there = path(knock->from_host, knock->to_host);
    Path& back = path(knock->to_host, knock->from_host);
    if (host == nullptr || there.is_blocked || back.is_blocked) {
        const Duration waited = loop_.now() - knock->started;
        if (waited >= kConnectTimeout) {
            knock->failure =
                fmt::format("{} does not answer; check that it is up and reachable", knock->to.text);
            answer(knock, 0s, nullptr);
            return;
        }
        loop_.call_at(
            loop_.now() + std::min<Duration>(std::max<Duration>(waited, 1s), kConnectTimeout - waited),
            [this, knock] { this->knock(knock); });
        return;
    }
    const auto at = host->listeners_.find(knock->service);
    const auto listener = at == host->listeners_.end() ? nullptr : at->second.lock();
    const Duration latency = link(back).latency;
    const bool may_enter = listener && (!listener->is_local_only || knock->from_host == knock->to_host);
    if (!may_enter || listener->waiting.size() >= kBacklog) {
        knock->failure = fmt::format("nobody listens at {}", knock->to.text);
        answer(knock, latency, nullptr);
        return;
    }
    answer(knock, latency, connect(*knock, *listener));
}

SimNetwork::EndPtr SimNetwork::connect(const Knock& knock, ListenerState& listener) {
    auto connection = std::make_shared<Connection>();
    const auto fill = [&](std::size_t index, Owner owner, const std::string& local,
                          const std::string& remote) {
        StreamEnd& end = connection->ends[index];
        end.connection = connection;
        end.index = index;
        end.number = next_connection_;
        end.local = local;
        end.remote = remote;
        end.peer_name = listener.local.text.starts_with("unix:") ? "unix" : remote;
        end.owner = owner;
        end.queue = loop_.new_queue();
        end.arrivals = loop_.new_queue();
        end.outgoing = &path(local, remote);
        remember(end.self());
    };
    fill(0, knock.owner, knock.from_host, knock.to_host);
    fill(1, listener.owner, knock.to_host, knock.from_host);
    ++next_connection_;
    listener.waiting.push_back(connection->ends[1].self());
    finish_accept_later(listener);
    return connection->ends[0].self();
}

void SimNetwork::finish_accept_later(ListenerState& listener) {
    if (listener.accept && !listener.waiting.empty()) {
        loop_.post(listener.owner, listener.queue, [this, weak = listener.weak_from_this()] {
            if (const auto state = weak.lock()) {
                finish_accept(*state);
            }
        });
    }
}

void SimNetwork::finish_accept(ListenerState& listener) {
    if (listener.accept && !listener.waiting.empty()) {
        const EndPtr end = listener.waiting.front();
        listener.waiting.pop_front();
        std::exchange(listener.accept,
                      nullptr)(std::unique_ptr<Stream>(std::make_unique<SimStream>(*this, end)));
    }
}

}  // namespace firedrill::sim
