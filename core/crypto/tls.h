// TLS 1.3 without I/O: bytes in, bytes out. Botan below; X25519/ML-KEM-768 preferred, X25519 and P-256
// accepted.
//
// One object a connection, used on the loop only. Invariants:
//  1. Plaintext comes out only after the handshake is complete and verified (never early or half-keyed data).
//  2. Every wall time and random byte comes from the arguments: two runs with the same give the same bytes.
//  3. After an error or close nothing more comes out; outgoing() may still hold an alert to send.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "seams/entropy.h"

namespace firedrill::crypto {

/// A development authority and the server's certificate under it. PEM texts; private keys ECDSA P-256,
/// PKCS#8.
struct DevelopmentCertificates {
    std::string authority_pem;
    Secret authority_key_pem;
    std::string chain_pem;  ///< server certificate, then the authority's
    Secret server_key_pem;
};
struct ServerCertificate {
    std::string chain_pem;
    Secret key_pem;
};
struct Validity {
    WallTime from;
    WallTime until;
};
/// Browsers accept at most 398 days; both limits count from the day before.
inline constexpr Duration kLongestServerValidity = std::chrono::hours(24 * 397);
inline constexpr Duration kAuthorityValidity = std::chrono::hours(24 * 3650);
/// A DNS name (no wildcard) or an IP address that a certificate may be made for.
bool is_certificate_name(std::string_view name);
/// For `names` (at least one; each must be is_certificate_name, which is CHECKed). Valid from one day before
/// `now`, the server's certificate for `validity` (at most kLongestServerValidity).
DevelopmentCertificates make_development_certificates(std::span<const std::string> names, WallTime now,
                                                      Entropy& entropy,
                                                      Duration validity = kLongestServerValidity);
/// A fresh key and a certificate for `names` under an authority made above. bad_input when its PEM texts do
/// not parse or do not belong together.
Result<ServerCertificate> issue_server_certificate(std::string_view authority_pem,
                                                   const Secret& authority_key_pem,
                                                   std::span<const std::string> names, WallTime now,
                                                   Duration validity, Entropy& entropy);
/// Of the first certificate in `pem`. bad_input when there is none.
Result<Validity> certificate_validity(std::string_view pem);

/// Long-lived server state: certificate, private key, ticket key. Shared by all connections of a node.
class TlsServerContext {
  public:
    /// bad_input when PEM does not parse or the key is not the certificate's. `entropy` outlives the context
    /// and its connections, which draw from it.
    static Result<std::shared_ptr<TlsServerContext>> create(std::string_view chain_pem, const Secret& key_pem,
                                                            Entropy& entropy);
    virtual ~TlsServerContext() = default;
};
/// Long-lived client state: trust anchor and remembered sessions (resumption).
class TlsClientContext {
  public:
    /// bad_input when PEM does not parse. `entropy` outlives the context and its connections.
    static Result<std::shared_ptr<TlsClientContext>> create(std::string_view authority_pem, Entropy& entropy);
    virtual ~TlsClientContext() = default;
};

class TlsConnection {
  public:
    virtual ~TlsConnection() = default;
    /// Takes bytes from the peer; `wall` dates tickets and path validation. Failures: bad_input (protocol
    /// violation), refused (certificate not trusted or not for this name), closed (the peer ended the
    /// connection with an alert, or with close_notify before it was established). After a failure send what
    /// take_outgoing() yields, then close; further calls return the same failure.
    virtual Status feed(ByteView from_peer, WallTime wall) = 0;
    /// Queues plaintext for sending; before the handshake is done it waits inside (at most kMostWaiting,
    /// CHECKed). After close() or a failure it is dropped.
    virtual void send(ByteView plain) = 0;
    /// Queues close_notify behind what waits; nothing may be sent after. The peer may still send:
    /// is_peer_closed().
    virtual void close() = 0;
    /// Moves out the bytes to be sent to the peer (maybe none).
    virtual Bytes take_outgoing() = 0;
    /// Moves out verified plaintext from the peer (maybe none).
    virtual Bytes take_incoming() = 0;
    [[nodiscard]] virtual bool is_established() const = 0;
    /// The peer sent close_notify: what was received is complete.
    [[nodiscard]] virtual bool is_peer_closed() const = 0;
    /// Established from a remembered session, without a certificate on the wire.
    [[nodiscard]] virtual bool is_resumed() const = 0;
    static constexpr std::size_t kMostWaiting = 64U << 20U;
};

std::unique_ptr<TlsConnection> make_tls_server(std::shared_ptr<TlsServerContext> context, WallTime wall);
/// `server_name` is sent as SNI and checked against the certificate. The ClientHello waits in
/// take_outgoing().
std::unique_ptr<TlsConnection> make_tls_client(std::shared_ptr<TlsClientContext> context,
                                               std::string server_name, WallTime wall);

/// "Botan 3.13.0", for --version and trace headers.
std::string library_version();

}  // namespace firedrill::crypto
