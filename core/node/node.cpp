#include "node/node.h"

#include <fmt/format.h>

#include "crypto/tls.h"
#include "identity/node_keys.h"
#include "node/commands.h"
#include "node/control.h"
#include "store/data_folder.h"

namespace firedrill::node {

namespace {

constexpr Duration kExpiryPeriod = 1min;

store::StorageOptions storage_options(const Config& config, const Parts& parts,
                                      const identity::NodeKeys& keys) {
    store::StorageOptions options;
    options.node = keys.node;
    options.signing_seed = &keys.signing_seed;
    options.former_seeds = &keys.former_signing;
    options.accept_loss_after = config.accept_loss_after;
    options.on_fatal = config.on_fatal;
    if (config.journal) {
        options.on_note = [journal = config.journal](const std::string& text) { journal(text); };
    }
    options.parts = parts.storage;
    return options;
}

Status check_config(const Config& config, const crypto::Secret& passphrase) {
    TRY(check_passphrase(passphrase));
    if (config.hosts.empty()) {
        return Error{Fault::bad_usage, "a node needs at least one host name (setting \"hosts\")"};
    }
    for (const std::string& host : config.hosts) {
        if (!crypto::is_certificate_name(host)) {
            return Error{Fault::bad_usage,
                         fmt::format("\"{}\" is neither a host name nor an IP address (setting "
                                     "\"hosts\")",
                                     host)};
        }
    }
    return {};
}

class RealNode final : public Node {
  public:
    RealNode(Seams seams, Config config, Parts parts)
        : seams_(seams), config_(std::move(config)), parts_(parts) {}

    Status recover(const crypto::Secret& passphrase) {
        Bytes document = TRY(open_slots(passphrase));
        identity::NodeKeys keys = identity::copy_node_keys(started_with_);
        store::StorageOptions options = storage_options(config_, parts_, started_with_);
        options.files_replaced = files_replaced_;
        storage_ = TRY(store::Storage::open(seams_, std::move(options)));
        const Bytes& logged = storage_->node_slots();
        if (!equal(logged, document)) {
            if (TRY(identity::passphrase_number_of(logged)) < keys.passphrase_number) {
                unfinished_ = std::move(document);
            } else {
                keys = TRY(open_newer(logged, passphrase));
            }
        }
        make_secrets(std::move(keys));
        return {};
    }

    void start(std::function<void(Status)> ready) {
        ready_ = std::move(ready);
        secrets_->settle(std::exchange(unfinished_, {}), [this](Status settled) {
            if (!settled) {
                ready_(std::move(settled));
                return;
            }
            start_identity();
        });
    }

    Endpoint local() const override { return server_ == nullptr ? Endpoint{} : server_->local(); }
    const std::string& authority_pem() const override { return secrets_->keys().authority_pem; }
    store::Health health() const override { return storage_->health(); }
    identity::Identity& identity() override { return *identity_; }

    void stop(std::function<void()> then) override {
        seams_.clock.cancel(expiry_);
        control_.reset();
        auto end_sessions = [this, then = std::move(then)] {
            identity_->close_all([this, then](Status closed) {
                report("ending sessions", closed);
                storage_->fold([this, then](Status folded) {
                    report("folding the log", folded);
                    then();
                });
            });
        };
        if (server_ == nullptr) {
            end_sessions();
        } else {
            server_->stop(std::move(end_sessions));
        }
    }

    void command(std::string request, OnProgress progress,
                 std::function<void(Result<std::string>)> then) override {
        run_command({started_with_.node, *storage_, *identity_, *secrets_, seams_.clock.wall(),
                     [this] { return server_ == nullptr ? 0 : server_->connection_count(); }, config_.journal,
                     std::move(progress)},
                    std::move(request), std::move(then));
    }

  private:
    void journal(std::string_view line) const {
        if (config_.journal) {
            config_.journal(line);
        }
    }
    void report(std::string_view what, const Status& status) const {
        if (!status) {
            journal(fmt::format("{} failed: {}", what, status.error().text));
        }
    }

