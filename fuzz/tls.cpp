// TLS: a hostile network. The input is laid by exclusive or over the bytes of a live connection, in both
// directions: whatever arrives is what was sent, or nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "crypto/tls.h"
#include "tests/support/test_entropy.h"

using namespace firedrill;

namespace {

constexpr WallTime kNow{1'767'225'600'000'000'000};
constexpr std::string_view kRequest = "request";

struct World {
    test::TestEntropy entropy;
    std::array<std::string, 1> names{"clinic.example"};
    crypto::DevelopmentCertificates certificates =
        crypto::make_development_certificates(names, kNow, entropy);
    std::shared_ptr<crypto::TlsServerContext> server =
        *crypto::TlsServerContext::create(certificates.chain_pem, certificates.server_key_pem, entropy);
};

/// Alters the stream in place: byte i of the connection meets byte i of the mask.
struct Network {
    ByteView mask;
    std::size_t at = 0;
    bool carry(crypto::TlsConnection& from, crypto::TlsConnection& to) {
        Bytes moved = from.take_outgoing();
        for (Byte& byte : moved) {
            byte ^= at < mask.size() ? mask[at] : Byte{0};
            ++at;
        }
        static_cast<void>(to.feed(moved, kNow));
        return !moved.empty();
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static World world;
    const auto raw = crypto::make_tls_server(world.server, kNow);
    static_cast<void>(raw->feed({data, size}, kNow));
    CHECK(raw->take_incoming().empty());

    const auto context = *crypto::TlsClientContext::create(world.certificates.authority_pem, world.entropy);
    const auto client = crypto::make_tls_client(context, world.names[0], kNow);
    const auto server = crypto::make_tls_server(world.server, kNow);
    client->send(as_bytes(kRequest));
    Network network{{data, size}};
    bool is_moving = true;
    Bytes got;
    while (is_moving) {
        is_moving = network.carry(*client, *server);
        append(got, server->take_incoming());
        is_moving = network.carry(*server, *client) || is_moving;
        CHECK(client->take_incoming().empty());
    }
    CHECK(got.empty() || as_text(got) == kRequest);
    return 0;
}
