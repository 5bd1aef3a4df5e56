#include "forms/submissions.h"

#include <fmt/format.h>

#include <map>

#include "base/check.h"
#include "crypto/keypair.h"
#include "forms/envelope.h"
#include "forms/inbox.h"

namespace firedrill::forms {

namespace {

constexpr StoreId kDirectoryStore{};

class AgeSealer final : public InboxSealer {
  public:
    explicit AgeSealer(Entropy& entropy) : entropy_(entropy) {}
    Result<Bytes> seal(const std::array<Byte, 32>& recipient, ByteView plain) override {
        return crypto::age_seal(std::span(&recipient, 1), plain, entropy_);
    }

  private:
    Entropy& entropy_;
};

// One pass over everything undrained of a practice: read a batch, store it, mark it; each step durable before
// the next. A crash between any two only repeats work: the practice's store ignores ids that it has.
//
// Every batch has a receipt of its own, ascending, from a counter in the directory. The practice's store
// keeps the newest one beside the batch, the items in the directory are marked with theirs. So a store that
// was taken back to an earlier state says so by its receipt: the items marked with newer ones are what it
// lacks. They are put back in the queue before anything else is stored in it (docs/formats/inbox.md).
struct Pass {
    StoreId practice;
    std::int64_t known = 0;  // receipt of the practice's store when the pass began
    std::uint32_t requeued = 0;
    std::vector<InboxItem> batch;
    std::int64_t cursor = 0;           // number of the last item seen
    std::vector<std::int64_t> stored;  // of this batch, now in the practice's store
    std::uint32_t added = 0;           // of all batches, new there
    std::uint32_t added_in_batch = 0;
    std::uint32_t unopened = 0;
    std::vector<Submissions::Then<std::uint32_t>> waiting;
};
using PassPtr = std::shared_ptr<Pass>;

Result<Envelope> open_item(const Pass& pass, const InboxItem& item,
                           const std::vector<crypto::AgeIdentity>& identities) {
    for (const crypto::AgeIdentity& identity : identities) {
        const auto plain = crypto::age_open(identity, item.sealed);
        if (plain) {
            auto envelope = read_envelope(plain->view());
            if (envelope && (envelope->id != item.id || envelope->practice != pass.practice)) {
                return Error{Fault::damaged, "inbox item: it is not the submission that its number says"};
            }
            return envelope;
        }
    }
    return Error{Fault::wrong_secret, "inbox item: no identity of the practice opens it"};
}

// Inside the practice's transaction; may run again from the start, so it begins by forgetting.
Status store_batch(Pass& pass, std::int64_t known, std::int64_t receipt, store::Database& database) {
    const std::int64_t stored = TRY(load_receipt(database));
    if (stored != known) {
        return Error{
            Fault::unavailable,
            "inbox: the practice's store was taken back to an earlier state at this moment; try again"};
    }
    TRY(store_receipt(database, receipt));
    pass.stored.clear();
    pass.added_in_batch = 0;
    const auto identities = TRY(load_identities(database));
    for (const InboxItem& item : pass.batch) {
        auto envelope = open_item(pass, item, identities);
        if (!envelope) {
            continue;
        }
        const bool is_new = TRY(insert_submission(database, *envelope));
        crypto::zeroise(envelope->response);
        pass.added_in_batch += is_new ? 1 : 0;
        pass.stored.push_back(item.number);
    }
    return {};
}

class SubmissionsNode final : public Submissions {
  public:
    SubmissionsNode(Seams seams, store::Storage& storage, std::unique_ptr<InboxSealer> sealer,
                    std::function<void(std::string_view)> journal)
        : seams_(std::move(seams)),
          storage_(storage),
          sealer_(std::move(sealer)),
          journal_(std::move(journal)) {}

    void submit(StoreId practice, const std::array<Byte, 32>& recipient, SubmissionId id,
                std::string_view form, std::string response, Then<void> then) override;
    void drain(StoreId practice, Then<std::uint32_t> then) override;
    void list(StoreId practice, ListWish wish, Then<SummaryPage> then) override;
    void read(StoreId practice, SubmissionId id, Then<Submission> then) override;

  private:
    /// Of one practice: what its store and the directory agreed on since the store was opened.
    struct Receipts {
        bool is_settled = false;
        std::int64_t known = 0;  // the newest one in the practice's store
        std::int64_t next = 0;
        std::int64_t end = 0;
    };
    struct Draining {
        PassPtr pass;
        std::vector<Then<std::uint32_t>> next;  // came after it had begun: they need a pass of their own
    };

