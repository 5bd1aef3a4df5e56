// TLS both ways without I/O: our client against our server, and either against damage.
#include "crypto/tls.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/hash.h"
#include "tests/crypto/crypto_test_support.h"

namespace firedrill::crypto {
namespace {

using test::TestEntropy;

const WallTime kNow{1'767'225'600'000'000'000};  // 2026-01-01T00:00:00Z
const std::vector<std::string> kNames{"clinic.example", "127.0.0.1", "::1"};

/// One installation: certificates, and a context for each side.
struct World {
    explicit World(std::uint64_t seed = 1)
        : entropy(seed), certificates(make_development_certificates(kNames, kNow, entropy)) {
        server = *TlsServerContext::create(certificates.chain_pem, certificates.server_key_pem, entropy);
        client = *TlsClientContext::create(certificates.authority_pem, entropy);
    }
    TestEntropy entropy;
    DevelopmentCertificates certificates;
    std::shared_ptr<TlsServerContext> server;
    std::shared_ptr<TlsClientContext> client;
};

/// A connection with both ends, and what each has seen.
struct Pair {
    explicit Pair(World& world, const std::string& name = "clinic.example", WallTime at = kNow)
        : wall(at),
          client(make_tls_client(world.client, name, at)),
          server(make_tls_server(world.server, at)) {}

    /// Carries bytes in pieces of `piece` until nothing moves or an end fails.
    void pump(std::size_t piece = 100000) {
        bool is_moving = true;
        while (is_moving) {
            is_moving = carry(*client, *server, server_status, at_server, piece);
            is_moving = carry(*server, *client, client_status, at_client, piece) || is_moving;
        }
    }
    bool carry(TlsConnection& from, TlsConnection& to, Status& status, std::string& seen, std::size_t piece) {
        const Bytes moved = from.take_outgoing();
        append(wire, moved);
        for (std::size_t at = 0; at < moved.size(); at += piece) {
            const Status fed = to.feed(ByteView(moved).subspan(at, std::min(piece, moved.size() - at)), wall);
            if (!fed.is_ok() && status.is_ok()) {
                status = fed;
            }
            seen += as_text(to.take_incoming());
        }
        return !moved.empty();
    }

