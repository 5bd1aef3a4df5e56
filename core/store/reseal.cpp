#include "store/reseal.h"

#include <algorithm>
#include <memory>

#include "crypto/secret.h"

namespace firedrill::store {

namespace {

/// One page of plaintext; zeroised when it goes.
struct Plain {
    SealedPage bytes;
    ~Plain() { crypto::zeroise(bytes); }
};

bool is_lost(const Error& error) {
    return error.fault == Fault::damaged || error.fault == Fault::disk_failed;
}

}  // namespace

void Resealer::mark(PageNumber page, bool is_old) {
    if (is_old_[page - 1] != is_old) {
        is_old_[page - 1] = is_old;
        left_ += is_old ? 1 : PageNumber(-1);
    }
}

Status Resealer::look(PageStore& pages) {
    const PageNumber until = std::min(end_, looked_ + kResealLook);
    while (looked_ < until) {
        auto sealed = pages.read(looked_ + 1);
        if (!sealed && !is_lost(sealed.error())) {
            return std::move(sealed).error();
        }
        ++looked_;
        unreadable_ += sealed ? 0 : 1;
        if (sealed && *sealed && page_epoch(**sealed) <= retired_) {
            mark(looked_, true);
        }
    }
    return {};
}

Result<std::optional<Commit>> Resealer::step(PageStore& pages, PageCipher& cipher, Entropy& entropy) {
    if (looked_ < end_) {
        TRY(look(pages));
        return std::optional<Commit>();
    }
    std::vector<std::unique_ptr<Plain>> plain;
    std::vector<PlainPage> changed;
    for (; next_ <= end_ && changed.size() < kResealPages; ++next_) {
        if (!is_old_[next_ - 1]) {
            continue;
        }
        std::unique_ptr<Plain> page(new Plain);  // not value-initialised: it is filled at once
        if (Status opened = pages.open_page(next_, cipher, page->bytes); !opened) {
            if (!is_lost(opened.error())) {
                return std::move(opened).error();
            }
            mark(next_, false);
            ++unreadable_;
            continue;
        }
        changed.push_back({next_, page->bytes});
        plain.push_back(std::move(page));
    }
    if (changed.empty()) {
        return std::optional<Commit>();
    }
    for (const PlainPage& page : changed) {
        mark(page.number, false);
    }
    return std::optional(pages.prepare(changed, pages.position().page_count, cipher, entropy));
}

void Resealer::saw(const Commit& commit) {
    for (PageNumber page = commit.page_count + 1; page <= end_; ++page) {
        mark(page, false);
    }
    end_ = std::min(end_, commit.page_count);
    looked_ = std::min(looked_, end_);
    for (const PageImage& image : commit.pages) {
        if (image.number <= end_) {
            mark(image.number, false);
        }
    }
}

std::string_view reseal_state_name(ResealState state) noexcept {
    switch (state) {
        case ResealState::unknown: return "unknown";
        case ResealState::none: return "none";
        case ResealState::looking: return "looking";
        case ResealState::sealing: return "sealing";
        case ResealState::unreadable: return "unreadable";
    }
    return "";
}

ResealProgress Resealer::progress() const noexcept {
    ResealProgress made;
    made.state = looked_ < end_ ? ResealState::looking : ResealState::sealing;
    if (is_over()) {
        made.state = unreadable_ == 0 ? ResealState::none : ResealState::unreadable;
    }
    made.looked = looked_;
    made.left = left_ + unreadable_;
    return made;
}

}  // namespace firedrill::store