    /// Was another passphrase set since `logged`? Then who knows the former one must not get in by it.
    static bool is_newer(const Bytes& document, const Bytes& logged) {
        const auto held = identity::passphrase_number_of(document);
        const auto in_log = identity::passphrase_number_of(logged);
        return held && in_log && *held > *in_log;
    }

    /// Opens the folder's key slots, and where they are missing or do not open, those that the log has.
    /// Returns the document that was opened.
    Result<Bytes> open_slots(const crypto::Secret& passphrase) {
        auto document = store::read_node_slots(seams_.data);
        if (!document && document.error().fault == Fault::powered_off) {
            return document;
        }
        seams_.workers.charge(Work::password_hash, 1);
        auto keys = document ? identity::open_node_keys(*document, passphrase)
                             : Result<identity::NodeKeys>(document.error());
        if (keys || keys.error().fault == Fault::newer_format) {
            started_with_ = TRY(std::move(keys));
            return document;
        }
        const auto logged = store::read_logged_slots(seams_.data, seams_.logs);
        if (!logged || (document && (equal(*logged, *document) || is_newer(*document, *logged)))) {
            return std::move(keys).error();
        }
        seams_.workers.charge(Work::password_hash, 1);
        auto again = identity::open_node_keys(*logged, passphrase);
        if (!again) {
            // Of a file that is gone nobody learns that the passphrase is wrong.
            return keys.error().fault == Fault::wrong_secret ? std::move(keys).error()
                                                             : std::move(again).error();
        }
        journal(
            fmt::format("{}/node.slots is missing or not what was written; the log's copy opened the "
                        "node and takes its place",
                        seams_.data.label()));
        started_with_ = std::move(*again);
        ++files_replaced_;
        return *logged;
    }

    /// The log knew a newer document than the folder, which follows it by now.
    Result<identity::NodeKeys> open_newer(const Bytes& logged, const crypto::Secret& passphrase) {
        auto newer = identity::open_node_keys(logged, passphrase);
        if (!newer && newer.error().fault == Fault::wrong_secret) {
            return Error{Fault::wrong_secret,
                         "node passphrase: it opens the data folder, and the log says that another one was "
                         "set since; give that one"};
        }
        if (newer && newer->node != started_with_.node) {
            return Error{Fault::damaged, "the log's key slots are another node's than the data folder's"};
        }
        return newer;
    }

    void make_secrets(identity::NodeKeys keys) {
        OperatorSecretsOptions options;
        options.cost = config_.cost;
        options.hosts = config_.hosts;
        options.limits = config_.secret_limits;
        options.journal = config_.journal;
        options.use_certificate = [this](const identity::NodeKeys& renewed) -> Status {
            if (server_ != nullptr && config_.serves_tls) {
                server_->use_certificate(TRY(tls_context(renewed)));
            }
            return {};
        };
        secrets_ = std::make_unique<OperatorSecrets>(seams_, *storage_, std::move(keys), std::move(options));
    }
    Result<std::shared_ptr<crypto::TlsServerContext>> tls_context(const identity::NodeKeys& keys) {
        return crypto::TlsServerContext::create(keys.chain_pem, keys.tls_key_pem, seams_.entropy);
    }

    void start_identity() {
        identity::IdentityOptions options;
        options.cost = config_.cost;
        options.second_factor = config_.second_factor;
        options.custody = parts_.key_custody();
        options.practice_migrations = forms::practice_migrations();
        options.on_created = forms::store_inbox_identity;
        options.journal = config_.journal;
        options.on_unlocked = [this](StoreId practice, store::Storage::Done done) {
            submissions_->drain(practice, [done = std::move(done)](Result<std::uint32_t> drained) {
                done(drained ? Status() : Status(drained.error()));
            });
        };
        submissions_ = forms::Submissions::create(seams_, *storage_, parts_.inbox_sealer(seams_.entropy),
                                                  config_.journal);
        identity_ = identity::Identity::create(seams_, *storage_, std::move(options));
        identity_->start(identity::copy_node_keys(secrets_->keys()).directory,
                         [this](Status started) { ready_(started ? serve() : std::move(started)); });
    }

