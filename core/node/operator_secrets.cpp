#include "node/operator_secrets.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/tls.h"
#include "identity/directory.h"
#include "identity/identity.h"
#include "store/data_folder.h"

namespace firedrill::node {

namespace {

constexpr Duration kWatchPeriod = 24h;
/// A wrong passphrase is answered after 1, 2, 4 … seconds, at most this.
constexpr Duration kLongestDelay = 60s;

Duration delay_after(std::uint32_t wrong_in_a_row) {
    return wrong_in_a_row > 6 ? kLongestDelay
                              : std::min<Duration>(kLongestDelay, 1s * (1U << (wrong_in_a_row - 1)));
}

/// When it should be replaced. At once, if it is not valid yet: it was made by a clock that ran ahead, and
/// until that time nobody would connect.
WallTime due_of(const std::string& pem, Duration notice, WallTime now) {
    const Result<crypto::Validity> validity = crypto::certificate_validity(pem);
    if (!validity) {
        return {};
    }
    return validity->from > now ? now : validity->until + -notice;
}

store::KeyRing copy_ring(const store::KeyRing& ring) {
    store::KeyRing out;
    for (const store::EpochKey& epoch : ring) {
        out.push_back({epoch.epoch, epoch.timeline, epoch.key.copy()});
    }
    return out;
}

Error busy() {
    return Error{Fault::unavailable, "another secret of the node is being replaced; try again in a moment"};
}

}  // namespace

std::string_view secret_name(SecretKind kind) noexcept {
    switch (kind) {
        case SecretKind::passphrase: return "passphrase";
        case SecretKind::directory: return "directory";
        case SecretKind::signing: return "signing";
        case SecretKind::certificate: return "certificate";
        case SecretKind::authority: return "authority";
    }
    return "";
}

Status check_passphrase(const crypto::Secret& passphrase) {
    if (passphrase.size_bytes() < kPassphraseLimits.least ||
        passphrase.size_bytes() > kPassphraseLimits.most) {
        return Error{Fault::bad_usage, fmt::format("the node's passphrase must have {} to {} bytes",
                                                   kPassphraseLimits.least, kPassphraseLimits.most)};
    }
    return {};
}

std::vector<SecretAge> secret_ages(const identity::NodeKeys& keys, const SecretLimits& limits, WallTime now) {
    const identity::SecretDates& made = keys.made;
    std::vector<SecretAge> out{
        {SecretKind::passphrase, made.passphrase, made.passphrase + limits.passphrase},
        {SecretKind::directory, made.directory, made.directory + limits.directory},
        {SecretKind::signing, made.signing, made.signing + limits.signing},
        {SecretKind::certificate, made.certificate, due_of(keys.chain_pem, limits.certificate_notice, now)},
        {SecretKind::authority, made.authority, due_of(keys.authority_pem, limits.authority_notice, now)}};
    for (SecretAge& one : out) {
        one.is_overdue = now >= one.due;
    }
    return out;
}

struct OperatorSecrets::Change {
    Bytes document;
    Bytes before;
    Status status;
    bool is_put_back = true;
    identity::NodeKeys next;
    Then then;
};

OperatorSecrets::OperatorSecrets(Seams seams, store::Storage& storage, identity::NodeKeys keys,
                                 OperatorSecretsOptions options)
    : seams_(std::move(seams)), storage_(storage), keys_(std::move(keys)), options_(std::move(options)) {}

OperatorSecrets::~OperatorSecrets() {
    seams_.clock.cancel(timer_);
    seams_.clock.cancel(answer_timer_);
}

std::vector<SecretAge> OperatorSecrets::ages() const {
    return secret_ages(keys_, options_.limits, seams_.clock.wall());
}

void OperatorSecrets::journal(std::string_view line) const {
    if (options_.journal) {
        options_.journal(line);
    }
}

void OperatorSecrets::finish(const Then& then, const Status& status) {
    is_busy_ = false;
    then(status);
}

// --- what every replacement ends with

void OperatorSecrets::store_document(Bytes document, identity::NodeKeys next, Then then) {
    auto change = std::make_shared<Change>(Change{document, {}, {}, true, std::move(next), std::move(then)});
    storage_.set_node_slots(std::move(document),
                            [this, change, alive = std::weak_ptr(alive_)](const Status& set) {
                                if (alive.expired()) {
                                    return;
                                }
                                // The log counts: what it holds is in force, also when the folder's copy
                                // could not be written.
                                if (set || storage_.node_slots() == change->document) {
                                    keys_ = std::move(change->next);
                                }
                                change->then(set);
                            });
}

void OperatorSecrets::settle(std::optional<Bytes> unfinished, Then then) {
    auto give_epoch = [this, then = std::move(then)](const Status& status) {
        if (!status) {
            then(status);
            return;
        }
        identity::NodeKeys next = identity::copy_node_keys(keys_);
        if (!identity::ensure_epoch(next, storage_.timeline(), seams_.entropy, seams_.clock.wall())) {
            then({});
            return;
        }
        Result<Bytes> document = identity::reseal_node_keys(next, storage_.node_slots(), seams_.entropy);
        if (!document) {
            then(std::move(document).error());
            return;
        }
        store_document(std::move(document).value(), std::move(next), then);
    };
    if (!unfinished) {
        give_epoch({});
        return;
    }
    journal("a change of the passphrase was interrupted; it is finished now, the new one is in force");
    store_document(*std::move(unfinished), identity::copy_node_keys(keys_), std::move(give_epoch));
}

// --- keys and certificates

Result<identity::NodeKeys> OperatorSecrets::renewed(SecretKind kind) {
    const WallTime now = seams_.clock.wall();
    identity::NodeKeys next = identity::copy_node_keys(keys_);
    switch (kind) {
        case SecretKind::passphrase:
            return Error{Fault::refused, "a passphrase is chosen by the operator, not drawn by the node"};
        case SecretKind::directory:
            TRY(identity::renew_directory(next, storage_.timeline(), seams_.entropy, now));
            break;
        case SecretKind::signing: TRY(identity::renew_signing(next, seams_.entropy, now)); break;
        case SecretKind::certificate: {
            crypto::ServerCertificate made = TRY(
                crypto::issue_server_certificate(next.authority_pem, next.authority_key_pem, options_.hosts,
                                                 now, options_.limits.certificate, seams_.entropy));
            next.chain_pem = std::move(made.chain_pem);
            next.tls_key_pem = std::move(made.key_pem);
            next.made.certificate = now;
            break;
        }
        case SecretKind::authority: {
            crypto::DevelopmentCertificates made = crypto::make_development_certificates(
                options_.hosts, now, seams_.entropy, options_.limits.certificate);
            next.authority_pem = std::move(made.authority_pem);
            next.authority_key_pem = std::move(made.authority_key_pem);
            next.chain_pem = std::move(made.chain_pem);
            next.tls_key_pem = std::move(made.server_key_pem);
            next.made.authority = now;
            next.made.certificate = now;
            break;
        }
    }
    return next;
}

void OperatorSecrets::renew(SecretKind kind, Then then) {
    if (stuck_ || is_busy_) {
        then(stuck_ ? *stuck_ : busy());
        return;
    }
    Result<identity::NodeKeys> next = renewed(kind);
    if (!next) {
        then(std::move(next).error());
        return;
    }
    Result<Bytes> document = identity::reseal_node_keys(*next, storage_.node_slots(), seams_.entropy);
    if (!document) {
        then(std::move(document).error());
        return;
    }
    is_busy_ = true;
    store_document(std::move(document).value(), std::move(next).value(),
                   [this, kind, then = std::move(then)](const Status& stored) {
                       if (!stored) {
                           finish(then, stored);
                           return;
                       }
                       adopt(kind, then);
                   });
}

void OperatorSecrets::adopt(SecretKind kind, Then then) {
    journal(fmt::format("the node's {} was replaced", secret_name(kind)));
    if (kind == SecretKind::directory) {
        storage_.unlock(identity::kDirectory, copy_ring(keys_.directory), identity::directory_migrations(),
                        [this, then = std::move(then), alive = std::weak_ptr(alive_)](const Status& status) {
                            if (!alive.expired()) {
                                finish(then, status);
                            }
                        });
        return;
    }
    const bool is_certificate = kind == SecretKind::certificate || kind == SecretKind::authority;
    finish(then, is_certificate && options_.use_certificate ? options_.use_certificate(keys_) : Status());
}

// --- the passphrase

void OperatorSecrets::change_passphrase(crypto::Secret current, crypto::Secret next, Then then) {
    if (Status checked = check_passphrase(next); !checked) {
        then(std::move(checked));
        return;
    }
    if (stuck_ || is_busy_) {
        then(stuck_ ? *stuck_ : busy());
        return;
    }
    is_busy_ = true;
    auto change = std::make_shared<Change>();
    change->before = storage_.node_slots();
    change->next = identity::copy_node_keys(keys_);
    change->then = std::move(then);
    auto secrets =
        std::make_shared<std::pair<crypto::Secret, crypto::Secret>>(std::move(current), std::move(next));
    seams_.workers.run(
        Lane::passwords,
        [change, secrets, cost = options_.cost, now = seams_.clock.wall(), &entropy = seams_.entropy,
         &workers = seams_.workers] {
            workers.charge(Work::password_hash, 1);
            Result<identity::NodeKeys> opened = identity::open_node_keys(change->before, secrets->first);
            if (!opened) {
                change->status = std::move(opened).error();
                return;
            }
            workers.charge(Work::password_hash, 1);
            identity::renew_node_key(change->next, entropy, now);
            change->document = identity::seal_node_keys(change->next, secrets->second, cost, entropy);
        },
        [this, change, secrets, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) {
                return;
            }
            *secrets = {};
            if (change->status) {
                wrong_in_a_row_ = 0;
                write_folder_first(change);
            } else if (change->status.error().fault == Fault::wrong_secret) {
                refuse_later(change->then);
            } else {
                finish(change->then, change->status);
            }
        });
}

