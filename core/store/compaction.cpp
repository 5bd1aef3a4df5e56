#include "store/compaction.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/vfs.h"

namespace firedrill::store {

namespace {

/// Free pages of one transaction. A page that takes a free one's place changes itself, its entry in the
/// pointer map, what points to it, and perhaps a page of the free list: at most half of what a transaction
/// may change.
constexpr PageNumber kPagesAStep = kMaxChangedPages / 8;

struct Size {
    PageNumber pages = 0;
    PageNumber free = 0;
};

Result<PageNumber> number(Database& database, const char* sql) {
    auto row = TRY(database.prepare(sql));
    if (!TRY(row.step())) {
        return Error{Fault::damaged, "a database does not say how large it is"};
    }
    return static_cast<PageNumber>(row.integer(0));
}

Result<Size> measure(Database& database) {
    Size out;
    out.pages = TRY(number(database, "PRAGMA page_count"));
    out.free = TRY(number(database, "PRAGMA freelist_count"));
    return out;
}

/// Owners: the callbacks of the one call under way.
class Compaction final : public std::enable_shared_from_this<Compaction> {
  public:
    Compaction(Storage& storage, StoreId store, CompactionProgress progress,
               std::function<void(Result<CompactionReport>)> then)
        : storage_(storage), store_(store), progress_(std::move(progress)), then_(std::move(then)) {}

    void begin() {
        look([self = shared_from_this()] { self->choose(); });
    }

  private:
    /// One look at the size.
    void look(std::function<void()> next) {
        const auto size = std::make_shared<Size>();
        storage_.transact(
            store_, Access::read,
            [size](Database& database) -> Status {
                *size = TRY(measure(database));
                return {};
            },
            [self = shared_from_this(), size, next = std::move(next)](const Status& looked) {
                if (!looked) {
                    self->fail(looked.error());
                    return;
                }
                self->take(*size);
                next();
            });
    }

    void take(Size size) {
        if (!is_measured_) {
            is_measured_ = true;
            report_.pages_before = size.pages;
            report_.free_before = size.free;
        }
        report_.pages_after = size.pages;
        report_.free_after = size.free;
    }

    void choose() {
        if (report_.pages_before > kMaxChangedPages) {
            step();
            return;
        }
        storage_.vacuum(store_, [self = shared_from_this()](const Status& done) {
            if (!done && done.error().fault == Fault::limit) {
                self->step();  // it grew meanwhile
                return;
            }
            if (!done) {
                self->fail(done.error());
                return;
            }
            ++self->report_.commits;
            self->look([self] { self->end(); });
        });
    }

    void step() {
        if (report_.free_after == 0) {
            end();
            return;
        }
        const auto size = std::make_shared<Size>();
        storage_.transact(
            store_, Access::write,
            [size](Database& database) -> Status {
                TRY(database.execute(fmt::format("PRAGMA incremental_vacuum({})", kPagesAStep).c_str()));
                *size = TRY(measure(database));
                return {};
            },
            [self = shared_from_this(), size](const Status& done) { self->finish_step(done, *size); });
    }

    void finish_step(const Status& done, Size size) {
        if (!done) {
            fail(done.error());
            return;
        }
        ++report_.commits;
        given_back_ += report_.pages_after - std::min(report_.pages_after, size.pages);
        const bool is_stuck =
            size.pages >= report_.pages_after;  // the others free pages as fast, or none can go
        take(size);
        if (progress_) {
            progress_(std::min(given_back_, report_.free_before), report_.free_before);
        }
        if (is_stuck) {
            end();
            return;
        }
        step();
    }

    void end() {
        storage_.fold_store(store_, [self = shared_from_this()](const Status& folded) {
            self->report_.is_folded = folded.is_ok();
            self->then_(self->report_);
        });
    }

    void fail(const Error& error) {
        then_(given_back_ == 0
                  ? error
                  : Error{error.fault, fmt::format("{}; {} free pages were given back before, which stands",
                                                   error.text, given_back_)});
    }

    Storage& storage_;
    StoreId store_;
    CompactionProgress progress_;
    std::function<void(Result<CompactionReport>)> then_;
    bool is_measured_ = false;
    PageNumber given_back_ = 0;
    CompactionReport report_;
};

}  // namespace

void compact(Storage& storage, StoreId store, CompactionProgress progress,
             std::function<void(Result<CompactionReport>)> then) {
    std::make_shared<Compaction>(storage, store, std::move(progress), std::move(then))->begin();
}

}  // namespace firedrill::store
