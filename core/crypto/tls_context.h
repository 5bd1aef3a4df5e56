// What the connections of one node share below TLS: policy, certificate or trust anchor, sessions. Within
// crypto only.
#pragma once

#include <memory>

#include <botan/credentials_manager.h>
#include <botan/rng.h>
#include <botan/tls_policy.h>
#include <botan/tls_session_manager.h>

#include "crypto/tls.h"

namespace firedrill::crypto {

struct TlsParts {
    std::shared_ptr<Botan::RandomNumberGenerator> rng;
    std::shared_ptr<Botan::Credentials_Manager> credentials;
    std::shared_ptr<Botan::TLS::Session_Manager> sessions;
    std::shared_ptr<const Botan::TLS::Policy> policy;
};

/// The only classes behind the two public names.
struct RealTlsServerContext final : TlsServerContext {
    explicit RealTlsServerContext(TlsParts from) : parts(std::move(from)) {}
    TlsParts parts;
};
struct RealTlsClientContext final : TlsClientContext {
    explicit RealTlsClientContext(TlsParts from) : parts(std::move(from)) {}
    TlsParts parts;
};

}  // namespace firedrill::crypto
