// The seam's side of the simulated network: hosts, listeners and streams.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "seams/endpoint.h"
#include "sim/seams/connection.h"
#include "sim/seams/network.h"

namespace firedrill::sim {

std::shared_ptr<StreamEnd> StreamEnd::self() const {
    const auto whole = connection.lock();
    CHECK(whole != nullptr);
    return {whole, &whole->ends[index]};
}

StreamEnd& StreamEnd::peer() const {
    const auto whole = connection.lock();
    CHECK(whole != nullptr);
    return whole->ends[1 - index];
}

SimStream::~SimStream() {
    // Taken out first: what the handlers own may reach back into this stream.
    const auto read = std::exchange(end_->read, nullptr);
    const auto write = std::exchange(end_->write, nullptr);
    network_.close_end(*end_);
}

void SimStream::read_some(MutableBytes out, ReadHandler handler) {
    CHECK(!out.empty());
    CHECK(handler != nullptr);
    CHECK(end_->read == nullptr);
    end_->out = out;
    end_->read = std::move(handler);
    if (!end_->arrived.empty() || end_->has_end || end_->broken || end_->is_closed) {
        network_.wake_reader(*end_);
    }
}

void SimStream::write_some(std::span<const ByteView> pieces, WriteHandler handler) {
    CHECK(!pieces.empty() && pieces.size() <= 16);
    CHECK(std::any_of(pieces.begin(), pieces.end(), [](ByteView piece) { return !piece.empty(); }));
    CHECK(handler != nullptr);
    CHECK(end_->write == nullptr);
    end_->pieces.assign(pieces.begin(), pieces.end());
    end_->write = std::move(handler);
    network_.wake_writer(*end_, 0s);
}

SimListener::~SimListener() {
    const auto accept = std::exchange(state_->accept, nullptr);
    for (const auto& end : std::exchange(state_->waiting, {})) {
        network_.transmit(*end, SimNetwork::Kind::reset, {});
        end->is_closed = true;
    }
}

void SimListener::accept(AcceptHandler handler) {
    CHECK(handler != nullptr);
    CHECK(state_->accept == nullptr);
    state_->accept = std::move(handler);
    network_.finish_accept_later(*state_);
}

SimHost::SimHost(SimNetwork& network, std::string address, SimClock& clock)
    : network_(network), address_(std::move(address)), clock_(clock) {
    network_.hosts_[address_] = this;
}

SimHost::~SimHost() {
    const auto at = network_.hosts_.find(address_);
    if (at != network_.hosts_.end() && at->second == this) {
        network_.hosts_.erase(at);
    }
}

void SimHost::die() {
    if (is_alive()) {
        network_.process_died(*this);
    }
    is_alive_ = false;
}

Result<std::unique_ptr<Listener>> SimHost::listen(const Endpoint& at) {
    EndpointParts parts = TRY(parse_endpoint(at));
    const bool is_loopback = parts.host == "127.0.0.1" || parts.host == "::1";
    const bool is_any = parts.host == "0.0.0.0" || parts.host == "::";
    if (!parts.is_unix() && !is_loopback && !is_any && parts.host != address_) {
        return Error{Fault::bad_usage, fmt::format("{}: {} is not this host's address", at.text, parts.host)};
    }
    const auto is_taken = [this](const std::string& service) {
        const auto found = listeners_.find(service);
        return found != listeners_.end() && !found->second.expired();
    };
    const bool chooses_port = !parts.is_unix() && parts.port == 0;
    while (chooses_port && (parts.port == 0 || is_taken(std::to_string(parts.port)))) {
        parts.port = next_port_;
        next_port_ = next_port_ == 65535 ? 49152 : static_cast<std::uint16_t>(next_port_ + 1);
    }
    const std::string service = parts.is_unix() ? parts.path : std::to_string(parts.port);
    if (is_taken(service)) {
        return Error{Fault::in_use,
                     fmt::format("{} is in use by another listener; stop it or choose another", at.text)};
    }
    auto state = std::make_shared<ListenerState>();
    state->local = at;
    if (chooses_port) {
        state->local.text = at.text.substr(0, at.text.rfind(':') + 1) + service;
    }
    state->is_local_only = parts.is_unix() || is_loopback;
    state->owner = clock_.owner();
    state->queue = clock_.loop().new_queue();
    listeners_[service] = state;
    return std::unique_ptr<Listener>(std::make_unique<SimListener>(network_, std::move(state)));
}

void SimHost::connect(const Endpoint& to, ConnectHandler handler) {
    CHECK(handler != nullptr);
    SimLoop& loop = clock_.loop();
    auto knock = std::make_shared<Knock>();
    knock->to = to;
    knock->from_host = address_;
    knock->owner = clock_.owner();
    knock->started = loop.now();
    knock->handler = std::move(handler);
    auto parts = parse_endpoint(to);
    if (!parts) {
        loop.post(clock_.owner(), loop.new_queue(),
                  [knock, error = parts.error()] { std::exchange(knock->handler, nullptr)(error); });
        return;
    }
    const bool is_here = parts->is_unix() || parts->host == "127.0.0.1" || parts->host == "::1";
    knock->to_host = is_here ? address_ : parts->host;
    knock->service = parts->is_unix() ? parts->path : std::to_string(parts->port);
    auto& path = network_.path(knock->from_host, knock->to_host);
    loop.call_at(clock_.owner(), loop.new_queue(), network_.arrival(path, 64), 0,
                 [&network = network_, knock] { network.knock(knock); });
}

}  // namespace firedrill::sim
