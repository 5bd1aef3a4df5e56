#include "sim/world.h"

#include <fmt/format.h>

#include "sim/canary.h"

namespace firedrill::sim {

namespace {

std::string flow_name(const std::string& from, const std::string& to) {
    return from + " to " + to;
}

}  // namespace

World::World(const Scenario& which, std::uint64_t seed)
    : scenario(which), universe(seed), client_entropy_(universe.random.stream("client entropy")) {
    Random names = universe.random.stream("names");
    passphrase = draw_canary(names) + " operator";
    for (std::uint32_t i = 0; i < which.workload.practices; ++i) {
        practices.push_back({fmt::format("clinic-{}", i + 1), fmt::format("Clinic {}", i + 1), "owner",
                             draw_canary(names) + "!"});
        secrecy.plant(practices.back().password.substr(0, kCanarySize));
    }
    Link link;
    link.latency = which.topology.latency;
    universe.network.set_default_link(link);
    universe.network.set_tap(
        [this](const std::string& from, const std::string& to, std::uint64_t connection, ByteView bytes) {
            const std::string flow = flow_name(from, to);
            trace.add(now(), TraceKind::packet, flow, bytes);
            secrecy.packet(flow, connection, bytes, now());
        });
    universe.loop.set_trace([this](Instant at, Owner owner, std::uint64_t count) {
        std::array<Byte, 12> detail{};
        store_u32(detail.data(), static_cast<std::uint32_t>(owner));
        store_u64(detail.data() + 4, count);
        trace.add(at, TraceKind::handler, "", detail);
    });
}

HttpsClientOptions World::client_options() {
    HttpsClientOptions options;
    options.server = {fmt::format("{}:443", kNodeAddress)};
    options.host = kNodeHost;
    options.server_name = kNodeHost;
    options.tls = tls;
    options.on_plaintext = [this](ByteView plain) { secrecy.saw_plaintext(plain); };
    return options;
}

Status World::trust(const std::string& authority_pem) {
    if (scenario.workload.tls) {
        tls = TRY(crypto::TlsClientContext::create(authority_pem, client_entropy_));
    }
    return {};
}

std::string World::draw_canary(Random& random) {
    std::array<Byte, kCanaryTail> tail{};
    random.fill(tail);
    return make_canary(tail);
}

void World::harness_fault(std::string what) {
    if (harness_fault_.empty()) {
        harness_fault_ = std::move(what);
    }
}

void World::tell(const std::string& what) const {
    if (on_progress) {
        on_progress(fmt::format("{:>14}  {}",
                                format_duration(Duration(now().ns / 1'000'000'000 * 1'000'000'000)), what));
    }
}

}  // namespace firedrill::sim
