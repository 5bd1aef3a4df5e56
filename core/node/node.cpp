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
    options.accept_loss_after = config.accept_loss_after;
    options.on_fatal = config.on_fatal;
    if (config.journal) {
        options.on_note = [journal = config.journal](const std::string& text) { journal(text); };
    }
    options.parts = parts.storage;
    return options;
}

Status check_config(const Config& config, const crypto::Secret& passphrase) {
    if (passphrase.size_bytes() < kPassphraseLimits.least ||
        passphrase.size_bytes() > kPassphraseLimits.most) {
        return Error{Fault::bad_usage, fmt::format("the node's passphrase must have {} to {} bytes",
                                                   kPassphraseLimits.least, kPassphraseLimits.most)};
    }
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
        Bytes document = TRY(store::read_node_slots(seams_.data));
        seams_.workers.charge(Work::password_hash, 1);
        keys_ = TRY(identity::open_node_keys(document, passphrase));
        storage_ = TRY(store::Storage::open(seams_, storage_options(config_, parts_, keys_)));
        if (!equal(storage_->node_slots(), document)) {  // the log knew newer ones than the folder
            identity::NodeKeys newer = TRY(identity::open_node_keys(storage_->node_slots(), passphrase));
            if (newer.node != keys_.node) {
                return Error{Fault::damaged, "the log's key slots are another node's than the data folder's"};
            }
            keys_.directory = std::move(newer.directory);
            keys_.authority_pem = std::move(newer.authority_pem);
            keys_.chain_pem = std::move(newer.chain_pem);
            keys_.tls_key_pem = std::move(newer.tls_key_pem);
        }
        return {};
    }

    void start(std::function<void(Status)> ready) {
        ready_ = std::move(ready);
        if (!identity::ensure_epoch(keys_, storage_->timeline(), seams_.entropy)) {
            start_identity();
            return;
        }
        Result<Bytes> document = identity::reseal_node_keys(keys_, storage_->node_slots(), seams_.entropy);
        if (!document) {
            ready_(std::move(document).error());
            return;
        }
        storage_->set_node_slots(std::move(document).value(), [this](Status set) {
            if (!set) {
                ready_(std::move(set));
                return;
            }
            start_identity();
        });
    }

    Endpoint local() const override { return server_ == nullptr ? Endpoint{} : server_->local(); }
    const std::string& authority_pem() const override { return keys_.authority_pem; }
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

    void command(std::string request, std::function<void(Result<std::string>)> then) override {
        run_command({keys_.node, *storage_, *identity_,
                     [this] { return server_ == nullptr ? 0 : server_->connection_count(); }},
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
        identity_->start(std::move(keys_.directory),
                         [this](Status started) { ready_(started ? serve() : std::move(started)); });
    }

    bool is_healthy() const {
        const store::Health health = storage_->health();
        bool is_damaged = false;
        for (const store::StoreHealth& store : health.stores) {
            is_damaged = is_damaged || store.is_damaged;
        }
        return !health.is_fatal && !is_damaged;
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
             [this](StoreId practice) { return storage_->health().of(practice); }, config_.journal});
        if (parts_.site) {
            site_ = parts_.site(std::move(site_));
        }
        web::ServerOptions options;
        options.listen = config_.listen;
        options.journal = config_.journal;
        if (config_.serves_tls) {
            options.tls =
                TRY(crypto::TlsServerContext::create(keys_.chain_pem, keys_.tls_key_pem, seams_.entropy));
        }
        server_ = TRY(web::Server::create(seams_, *site_, std::move(options)));
        if (!config_.control.empty()) {
            control_ = TRY(ControlServer::create(
                seams_.network, Endpoint{config_.control},
                [this](std::string request, std::function<void(Result<std::string>)> then) {
                    command(std::move(request), std::move(then));
                }));
        }
        for (const std::string& note : storage_->health().notes) {
            journal(note);
        }
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
    identity::NodeKeys keys_;
    std::function<void(Status)> ready_;
    std::unique_ptr<store::Storage> storage_;
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
    identity::NodeKeys keys = identity::make_node_keys(timeline, seams.entropy);
    crypto::DevelopmentCertificates certificates =
        crypto::make_development_certificates(config.hosts, seams.clock.wall(), seams.entropy);
    keys.authority_pem = std::move(certificates.authority_pem);
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