void OperatorSecrets::refuse_later(Then then) {
    ++wrong_in_a_row_;
    journal("a change of the node's passphrase was asked for with a wrong present one");
    answer_timer_ = seams_.clock.call_at(
        seams_.clock.now() + delay_after(wrong_in_a_row_), [this, then = std::move(then)] {
            answer_timer_ = TimerId::none;
            finish(then,
                   Error{Fault::wrong_secret, "the present passphrase is not that one; nothing was changed"});
        });
}

/// The folder's document is what the next start tries the passphrase on, so it goes first: then the new
/// passphrase opens the folder from the moment on that the old one no longer does.
void OperatorSecrets::write_folder_first(const std::shared_ptr<Change>& change) {
    seams_.workers.run(
        Lane::slots,
        [change, data = &seams_.data] {
            change->status = store::write_node_slots(*data, change->document);
            if (!change->status) {
                // Perhaps it took the place of the old one all the same.
                change->is_put_back = store::write_node_slots(*data, change->before).is_ok();
            }
        },
        [this, change, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) {
                return;
            }
            if (!change->is_put_back) {
                stuck_ = Error{change->status.error().fault,
                               change->status.error().text +
                                   "; nobody can say which passphrase the folder has now: keep both until "
                                   "the node was started again"};
                change->status = *stuck_;
            }
            if (!change->status) {
                finish(change->then, change->status);
                return;
            }
            store_document(std::move(change->document), std::move(change->next),
                           [this, change](const Status& stored) {
                               if (stored) {
                                   journal("the node's passphrase was replaced");
                               }
                               finish(change->then, stored);
                           });
        });
}

// --- the watch

void OperatorSecrets::watch() {
    watch_later();
    const std::vector<SecretAge> now = ages();
    const bool is_certificate_due = std::any_of(now.begin(), now.end(), [](const SecretAge& one) {
        return one.kind == SecretKind::certificate && one.is_overdue;
    });
    if (!is_certificate_due || is_busy_) {
        tell_overdue();
        return;
    }
    renew(SecretKind::certificate, [this](const Status& renewed) {
        if (!renewed) {
            journal("the TLS certificate is due and could not be renewed: " + renewed.error().text);
        }
        tell_overdue();
    });
}

void OperatorSecrets::watch_later() {
    timer_ = seams_.clock.call_at(seams_.clock.now() + kWatchPeriod, [this] {
        timer_ = TimerId::none;
        watch();
    });
}

void OperatorSecrets::tell_overdue() const {
    for (const SecretAge& one : ages()) {
        if (one.is_overdue) {
            journal(
                fmt::format("overdue: the node's {} was due on {}; replace it with \"firedrill secrets "
                            "rotate {}\"",
                            secret_name(one.kind), format_utc(one.due), secret_name(one.kind)));
        }
    }
}

}  // namespace firedrill::node