    WallTime wall;
    std::unique_ptr<TlsConnection> client;
    std::unique_ptr<TlsConnection> server;
    Status client_status;
    Status server_status;
    std::string at_client;
    std::string at_server;
    Bytes wire;
};

TEST(Tls, CarriesDataBothWays) {
    World world;
    Pair pair(world);
    EXPECT_FALSE(pair.client->is_established());
    pair.client->send(as_bytes("request"));
    pair.pump();
    ASSERT_TRUE(pair.client->is_established());
    ASSERT_TRUE(pair.server->is_established());
    EXPECT_EQ(pair.at_server, "request");
    pair.server->send(as_bytes("response"));
    pair.pump();
    EXPECT_EQ(pair.at_client, "response");
    EXPECT_FALSE(pair.client->is_resumed());
}

TEST(Tls, CarriesDataByteByByte) {
    World world;
    Pair pair(world);
    pair.client->send(as_bytes("request"));
    pair.pump(1);
    pair.server->send(as_bytes("response"));
    pair.pump(1);
    EXPECT_EQ(pair.at_server, "request");
    EXPECT_EQ(pair.at_client, "response");
}

RC_GTEST_PROP(Tls, CarriesAnySizeInAnyPieces, ()) {
    World world;
    Pair pair(world);
    const auto size = *rc::gen::inRange<std::size_t>(0, 200000);
    const auto piece = *rc::gen::inRange<std::size_t>(1, 40000);
    const std::string sent(as_text(test::drawn(world.entropy, size)));
    pair.client->send(as_bytes(sent));
    pair.pump(piece);
    RC_ASSERT(pair.at_server == sent);
    pair.server->send(as_bytes(sent));
    pair.pump(piece);
    RC_ASSERT(pair.at_client == sent);
}

TEST(Tls, AcceptsEveryNameOfTheCertificateAndNoOther) {
    World world;
    for (const std::string name : {"clinic.example", "CLINIC.example", "127.0.0.1", "::1"}) {
        Pair pair(world, name);
        pair.pump();
        EXPECT_TRUE(pair.client->is_established()) << name;
    }
    for (const std::string name : {"other.example", "clinic.example.org", "a.clinic.example", "127.0.0.2",
                                   "::2", "_", ".", "clinic_example", "localhost"}) {
        Pair pair(world, name);
        pair.client->send(as_bytes("secret"));
        pair.pump();
        ASSERT_FALSE(pair.client_status.is_ok()) << name;
        EXPECT_EQ(pair.client_status.error().fault, Fault::refused) << name;
        EXPECT_FALSE(pair.client->is_established());
        EXPECT_EQ(pair.server_status.error().fault, Fault::closed) << name;  // our alert reached it
        EXPECT_EQ(pair.at_server, "") << name;
    }
}

TEST(Tls, RefusesACertificateOfAnotherAuthority) {
    World world(1);
    World other(2);
    world.client = *TlsClientContext::create(other.certificates.authority_pem, world.entropy);
    Pair pair(world);
    pair.client->send(as_bytes("secret"));
    pair.pump();
    EXPECT_EQ(pair.client_status.error().fault, Fault::refused);
    EXPECT_EQ(pair.at_server, "");
    EXPECT_EQ(pair.client->feed(as_bytes("more"), kNow).error().fault, Fault::refused);  // the failure stays
}

TEST(Tls, ChecksTheCertificateAtTheTimeGiven) {
    World world;
    struct Case {
        Duration offset;
        bool is_valid;
    };
    for (const Case& c :
         {Case{-25h, false}, Case{-23h, true}, Case{395 * 24h, true}, Case{396 * 24h + 1h, false}}) {
        Pair pair(world, "clinic.example", kNow + c.offset);
        pair.pump();
        EXPECT_EQ(pair.client->is_established(), c.is_valid)
            << format_duration(c.offset < 0h ? -c.offset : c.offset);
        if (!c.is_valid) {
            EXPECT_EQ(pair.client_status.error().fault, Fault::refused);
        }
    }
}

TEST(Tls, ResumesARememberedSession) {
    World world;
    Pair first(world);
    first.pump();
    EXPECT_FALSE(first.server->is_resumed());

    Pair second(world);
    second.client->send(as_bytes("again"));
    second.pump();
    EXPECT_TRUE(second.client->is_resumed());
    EXPECT_TRUE(second.server->is_resumed());
    EXPECT_EQ(second.at_server, "again");
    EXPECT_LT(second.wire.size(), first.wire.size());

    Pair elsewhere(world, "127.0.0.1");  // a session is for one name
    elsewhere.pump();
    EXPECT_TRUE(elsewhere.client->is_established());
    EXPECT_FALSE(elsewhere.client->is_resumed());

    Pair late(world, "clinic.example", kNow + 13h);  // tickets live twelve hours
    late.pump();
    EXPECT_TRUE(late.client->is_established());
    EXPECT_FALSE(late.client->is_resumed());
}

TEST(Tls, FallsBackToAFullHandshakeWhenTheServerForgotItsTicketKey) {
    World world;
    Pair first(world);
    first.pump();
    world.server = *TlsServerContext::create(world.certificates.chain_pem, world.certificates.server_key_pem,
                                             world.entropy);
    Pair second(world);
    second.pump();
    EXPECT_TRUE(second.client->is_established());
    EXPECT_FALSE(second.client->is_resumed());
}

// Long-lived clients must not grow: many servers, many connections.
TEST(Tls, ResumesThroughManyConnections) {
    World world;
    for (int i = 0; i < 100; ++i) {
        Pair pair(world);
        pair.client->send(as_bytes("x"));
        pair.pump();
        ASSERT_EQ(pair.at_server, "x");
        ASSERT_EQ(pair.client->is_resumed(), i > 0);
    }
}

// The whole conversation, certificates included, is a function of seed and time: full and resumed handshakes.
TEST(Tls, SameSeedGivesTheSameBytes) {
    const auto run = [](std::uint64_t seed, WallTime at) {
        World world(seed);
        Sha256 hash;
        hash.update(as_bytes(world.certificates.chain_pem));
        for (int i = 0; i < 3; ++i) {
            Pair pair(world, "clinic.example", at);
            pair.client->send(as_bytes("request"));
            pair.pump();
            pair.server->send(test::repeated(40000, 7));
            pair.client->close();
            pair.server->close();
            pair.pump();
            EXPECT_EQ(pair.client->is_resumed(), i > 0);
            hash.update(pair.wire);
        }
        return hash.finish();
    };
    const Digest first = run(5, kNow);
    EXPECT_EQ(first, run(5, kNow));
    EXPECT_NE(first, run(6, kNow));
    EXPECT_NE(first, run(5, kNow + 1h));  // tickets carry their time
}

TEST(Tls, TellsACloseFromACut) {
    World world;
    Pair pair(world);
    pair.client->send(as_bytes("all of it"));
    pair.client->close();
    pair.client->send(as_bytes("dropped"));
    EXPECT_FALSE(pair.server->is_peer_closed());
    pair.pump();
    EXPECT_EQ(pair.at_server, "all of it");
    EXPECT_TRUE(pair.server->is_peer_closed());
    EXPECT_FALSE(pair.client->is_peer_closed());

    pair.server->send(as_bytes("still answered"));
    pair.server->close();
    pair.pump();
    EXPECT_EQ(pair.at_client, "still answered");
    EXPECT_TRUE(pair.client->is_peer_closed());
    EXPECT_TRUE(pair.client_status.is_ok());
}

TEST(Tls, ACloseBeforeTheHandshakeIsAFailure) {
    World world;
    Pair pair(world);
    static_cast<void>(pair.client->take_outgoing());
    pair.client->close();
    pair.pump();
    EXPECT_FALSE(pair.server->is_established());
    EXPECT_FALSE(pair.server->is_peer_closed());
    EXPECT_FALSE(pair.server_status.is_ok());
}

// One flipped bit anywhere in either direction of a full handshake with data: the request is delivered whole
// and unaltered or not at all. (Unauthenticated corners, such as a record's legacy version, may be ignored.)
TEST(Tls, NeverDeliversAlteredData) {
    World world;
    Pair reference(world);
    reference.client->send(as_bytes("request"));
    reference.pump();
    int refused = 0;
    for (std::size_t target = 0; target < reference.wire.size(); target += 7) {
        World fresh;
        Pair pair(fresh);
        pair.client->send(as_bytes("request"));
        std::size_t passed = 0;
        const auto carry = [&](TlsConnection& from, TlsConnection& to, std::string& seen) {
            Bytes moved = from.take_outgoing();
            if (target >= passed && target < passed + moved.size()) {
                moved[target - passed] ^= static_cast<Byte>(1U << (target % 8));
            }
            passed += moved.size();
            refused += to.feed(moved, kNow).is_ok() ? 0 : 1;
            seen += as_text(to.take_incoming());
            return !moved.empty();
        };
        bool is_moving = true;
        while (is_moving) {
            is_moving = carry(*pair.client, *pair.server, pair.at_server);
            is_moving = carry(*pair.server, *pair.client, pair.at_client) || is_moving;
        }
        EXPECT_TRUE(pair.at_server.empty() || pair.at_server == "request") << target;
        EXPECT_EQ(pair.at_client, "") << target;
    }
    EXPECT_GT(refused, static_cast<int>(reference.wire.size() / 7 * 9 / 10));
}

TEST(Tls, RefusesATamperedRecordAndSaysSoToThePeer) {
    World world;
    Pair pair(world);
    pair.pump();
    pair.client->send(as_bytes("request"));
    Bytes record = pair.client->take_outgoing();
    record.back() ^= 1;
    const Status status = pair.server->feed(record, kNow);
    ASSERT_FALSE(status.is_ok());
    EXPECT_EQ(status.error().fault, Fault::bad_input);
    EXPECT_TRUE(pair.server->take_incoming().empty());
    EXPECT_FALSE(pair.server->is_established());
    pair.pump();
    EXPECT_EQ(pair.client_status.error().fault, Fault::closed);
}

TEST(Tls, RefusesARecordPlayedTwiceOrOutOfOrder) {
    World world;
    Pair pair(world);
    pair.pump();
    pair.client->send(as_bytes("one"));
    const Bytes one = pair.client->take_outgoing();
    pair.client->send(as_bytes("two"));
    const Bytes two = pair.client->take_outgoing();
    EXPECT_TRUE(pair.server->feed(one, kNow).is_ok());
    EXPECT_EQ(pair.server->feed(one, kNow).error().fault, Fault::bad_input);

    Pair other(world);
    other.pump();
    other.client->send(as_bytes("one"));
    static_cast<void>(other.client->take_outgoing());
    other.client->send(as_bytes("two"));
    EXPECT_EQ(other.server->feed(other.client->take_outgoing(), kNow).error().fault, Fault::bad_input);
    EXPECT_TRUE(other.server->take_incoming().empty());
}

// Application data before the client's Finished: in the clear, and under the handshake's keys as an encrypted
// record that is not the Finished (here: the client's own second flight with the record split off and
// replayed).
TEST(Tls, RefusesDataBeforeTheHandshakeIsComplete) {
    World world;
    {
        Pair pair(world);
        const Bytes plain_record{23, 3, 3, 0, 4, 'd', 'a', 't', 'a'};
        EXPECT_EQ(pair.server->feed(plain_record, kNow).error().fault, Fault::bad_input);
        EXPECT_TRUE(pair.server->take_incoming().empty());
    }
    Pair pair(world);
    EXPECT_TRUE(pair.server->feed(pair.client->take_outgoing(), kNow).is_ok());
    const Bytes plain_record{23, 3, 3, 0, 20, 'd', 'a', 't', 'a', 0, 0, 0, 0,
                             0,  0, 0, 0, 0,  0,   0,   0,   0,   0, 0, 0};
    EXPECT_EQ(pair.server->feed(plain_record, kNow).error().fault, Fault::bad_input);
    EXPECT_TRUE(pair.server->take_incoming().empty());
    EXPECT_FALSE(pair.server->is_established());
}

TEST(Tls, RefusesGarbageOldVersionsAndPlainHttp) {
    World world;
    const std::vector<Bytes> firsts{
        Bytes{'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P', '/', '1', '.', '1', '\r', '\n', '\r', '\n'},
        Bytes{0x80, 0x2e, 0x01, 0x00, 0x02, 0, 0, 0, 0, 0},  // SSL 2
        Bytes{22, 3, 1, 0xff, 0xff, 1, 0, 0, 0, 0},          // a record beyond the limit
        Bytes{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff},          // a message beyond the limit
        Bytes{22, 3, 3, 0, 0},                               // an empty record
        Bytes{20, 3, 3, 0, 1, 1},                            // change_cipher_spec first
        Bytes{22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0,    0, 0, 0, 0, 0,
              0,  0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 0},  // TLS 1.2
    };
    for (const Bytes& first : firsts) {
        Pair pair(world);
        const Status status = pair.server->feed(first, kNow);
        ASSERT_FALSE(status.is_ok()) << to_hex(first);
        EXPECT_EQ(status.error().fault, Fault::bad_input);
    }
}

RC_GTEST_PROP(Tls, SurvivesAnyBytes, (const std::vector<std::uint8_t>& bytes)) {
    static World world;
    Pair pair(world);
    static_cast<void>(pair.server->feed(bytes, kNow));
    RC_ASSERT(pair.server->take_incoming().empty());
    static_cast<void>(pair.client->feed(bytes, kNow));
    RC_ASSERT(pair.client->take_incoming().empty());
}

// A peer may not keep us busy with records that carry nothing.
TEST(Tls, LimitsRecordsWithoutData) {
    World world;
    Pair pair(world);
    static_cast<void>(pair.server->feed(pair.client->take_outgoing(), kNow));
    static_cast<void>(pair.server->take_outgoing());
    const Bytes change_cipher_spec{20, 3, 3, 0, 1, 1};
    int sent = 0;
    while (pair.server->feed(change_cipher_spec, kNow).is_ok()) {
        ASSERT_LT(++sent, 1000);
    }
    EXPECT_GT(sent, 100);
    EXPECT_FALSE(pair.server->take_outgoing().empty());  // the alert
}

TEST(Tls, ContextsRefuseMalformedPem) {
    World world;
    World other(2);
    TestEntropy& entropy = world.entropy;
    const Secret& key = world.certificates.server_key_pem;
    const std::string& chain = world.certificates.chain_pem;
    const auto fault = [&](std::string_view pem, const Secret& with) {
        return TlsServerContext::create(pem, with, entropy).error().fault;
    };
    EXPECT_EQ(fault("", key), Fault::bad_input);
    EXPECT_EQ(fault(chain.substr(0, 200), key), Fault::bad_input);
    EXPECT_EQ(fault(std::string(70000, 'x'), key), Fault::bad_input);
    EXPECT_EQ(fault(chain, other.certificates.server_key_pem), Fault::bad_input);
    EXPECT_EQ(fault(chain, Secret()), Fault::bad_input);
    EXPECT_EQ(
        fault(chain, Secret(as_bytes("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))),
        Fault::bad_input);
    EXPECT_EQ(TlsClientContext::create("", entropy).error().fault, Fault::bad_input);
    EXPECT_EQ(
        TlsClientContext::create("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", entropy)
            .error()
            .fault,
        Fault::bad_input);
}

TEST(DevelopmentCertificates, KnowWhichNamesTheyMayHave) {
    for (const std::string_view good :
         {"localhost", "a.example", "10.0.0.1", "::1", "xn--bcher-kva.example"}) {
        EXPECT_TRUE(is_certificate_name(good)) << good;
    }
    for (const std::string_view bad : {"", " ", "a b", "*.example", "a..b", "http://a", "a/b", "a\n"}) {
        EXPECT_FALSE(is_certificate_name(bad)) << bad;
    }
}

TEST(TlsLibrary, SaysItsVersion) {
    EXPECT_EQ(library_version().rfind("Botan 3.", 0), 0U) << library_version();
}

}  // namespace
}  // namespace firedrill::crypto
