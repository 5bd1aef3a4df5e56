// The SQL of submissions: the inbox in the directory store, and what it is drained into. Jobs of the right
// lane only.
//
// Used inside forms/ only.
#pragma once

#include <span>
#include <vector>

#include "crypto/keypair.h"
#include "forms/envelope.h"
#include "forms/submissions.h"
#include "store/database.h"

namespace firedrill::forms {

/// An item as it waits. `number` ascends in the order of arrival.
struct InboxItem {
    std::int64_t number = 0;
    SubmissionId id;
    Bytes sealed;
};

/// Directory store.
Result<bool> has_item(store::Database& directory, StoreId practice, SubmissionId id);
Result<std::int64_t> count_waiting(store::Database& directory, StoreId practice);
Status insert_item(store::Database& directory, StoreId practice, SubmissionId id, WallTime received,
                   ByteView sealed);
/// The next undrained items past `after`: at most kBatchItems, and no more once kBatchBytes are passed.
Result<std::vector<InboxItem>> next_items(store::Database& directory, StoreId practice, std::int64_t after);
/// Items are marked with the receipt under which their practice's store took them.
Status mark_drained(store::Database& directory, const std::vector<std::int64_t>& numbers,
                    std::int64_t receipt);
/// Puts what was taken under receipts above `receipt` back in the queue: the practice's store does not know
/// of it, since it was taken back to an earlier state. Yields how many.
Result<std::uint32_t> requeue_items(store::Database& directory, StoreId practice, std::int64_t receipt);
/// The first of kReceiptBlock receipts that nobody else will ever have, whatever becomes of the practice's
/// store.
Result<std::int64_t> take_receipts(store::Database& directory, StoreId practice);
inline constexpr std::int64_t kReceiptBlock = 1'000'000;
inline constexpr std::int64_t kBatchItems = 100;
inline constexpr std::size_t kBatchBytes = 8u << 20;

/// Practice store.
Result<std::vector<crypto::AgeIdentity>> load_identities(store::Database& practice);
/// The newest receipt under which this store took items; 0 for none.
Result<std::int64_t> load_receipt(store::Database& practice);
Status store_receipt(store::Database& practice, std::int64_t receipt);
/// True when it was not there yet.
Result<bool> insert_submission(store::Database& practice, const Envelope& envelope);
/// Reads no more rows than it yields, and two.
Result<SummaryPage> list_submissions(store::Database& practice, const ListWish& wish);
/// not_found.
Result<Submission> load_submission(store::Database& practice, SubmissionId id);

}  // namespace firedrill::forms