    void drain_more(StoreId practice, Then<std::uint32_t> then);
    void begin_pass(StoreId practice, std::vector<Then<std::uint32_t>> waiting);
    void settle(const PassPtr& pass);
    void requeue(const PassPtr& pass);
    void read_batch(const PassPtr& pass);
    void number_batch(const PassPtr& pass);
    void store_read(const PassPtr& pass);
    void mark_stored(const PassPtr& pass, std::int64_t receipt);
    void finish_pass(const PassPtr& pass, const Status& status);

    Seams seams_;
    store::Storage& storage_;
    std::shared_ptr<InboxSealer> sealer_;  // shared with jobs under way
    std::function<void(std::string_view)> journal_;
    std::map<StoreId, Draining> draining_;
    std::map<StoreId, Receipts> receipts_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();

    template <class Function>
    auto guard(Function function) const {
        return [token = std::weak_ptr<char>(alive_), function = std::move(function)](const Status& status) {
            if (!token.expired()) {
                function(status);
            }
        };
    }
};

void SubmissionsNode::submit(StoreId practice, const std::array<Byte, 32>& recipient, SubmissionId id,
                             std::string_view form, std::string response, Then<void> then) {
    if (form.empty() || form.size() > kFormNameLimit || response.size() > kResponseLimit) {
        crypto::zeroise(response);
        seams_.clock.defer([then = std::move(then)] {
            then(Error{Fault::limit,
                       fmt::format("submission: its answers have more than {} bytes", kResponseLimit)});
        });
        return;
    }
    Envelope envelope{id, practice, seams_.clock.wall(), std::string(form), std::move(response)};
    auto plain = std::make_shared<crypto::Secret>(write_envelope(envelope));
    crypto::zeroise(envelope.response);
    storage_.transact(
        kDirectoryStore, store::Access::write,
        [plain, practice, recipient, id, received = envelope.received,
         sealer = sealer_](store::Database& directory) -> Status {
            if (TRY(has_item(directory, practice, id))) {
                return {};
            }
            if (TRY(count_waiting(directory, practice)) >= kInboxLimit) {
                return Error{
                    Fault::unavailable,
                    "inbox: it is full; somebody of the practice must sign in before more can be sent"};
            }
            const Bytes sealed = TRY(sealer->seal(recipient, plain->view()));
            return insert_item(directory, practice, id, received, sealed);
        },
        [plain, then = std::move(then)](const Status& status) {
            *plain = {};
            then(status);
        });
}

void SubmissionsNode::drain(StoreId practice, Then<std::uint32_t> then) {
    receipts_[practice].is_settled = false;
    drain_more(practice, std::move(then));
}

void SubmissionsNode::drain_more(StoreId practice, Then<std::uint32_t> then) {
    if (const auto found = draining_.find(practice); found != draining_.end()) {
        found->second.next.push_back(std::move(then));
        return;
    }
    begin_pass(practice, {std::move(then)});
}

void SubmissionsNode::begin_pass(StoreId practice, std::vector<Then<std::uint32_t>> waiting) {
    auto pass = std::make_shared<Pass>();
    pass->practice = practice;
    pass->waiting = std::move(waiting);
    draining_[practice].pass = pass;
    receipts_[practice].is_settled ? read_batch(pass) : settle(pass);
}

void SubmissionsNode::settle(const PassPtr& pass) {
    receipts_[pass->practice].is_settled = true;  // unless it fails, or the store is opened anew meanwhile
    storage_.transact(
        pass->practice, store::Access::read,
        [pass](store::Database& database) -> Status {
            pass->known = TRY(load_receipt(database));
            return {};
        },
        guard([this, pass](const Status& status) { status ? requeue(pass) : finish_pass(pass, status); }));
}

void SubmissionsNode::requeue(const PassPtr& pass) {
    storage_.transact(
        kDirectoryStore, store::Access::write,
        [pass](store::Database& directory) -> Status {
            pass->requeued = TRY(requeue_items(directory, pass->practice, pass->known));
            return {};
        },
        guard([this, pass](const Status& status) {
            if (!status) {
                finish_pass(pass, status);
                return;
            }
            receipts_[pass->practice].known = pass->known;
            if (pass->requeued > 0 && journal_) {
                journal_(fmt::format(
                    "inbox: {} submissions were put back in the queue, as the practice's store was "
                    "taken back to an earlier state",
                    pass->requeued));
            }
            read_batch(pass);
        }));
}

void SubmissionsNode::read_batch(const PassPtr& pass) {
    storage_.transact(
        kDirectoryStore, store::Access::read,
        [pass](store::Database& directory) -> Status {
            pass->batch = TRY(next_items(directory, pass->practice, pass->cursor));
            return {};
        },
        guard([this, pass](const Status& status) {
            if (!status || pass->batch.empty()) {
                finish_pass(pass, status);
                return;
            }
            number_batch(pass);
        }));
}

void SubmissionsNode::number_batch(const PassPtr& pass) {
    const Receipts& have = receipts_[pass->practice];
    if (have.next < have.end) {
        store_read(pass);
        return;
    }
    const auto first = std::make_shared<std::int64_t>(0);
    storage_.transact(
        kDirectoryStore, store::Access::write,
        [pass, first](store::Database& directory) -> Status {
            *first = TRY(take_receipts(directory, pass->practice));
            return {};
        },
        guard([this, pass, first](const Status& status) {
            if (!status) {
                finish_pass(pass, status);
                return;
            }
            Receipts& taken = receipts_[pass->practice];
            taken.next = *first;
            taken.end = *first + kReceiptBlock;
            store_read(pass);
        }));
}

void SubmissionsNode::store_read(const PassPtr& pass) {
    const std::int64_t known = receipts_[pass->practice].known;
    const std::int64_t receipt = receipts_[pass->practice].next++;
    storage_.transact(
        pass->practice, store::Access::write,
        [pass, known, receipt](store::Database& database) {
            return store_batch(*pass, known, receipt, database);
        },
        guard([this, pass, receipt](const Status& status) {
            if (!status) {
                finish_pass(pass, status);
                return;
            }
            receipts_[pass->practice].known = receipt;
            pass->added += pass->added_in_batch;
            pass->unopened += static_cast<std::uint32_t>(pass->batch.size() - pass->stored.size());
            pass->cursor = pass->batch.back().number;
            mark_stored(pass, receipt);
        }));
}

void SubmissionsNode::mark_stored(const PassPtr& pass, std::int64_t receipt) {
    storage_.transact(
        kDirectoryStore, store::Access::write,
        [pass, receipt](store::Database& directory) {
            return mark_drained(directory, pass->stored, receipt);
        },
        guard([this, pass](const Status& status) {
            if (!status) {
                finish_pass(pass, status);
                return;
            }
            read_batch(pass);
        }));
}

void SubmissionsNode::finish_pass(const PassPtr& pass, const Status& status) {
    if (!status) {
        receipts_[pass->practice].is_settled = false;
    }
    if (pass->unopened > 0 && journal_) {
        journal_(fmt::format("inbox: {} items do not open with the practice's identities and stay in it",
                             pass->unopened));
    }
    auto next = std::move(draining_[pass->practice].next);
    draining_.erase(pass->practice);
    if (!next.empty()) {
        begin_pass(pass->practice, std::move(next));
    }
    for (const Then<std::uint32_t>& then : pass->waiting) {
        then(status ? Result<std::uint32_t>(pass->added) : Result<std::uint32_t>(status.error()));
    }
}

void SubmissionsNode::list(StoreId practice, ListWish wish, Then<SummaryPage> then) {
    drain_more(practice,
               [this, practice, wish, then = std::move(then)](const Result<std::uint32_t>& drained) {
                   if (!drained) {
                       then(drained.error());
                       return;
                   }
                   auto listed = std::make_shared<SummaryPage>();
                   storage_.transact(
                       practice, store::Access::read,
                       [listed, wish](store::Database& database) -> Status {
                           *listed = TRY(list_submissions(database, wish));
                           return {};
                       },
                       [listed, then](const Status& status) {
                           if (!status) {
                               then(status.error());
                               return;
                           }
                           then(std::move(*listed));
                       });
               });
}

void SubmissionsNode::read(StoreId practice, SubmissionId id, Then<Submission> then) {
    auto found = std::make_shared<Submission>();
    storage_.transact(
        practice, store::Access::read,
        [found, id](store::Database& database) -> Status {
            *found = TRY(load_submission(database, id));
            return {};
        },
        [found, then = std::move(then)](const Status& status) {
            if (!status) {
                then(status.error());
                return;
            }
            then(std::move(*found));
            crypto::zeroise(found->response);
        });
}

}  // namespace

std::unique_ptr<InboxSealer> make_inbox_sealer(Entropy& entropy) {
    return std::make_unique<AgeSealer>(entropy);
}

std::unique_ptr<Submissions> Submissions::create(Seams seams, store::Storage& storage,
                                                 std::unique_ptr<InboxSealer> sealer,
                                                 std::function<void(std::string_view)> journal) {
    return std::make_unique<SubmissionsNode>(std::move(seams), storage, std::move(sealer),
                                             std::move(journal));
}

}  // namespace firedrill::forms
