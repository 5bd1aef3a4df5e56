// OperatorSecrets: the node's own secrets while it runs: how old they are, and their replacement.
//
// Loop only; used inside node/. Invariants:
//  1. A replacement is in the log and in `node.slots` before anything is sealed or signed with it, and before
//     `then` says ok. Power lost in between leaves a node that opens with the passphrase of before or with
//     the new one; never with neither.
//  2. One replacement at a time. A failed one changes nothing in memory.
//  3. Sentences given to the journal name kinds and dates, nothing secret.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "identity/node_keys.h"
#include "seams/seams.h"
#include "store/storage.h"

namespace firedrill::node {

enum class SecretKind : std::uint8_t { passphrase, directory, signing, certificate, authority };
inline constexpr std::array kSecretKinds{SecretKind::passphrase, SecretKind::directory, SecretKind::signing,
                                         SecretKind::certificate, SecretKind::authority};
std::string_view secret_name(SecretKind kind) noexcept;  ///< "passphrase"

/// How long each may be used. The certificate renews itself; it is overdue when that did not work.
struct SecretLimits {
    Duration passphrase = std::chrono::hours(24 * 365);
    Duration directory = std::chrono::hours(24 * 365);
    Duration signing = std::chrono::hours(24 * 365);
    Duration certificate = std::chrono::hours(24 * 90);         ///< validity of the ones that are made
    Duration certificate_notice = std::chrono::hours(24 * 30);  ///< renewed this long before its end
    Duration authority_notice = std::chrono::hours(24 * 365);   ///< to be replaced this long before its end
};

struct SecretAge {
    SecretKind kind{};
    WallTime made;
    WallTime due;
    bool is_overdue = false;
};
/// Pure. A certificate that does not parse is overdue.
std::vector<SecretAge> secret_ages(const identity::NodeKeys& keys, const SecretLimits& limits, WallTime now);

struct OperatorSecretsOptions {
    crypto::PasswordCost cost;
    std::vector<std::string> hosts;
    SecretLimits limits;
    std::function<void(std::string_view)> journal;
    /// The TLS certificate or its authority was replaced: serve it. Its error fails the replacement's answer.
    std::function<Status(const identity::NodeKeys&)> use_certificate;
};

class OperatorSecrets {
  public:
    using Then = std::function<void(Status)>;

    /// `seams` and `storage` outlive it.
    OperatorSecrets(Seams seams, store::Storage& storage, identity::NodeKeys keys,
                    OperatorSecretsOptions options);
    ~OperatorSecrets();
    OperatorSecrets(const OperatorSecrets&) = delete;
    OperatorSecrets& operator=(const OperatorSecrets&) = delete;

    [[nodiscard]] const identity::NodeKeys& keys() const { return keys_; }
    [[nodiscard]] std::vector<SecretAge> ages() const;

    /// First call after recovery: a passphrase whose change was interrupted (`unfinished`, the document that
    /// only the data folder has) is made the log's as well, and the directory gets an epoch of this timeline.
    void settle(std::optional<Bytes> unfinished, Then then);
    /// Renews the certificate when it is due and journals what is overdue; now, and once a day.
    void watch();

    /// A key or certificate is drawn anew. `then`: limit, refused (a passphrase, or no authority of our own).
    void renew(SecretKind kind, Then then);
    /// wrong_secret: `current` is another, answered later each time. bad_usage: the size of `next`.
    void change_passphrase(crypto::Secret current, crypto::Secret next, Then then);

  private:
    struct Change;

    [[nodiscard]] Result<identity::NodeKeys> renewed(SecretKind kind);
    void store_document(Bytes document, identity::NodeKeys next, Then then);
    void adopt(SecretKind kind, Then then);
    void refuse_later(Then then);
    void write_folder_first(const std::shared_ptr<Change>& change);
    void finish(const Then& then, const Status& status);
    void watch_later();
    void tell_overdue() const;
    void journal(std::string_view line) const;

    Seams seams_;
    store::Storage& storage_;
    identity::NodeKeys keys_;
    OperatorSecretsOptions options_;
    bool is_busy_ = false;
    std::optional<Error> stuck_;  ///< the folder may have a document that the log has not
    std::uint32_t wrong_in_a_row_ = 0;
    TimerId timer_ = TimerId::none;
    TimerId answer_timer_ = TimerId::none;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

/// Bytes of a node's passphrase or key file.
struct PassphraseLimits {
    std::size_t least;
    std::size_t most;
};
inline constexpr PassphraseLimits kPassphraseLimits{12, 1024};
/// bad_usage when it is too short or too long.
Status check_passphrase(const crypto::Secret& passphrase);

}  // namespace firedrill::node