    bool is_healthy() const {
        const store::Health health = storage_->health();
        bool is_damaged = false;
        for (const store::StoreHealth& store : health.stores) {
            is_damaged = is_damaged || store.is_damaged;
        }
        return !health.is_fatal && !health.is_full && !is_damaged;
    }

    Status serve() {
        expire_sessions_later();
        if (config_.listen.text.empty()) {
            return {};
        }
        site_ = web::make_site(
            seams_, *identity_, *submissions_,
            {config_.hosts, [this] { return is_healthy(); },
             [this] { return storage_->health().is_degraded; },
             [this] { return storage_->health().is_unfolded; },
             [this] { return storage_->health().repairs.is_any(); },
             [this](StoreId practice) { return storage_->health().of(practice); }, config_.journal});
        if (parts_.site) {
            site_ = parts_.site(std::move(site_));
        }
        web::ServerOptions options;
        options.listen = config_.listen;
        options.journal = config_.journal;
        if (config_.serves_tls) {
            options.tls = TRY(tls_context(secrets_->keys()));
        }
        server_ = TRY(web::Server::create(seams_, *site_, std::move(options)));
        if (!config_.control.empty()) {
            control_ = TRY(ControlServer::create(seams_.network, Endpoint{config_.control},
                                                 [this](std::string request, OnProgress progress,
                                                        std::function<void(Result<std::string>)> then) {
                                                     command(std::move(request), std::move(progress),
                                                             std::move(then));
                                                 }));
        }
        for (const std::string& note : storage_->health().notes) {
            journal(note);
        }
        secrets_->watch();
        return {};
    }

    void expire_sessions_later() {
        expiry_ = seams_.clock.call_at(seams_.clock.now() + kExpiryPeriod, [this] {
            identity_->expire_sessions();
            expire_sessions_later();
        });
    }

    Seams seams_;
    Config config_;
    Parts parts_;
    identity::NodeKeys started_with_;   ///< unchanged from then on: the storage borrows its signing keys
    std::uint32_t files_replaced_ = 0;  ///< of the data folder, by what the log disks have
    std::optional<Bytes> unfinished_;   ///< a newer document that only the data folder had
    std::function<void(Status)> ready_;
    std::unique_ptr<store::Storage> storage_;
    std::unique_ptr<OperatorSecrets> secrets_;
    std::unique_ptr<forms::Submissions> submissions_;
    std::unique_ptr<identity::Identity> identity_;
    std::unique_ptr<web::Handler> site_;
    std::unique_ptr<web::Server> server_;
    std::unique_ptr<ControlServer> control_;
    TimerId expiry_ = TimerId::none;
};

}  // namespace

Status create_node(Seams seams, const Config& config, const Parts& parts, const crypto::Secret& passphrase) {
    TRY(check_config(config, passphrase));
    const TimelineId timeline = draw_id<TimelineId>(seams.entropy);
    identity::NodeKeys keys = identity::make_node_keys(timeline, seams.entropy, seams.clock.wall());
    crypto::DevelopmentCertificates certificates = crypto::make_development_certificates(
        config.hosts, seams.clock.wall(), seams.entropy, config.secret_limits.certificate);
    keys.authority_pem = std::move(certificates.authority_pem);
    keys.authority_key_pem = std::move(certificates.authority_key_pem);
    keys.chain_pem = std::move(certificates.chain_pem);
    keys.tls_key_pem = std::move(certificates.server_key_pem);
    seams.workers.charge(Work::password_hash, 1);
    const Bytes document = identity::seal_node_keys(keys, passphrase, config.cost, seams.entropy);
    store::StorageOptions options = storage_options(config, parts, keys);
    options.first_timeline = timeline;
    TRY(store::Storage::create(seams, std::move(options), document));
    return {};
}

Result<std::unique_ptr<Node>> Node::boot(Seams seams, Config config, Parts parts,
                                         const crypto::Secret& passphrase,
                                         std::function<void(Status)> ready) {
    TRY(check_config(config, passphrase));
    auto node = std::make_unique<RealNode>(seams, std::move(config), std::move(parts));
    TRY(node->recover(passphrase));
    node->start(std::move(ready));
    return std::unique_ptr<Node>(std::move(node));
}

}  // namespace firedrill::node
