#include "crypto/tls_context.h"

#include <algorithm>
#include <deque>

#include <botan/certstor.h>
#include <botan/symkey.h>
#include <botan/tls_server_info.h>
#include <botan/tls_session.h>
#include <botan/tls_session_manager_stateless.h>

#include "crypto/botan_rng.h"
#include "crypto/certificates.h"

namespace firedrill::crypto {
namespace {

namespace tls = Botan::TLS;

constexpr std::size_t kMostRemembered = 32;
constexpr std::size_t kLargestHandshakeMessage = 16384;
constexpr std::chrono::seconds kTicketLifetime = std::chrono::hours(12);

class Policy final : public tls::Policy {
  public:
    std::vector<std::string> allowed_ciphers() const override {
        return {"AES-256/GCM", "AES-128/GCM", "ChaCha20Poly1305"};
    }
    std::vector<std::string> allowed_signature_hashes() const override {
        return {"SHA-256", "SHA-384", "SHA-512"};
    }
    std::vector<tls::Group_Params> key_exchange_groups() const override {
        return {tls::Group_Params::HYBRID_X25519_ML_KEM_768, tls::Group_Params::X25519,
                tls::Group_Params::SECP256R1};
    }
    std::vector<tls::Group_Params> key_exchange_groups_to_offer() const override {
        return {tls::Group_Params::HYBRID_X25519_ML_KEM_768};
    }
    bool allow_tls12() const override { return false; }
    bool allow_tls13() const override { return true; }
    bool allow_dtls12() const override { return false; }
    bool require_cert_revocation_info() const override {
        return false;
    }  // an authority of our own publishes none
    bool support_cert_status_message() const override { return false; }
    std::chrono::seconds session_ticket_lifetime() const override { return kTicketLifetime; }
    std::size_t new_session_tickets_upon_handshake_success() const override { return 1; }
    std::size_t maximum_handshake_message_size() const override { return kLargestHandshakeMessage; }
    std::size_t maximum_certificate_chain_size() const override { return kLargestHandshakeMessage; }
    /// The library's own limit reads the machine's clock; kMostRecordsWithoutData takes its place.
    std::uint64_t minimum_key_update_interval_ms() const override { return 0; }
};

/// A server's certificate, key and ticket key.
class ServerCredentials final : public Botan::Credentials_Manager {
  public:
    ServerCredentials(std::vector<Botan::X509_Certificate> chain, std::shared_ptr<Botan::Private_Key> key,
                      Botan::RandomNumberGenerator& rng)
        : chain_(std::move(chain)), key_(std::move(key)) {
        ticket_key_ = Botan::SymmetricKey(rng, 32);
    }
    std::vector<Botan::X509_Certificate> find_cert_chain(const std::vector<std::string>& key_types,
                                                         const std::vector<Botan::AlgorithmIdentifier>&,
                                                         const std::vector<Botan::X509_DN>&,
                                                         const std::string& type,
                                                         const std::string&) override {
        if (type != "tls-server" ||
            std::find(key_types.begin(), key_types.end(), key_->algo_name()) == key_types.end()) {
            return {};
        }
        return chain_;
    }
    std::shared_ptr<Botan::Private_Key> private_key_for(const Botan::X509_Certificate&,
                                                        const std::string& type,
                                                        const std::string&) override {
        return type == "tls-server" ? key_ : nullptr;
    }
    Botan::SymmetricKey psk(const std::string& type, const std::string& context,
                            const std::string& identity) override {
        if (type == "tls-server" && context == "session-ticket") {
            return ticket_key_;
        }
        return Botan::Credentials_Manager::psk(type, context, identity);
    }

  private:
    std::vector<Botan::X509_Certificate> chain_;
    std::shared_ptr<Botan::Private_Key> key_;
    Botan::SymmetricKey ticket_key_;
};

class ClientCredentials final : public Botan::Credentials_Manager {
  public:
    explicit ClientCredentials(const std::vector<Botan::X509_Certificate>& authorities) {
        for (const Botan::X509_Certificate& one : authorities) {
            store_.add_certificate(one);
        }
    }
    std::vector<Botan::Certificate_Store*> trusted_certificate_authorities(const std::string&,
                                                                           const std::string&) override {
        return {&store_};
    }

  private:
    Botan::Certificate_Store_In_Memory store_;
};

/// The client's sessions, the newest last; the oldest goes when a new one finds it full. (The library's own
/// keeps the ids of removed sessions for ever.)
class RememberedSessions final : public tls::Session_Manager {
  public:
    explicit RememberedSessions(const std::shared_ptr<Botan::RandomNumberGenerator>& rng)
        : tls::Session_Manager(rng) {}
    void store(const tls::Session& session, const tls::Session_Handle& handle) override {
        if (sessions_.size() == kMostRemembered) {
            sessions_.pop_front();
        }
        sessions_.push_back({session, handle});
    }
    std::size_t remove(const tls::Session_Handle& handle) override {
        const auto wanted = handle.opaque_handle();
        return std::erase_if(sessions_,
                             [&](const auto& one) { return one.handle.opaque_handle() == wanted; });
    }
    std::size_t remove_all() override {
        const std::size_t count = sessions_.size();
        sessions_.clear();
        return count;
    }

  protected:
    std::optional<tls::Session> retrieve_one(const tls::Session_Handle&) override { return std::nullopt; }
    std::vector<tls::Session_with_Handle> find_some(const tls::Server_Information& server,
                                                    std::size_t) override {
        for (auto at = sessions_.rbegin(); at != sessions_.rend(); ++at) {
            if (at->session.server_info() == server) {
                return {*at};
            }
        }
        return {};
    }

  private:
    std::deque<tls::Session_with_Handle> sessions_;
};

}  // namespace

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(std::string_view chain_pem,
                                                                   const Secret& key_pem, Entropy& entropy) {
    std::vector<Botan::X509_Certificate> chain =
        TRY(parse_certificates(chain_pem, "The server's certificate chain"));
    std::shared_ptr<Botan::Private_Key> key = TRY(parse_private_key(key_pem));
    if (key->subject_public_key() != chain.front().subject_public_key_info()) {
        return Error{Fault::bad_input,
                     "The TLS key does not belong to the first certificate of the chain; check both."};
    }
    if (chain.size() > 1 && chain.back().is_self_signed()) {
        chain.pop_back();  // a client that trusts the authority has it
    }
    const auto rng = std::make_shared<EntropyRng>(entropy);
    const auto credentials = std::make_shared<ServerCredentials>(std::move(chain), std::move(key), *rng);
    return std::shared_ptr<TlsServerContext>(std::make_shared<RealTlsServerContext>(
        TlsParts{rng, credentials, std::make_shared<tls::Session_Manager_Stateless>(credentials, rng),
                 std::make_shared<Policy>()}));
}

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(std::string_view authority_pem,
                                                                   Entropy& entropy) {
    const auto authorities = TRY(parse_certificates(authority_pem, "The authority's certificate"));
    const auto rng = std::make_shared<EntropyRng>(entropy);
    return std::shared_ptr<TlsClientContext>(std::make_shared<RealTlsClientContext>(
        TlsParts{rng, std::make_shared<ClientCredentials>(authorities),
                 std::make_shared<RememberedSessions>(rng), std::make_shared<Policy>()}));
}

}  // namespace firedrill::crypto
