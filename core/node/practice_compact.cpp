#include "node/practice_compact.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "store/compaction.h"

namespace firedrill::node {

namespace {

Result<identity::PracticeInfo> find_open(const identity::Identity& identity, CommandFields& fields) {
    const std::string name = TRY(fields.take("name"));
    TRY(fields.expect_no_more());
    identity::PracticeInfo found = TRY(identity.find_practice(name));
    if (!found.is_open) {
        return Error{Fault::refused,
                     fmt::format("practice {} is locked, and its pages cannot be moved without its key; have "
                                 "somebody of it sign in, then repeat this while they work",
                                 name)};
    }
    return found;
}

}  // namespace

void compact_practice(store::Storage& storage, const identity::Identity& identity, CommandFields& fields,
                      OnProgress progress, std::function<void(Result<std::string>)> then) {
    const Result<identity::PracticeInfo> found = find_open(identity, fields);
    if (!found) {
        then(found.error());
        return;
    }
    store::CompactionProgress tell;
    if (progress) {
        tell = [progress = std::move(progress)](store::PageNumber done, store::PageNumber total) {
            progress({"giving back", done, total, "pages"});
        };
    }
    store::compact(storage, found->id, std::move(tell),
                   [name = found->name, id = found->id,
                    then = std::move(then)](const Result<store::CompactionReport>& report) {
                       if (!report) {
                           then(report.error());
                           return;
                       }
                       then(boost::json::serialize(boost::json::object{{"practice", name},
                                                                       {"store", to_hex(id)},
                                                                       {"pages_before", report->pages_before},
                                                                       {"free_before", report->free_before},
                                                                       {"pages_after", report->pages_after},
                                                                       {"free_after", report->free_after},
                                                                       {"commits", report->commits},
                                                                       {"is_folded", report->is_folded}}));
                   });
}

}  // namespace firedrill::node
