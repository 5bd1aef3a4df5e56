// What the cryptography costs: the figures behind the simulator's cost table and docs on speed.
#include <benchmark/benchmark.h>

#include <botan/aead.h>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/keypair.h"
#include "crypto/tls.h"
#include "tests/support/test_entropy.h"

namespace firedrill::crypto {
namespace {

constexpr std::size_t kPage = 4032;
const WallTime kNow{1'767'225'600'000'000'000};

Secret drawn_secret(Entropy& entropy, std::size_t size_bytes) {
    Secret out(size_bytes);
    entropy.fill(out.mutable_view());
    return out;
}

/// The floor: AES-256-GCM under one fixed key, objects and memory reused.
void raw_gcm_seal(benchmark::State& state) {
    test::TestEntropy entropy;
    const auto mode = Botan::AEAD_Mode::create_or_throw("AES-256/GCM", Botan::Cipher_Dir::Encryption);
    mode->set_key(drawn_secret(entropy, 32).view());
    Botan::secure_vector<Byte> page(kPage);
    page.reserve(kPage + 16);
    Nonce nonce{};
    const Bytes associated(64);
    for (auto _ : state) {
        ++nonce[0];
        page.resize(kPage);
        mode->set_associated_data(associated);
        mode->start(ByteView(nonce).first(12));
        mode->finish(page);
        benchmark::DoNotOptimize(page.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kPage));
}
BENCHMARK(raw_gcm_seal);

void xaes_seal(benchmark::State& state) {
    test::TestEntropy entropy;
    Xaes256Gcm cipher(drawn_secret(entropy, 32));
    Bytes page(kPage);
    const Bytes associated(64);
    Nonce nonce{};
    Tag tag;
    for (auto _ : state) {
        ++nonce[0];
        cipher.seal(nonce, associated, page, page, tag);
        benchmark::DoNotOptimize(page.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kPage));
}
BENCHMARK(xaes_seal);

void xaes_open(benchmark::State& state) {
    test::TestEntropy entropy;
    Xaes256Gcm cipher(drawn_secret(entropy, 32));
    Bytes sealed(kPage);
    Bytes plain(kPage);
    const Bytes associated(64);
    const Nonce nonce{};
    Tag tag;
    cipher.seal(nonce, associated, sealed, sealed, tag);
    for (auto _ : state) {
        bool is_open = cipher.open(nonce, associated, sealed, tag, plain);
        benchmark::DoNotOptimize(is_open);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kPage));
}
BENCHMARK(xaes_open);

void sha256_page(benchmark::State& state) {
    const Bytes page(4096);
    for (auto _ : state) {
        benchmark::DoNotOptimize(sha256(page));
    }
    state.SetBytesProcessed(state.iterations() * 4096);
}
BENCHMARK(sha256_page);

void hmac_short(benchmark::State& state) {
    const Bytes key(32);
    const Bytes text(64);
    for (auto _ : state) {
        benchmark::DoNotOptimize(hmac_sha256(key, {text}));
    }
}
BENCHMARK(hmac_short);

void wrap_key(benchmark::State& state) {
    test::TestEntropy entropy;
    const Secret under = drawn_secret(entropy, 32);
    const Bytes key(32);
    for (auto _ : state) {
        benchmark::DoNotOptimize(wrap(under, {}, key, entropy));
    }
}
BENCHMARK(wrap_key);

void seal_to_person(benchmark::State& state) {
    test::TestEntropy entropy;
    const SealingPair pair = make_sealing_pair(entropy);
    const Bytes key(32);
    for (auto _ : state) {
        auto sealed = seal_to(pair.public_key, {}, key, entropy);
        benchmark::DoNotOptimize(sealed);
    }
}
BENCHMARK(seal_to_person);

void open_for_person(benchmark::State& state) {
    test::TestEntropy entropy;
    const SealingPair pair = make_sealing_pair(entropy);
    const Bytes sealed = *seal_to(pair.public_key, {}, Bytes(32), entropy);
    for (auto _ : state) {
        auto opened = open_sealed(pair.private_key, pair.public_key, {}, sealed);
        benchmark::DoNotOptimize(opened);
    }
}
BENCHMARK(open_for_person);

void age_seal_submission(benchmark::State& state) {
    test::TestEntropy entropy;
    const AgeIdentity identity = make_age_identity(entropy);
    const std::array<std::array<Byte, 32>, 1> recipients{identity.public_key};
    const Bytes plain(4096);
    for (auto _ : state) {
        auto sealed = age_seal(recipients, plain, entropy);
        benchmark::DoNotOptimize(sealed);
    }
}
BENCHMARK(age_seal_submission);

void ed25519_sign_digest(benchmark::State& state) {
    test::TestEntropy entropy;
    const Secret seed = drawn_secret(entropy, 32);
    const Bytes digest(32);
    for (auto _ : state) {
        benchmark::DoNotOptimize(ed25519_sign(seed, digest));
    }
}
BENCHMARK(ed25519_sign_digest);

void argon2id_production(benchmark::State& state) {
    const Bytes salt(16);
    for (auto _ : state) {
        benchmark::DoNotOptimize(argon2id({}, salt, kProductionCost, 32));
    }
}
BENCHMARK(argon2id_production)->Unit(benchmark::kMillisecond);

struct TlsWorld {
    TlsWorld() {
        const std::array<std::string, 1> names{"clinic.example"};
        const DevelopmentCertificates certificates = make_development_certificates(names, kNow, entropy);
        server = *TlsServerContext::create(certificates.chain_pem, certificates.server_key_pem, entropy);
        authority = certificates.authority_pem;
        client = *TlsClientContext::create(authority, entropy);
    }
    test::TestEntropy entropy;
    std::string authority;
    std::shared_ptr<TlsServerContext> server;
    std::shared_ptr<TlsClientContext> client;
};

/// Carries everything both ways until nothing moves.
void pump(TlsConnection& client, TlsConnection& server) {
    bool is_moving = true;
    while (is_moving) {
        const Bytes to_server = client.take_outgoing();
        static_cast<void>(server.feed(to_server, kNow));
        const Bytes to_client = server.take_outgoing();
        static_cast<void>(client.feed(to_client, kNow));
        is_moving = !to_server.empty() || !to_client.empty();
    }
}

/// Both halves of one connection: hybrid key exchange, one ticket.
void tls_handshake(benchmark::State& state) {
    TlsWorld world;
    const bool is_resuming = state.range(0) != 0;
    for (auto _ : state) {
        if (!is_resuming) {
            state.PauseTiming();
            world.client = *TlsClientContext::create(world.authority, world.entropy);
            state.ResumeTiming();
        }
        const auto client = make_tls_client(world.client, "clinic.example", kNow);
        const auto server = make_tls_server(world.server, kNow);
        pump(*client, *server);
        if (!client->is_established()) {
            state.SkipWithError("no handshake");
        }
    }
}
BENCHMARK(tls_handshake)->Arg(0)->Arg(1)->ArgName("resumed");

void tls_transfer_64k(benchmark::State& state) {
    TlsWorld world;
    const auto client = make_tls_client(world.client, "clinic.example", kNow);
    const auto server = make_tls_server(world.server, kNow);
    pump(*client, *server);
    const Bytes data(65536);
    for (auto _ : state) {
        server->send(data);
        pump(*client, *server);
        Bytes got = client->take_incoming();
        benchmark::DoNotOptimize(got);
    }
    state.SetBytesProcessed(state.iterations() * 65536);
}
BENCHMARK(tls_transfer_64k);

}  // namespace
}  // namespace firedrill::crypto

BENCHMARK_MAIN();
