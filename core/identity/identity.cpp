#include "identity/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "identity/alive.h"
#include "identity/creation.h"
#include "identity/directory.h"
#include "identity/gates.h"
#include "identity/people_node.h"
#include "identity/rules.h"
#include "identity/sessions.h"
#include "identity/sign_in.h"
#include "identity/slow_down.h"

namespace firedrill::identity {

namespace {

class IdentityNode final : public Identity {
  public:
    IdentityNode(Seams seams, store::Storage& storage, IdentityOptions options)
        : seams_(std::move(seams)),
          storage_(storage),
          options_(std::move(options)),
          sessions_(seams_.entropy),
          gates_(seams_, storage_, options_,
                 [this](StoreId practice) { return sessions_.has_any(practice); }),
          people_({seams_, storage_, options_, sessions_, gates_, slow_down_, waiting_, generations_,
                   [this](const PracticeRow& practice, std::uint32_t staff, bool has_own_kit) {
                       remember(practice, staff, has_own_kit);
                   },
                   [this](std::string_view name) { return find_practice(name); }}),
          desk_({seams_, storage_, options_, sessions_, gates_, slow_down_, waiting_, generations_, people_,
                 [this](std::string_view name) { return find_practice(name); }}) {
        if (!options_.custody) {
            options_.custody = make_key_custody();
        }
    }

    void start(store::KeyRing directory, Then<void> then) override;
    void create_practice(NewPractice request, Then<PracticeInfo> then) override;
    void list_practices(Then<std::vector<PracticeInfo>> then) override;
    Result<PracticeInfo> find_practice(std::string_view name) const override;
    void sign_in(SignIn request, Then<SignedIn> then) override {
        desk_.sign_in(std::move(request), std::move(then));
    }
    const Session* find_session(std::string_view token) override;
    void sign_out(std::string_view token, Then<void> then) override;
    void end_sessions(std::string_view practice, Then<std::size_t> then) override;
    void expire_sessions() override;
    void close_all(Then<void> then) override;
    People& people() override { return people_; }
    Safekeeping& safekeeping() override { return people_; }

  private:
    struct Creation {
        NewPractice request;
        Then<PracticeInfo> then;
        CreatedPractice made;
        Status refused;  ///< the password may not be chosen
    };
    using CreationPtr = std::shared_ptr<Creation>;

    void store_creation(const CreationPtr& creation);
    void fill_new_store(const CreationPtr& creation);
    void list_creation(const CreationPtr& creation);
    void finish_creation(const CreationPtr& creation, const Status& status);

    void leave_ended(const std::vector<StoreId>& ended);
    void remember(const PracticeRow& practice, std::uint32_t staff, bool has_own_kit);
    PracticeInfo info_of(const PracticeInfo& practice) const;
    /// Answers on the loop, but never inside the call.
    template <class T>
    void answer(Then<T> then, Result<T> result) {
        seams_.clock.defer(
            alive_.guard([then = std::move(then), result = std::move(result)] { then(result); }));
    }

    Seams seams_;
    store::Storage& storage_;
    IdentityOptions options_;
    SessionTable sessions_;
    Gates gates_;
    SlowDown slow_down_;
    std::map<std::string, PracticeInfo, std::less<>> practices_;
    std::set<std::string> being_created_;
    std::size_t waiting_ = 0;  // jobs given to Lane::passwords
    Generations generations_;
    PeopleNode people_;
    SignInDesk desk_;
    Alive alive_;
};

void IdentityNode::remember(const PracticeRow& practice, std::uint32_t staff, bool has_own_kit) {
    PracticeInfo info;
    info.id = practice.id;
    info.name = practice.name;
    info.title = practice.title;
    info.inbox_recipient = practice.inbox_recipient;
    info.staff = staff;
    info.has_own_kit = has_own_kit;
    practices_.insert_or_assign(practice.name, std::move(info));
}

PracticeInfo IdentityNode::info_of(const PracticeInfo& practice) const {
    PracticeInfo out = practice;
    out.is_open = gates_.is_open(practice.id);
    return out;
}

void IdentityNode::start(store::KeyRing directory, Then<void> then) {
    storage_.unlock(kDirectory, std::move(directory), directory_migrations(),
                    alive_.guard([this, then = std::move(then)](const Status& status) {
                        if (!status) {
                            then(status);
                            return;
                        }
                        auto listed = std::make_shared<std::vector<ListedPractice>>();
                        storage_.transact(
                            kDirectory, store::Access::read,
                            [listed](store::Database& database) -> Status {
                                *listed = TRY(load_practices(database));
                                return {};
                            },
                            alive_.guard([this, listed, then](const Status& loaded) {
                                for (const ListedPractice& one : *listed) {
                                    remember(one.practice, one.staff, one.has_own_kit);
                                }
                                then(loaded);
                            }));
                    }));
}

void IdentityNode::list_practices(Then<std::vector<PracticeInfo>> then) {
    std::vector<PracticeInfo> out;
    for (const auto& [name, practice] : practices_) {
        out.push_back(info_of(practice));
    }
    answer<std::vector<PracticeInfo>>(std::move(then), std::move(out));
}

Result<PracticeInfo> IdentityNode::find_practice(std::string_view name) const {
    const auto found = practices_.find(name);
    if (found == practices_.end()) {
        return Error{Fault::not_found, "practice: there is none of that name"};
    }
    return info_of(found->second);
}

// --- creating a practice: keys, then its store, then the directory. A crash before the last step leaves an
// unreachable store and nothing else.

void IdentityNode::create_practice(NewPractice request, Then<PracticeInfo> then) {
    if (Status checked = check_new_practice(request); !checked) {
        answer<PracticeInfo>(std::move(then), checked.error());
        return;
    }
    if (practices_.contains(request.name) || being_created_.contains(request.name)) {
        answer<PracticeInfo>(std::move(then),
                             Error{Fault::exists, fmt::format("practice '{}': it exists already; choose "
                                                              "another name",
                                                              request.name)});
        return;
    }
    if (waiting_ >= kPasswordQueue) {
        answer<PracticeInfo>(std::move(then),
                             Error{Fault::unavailable, "practice: the node is busy; try again soon"});
        return;
    }
    being_created_.insert(request.name);
    ++waiting_;
    auto creation = std::make_shared<Creation>(Creation{std::move(request), std::move(then), {}, {}});
    seams_.workers.run(
        Lane::passwords,
        [creation, timeline = storage_.timeline(), cost = options_.cost, now = seams_.clock.wall(),
         &entropy = seams_.entropy, &workers = seams_.workers] {
            NewPractice& wanted = creation->request;
            if (wanted.owner_password) {
                auto password = take_new_password(*wanted.owner_password, PasswordUse::staff_alone,
                                                  wanted.name, wanted.title, wanted.owner_login);
                wanted.owner_password.reset();
                if (!password) {
                    creation->refused = password.error();
                    return;
                }
                wanted.owner_password = std::move(password).value();
                workers.charge(Work::password_hash, 1);
            }
            creation->made = make_practice(wanted, timeline, cost, now, entropy);
            wanted.owner_password.reset();
        },
        alive_.guard([this, creation] {
            --waiting_;
            if (!creation->refused) {
                finish_creation(creation, creation->refused);
                return;
            }
            store_creation(creation);
        }));
}

void IdentityNode::store_creation(const CreationPtr& creation) {
    storage_.unlock(creation->made.rows.practice.id, std::move(creation->made.ring),
                    options_.practice_migrations, alive_.guard([this, creation](const Status& status) {
                        if (!status) {
                            finish_creation(creation, status);
                            return;
                        }
                        fill_new_store(creation);
                    }));
}

void IdentityNode::fill_new_store(const CreationPtr& creation) {
    const StoreId practice = creation->made.rows.practice.id;
    storage_.transact(
        practice, store::Access::write,
        [creation, on_created = options_.on_created](store::Database& database) -> Status {
            return on_created ? on_created(database, creation->made.inbox_identity) : Status();
        },
        alive_.guard([this, creation, practice](const Status& filled) {
            creation->made.inbox_identity = {};
            storage_.lock(practice, alive_.guard([this, creation, filled](const Status& locked) {
                if (!filled || !locked) {
                    finish_creation(creation, filled ? locked : filled);
                    return;
                }
                list_creation(creation);
            }));
        }));
}

void IdentityNode::list_creation(const CreationPtr& creation) {
    storage_.transact(
        kDirectory, store::Access::write,
        [creation](store::Database& database) { return insert_practice(database, creation->made); },
        alive_.guard([this, creation](const Status& status) { finish_creation(creation, status); }));
}

void IdentityNode::finish_creation(const CreationPtr& creation, const Status& status) {
    being_created_.erase(creation->request.name);
    if (!status) {
        creation->then(status.error());
        return;
    }
    remember(creation->made.rows.practice, creation->made.invitation ? 0 : 1, false);
    PracticeInfo made = practices_.at(creation->request.name);
    if (creation->made.invitation) {
        made.invitation_code = std::move(creation->made.invitation_code);
        made.invitation_expires = creation->made.invitation->expires;
    }
    made.recovery_code = std::move(creation->made.recovery_code);
    creation->then(std::move(made));
}

// --- sessions

void IdentityNode::leave_ended(const std::vector<StoreId>& ended) {
    for (const StoreId practice : ended) {
        gates_.leave(practice, [](const Status&) {});
    }
}

const Session* IdentityNode::find_session(std::string_view token) {
    std::vector<StoreId> ended;
    const Session* found = sessions_.find(token, seams_.clock.now(), ended);
    leave_ended(ended);
    return found;
}

void IdentityNode::sign_out(std::string_view token, Then<void> then) {
    std::vector<StoreId> ended;
    sessions_.remove(token, ended);
    if (ended.empty()) {
        answer<void>(std::move(then), {});
        return;
    }
    gates_.leave(ended.front(),
                 [this, then = std::move(then)](const Status& status) { answer<void>(then, status); });
}

void IdentityNode::end_sessions(std::string_view practice, Then<std::size_t> then) {
    const auto found = find_practice(practice);
    if (!found) {
        answer<std::size_t>(std::move(then), found.error());
        return;
    }
    const std::size_t count = sessions_.remove_practice(found->id);
    if (options_.journal) {
        options_.journal(fmt::format("the operator signed everybody of practice {} out: {} session(s) ended",
                                     found->name, count));
    }
    gates_.leave(found->id, [this, count, then = std::move(then)](const Status& status) {
        answer<std::size_t>(then, status ? Result<std::size_t>(count) : Result<std::size_t>(status.error()));
    });
}

void IdentityNode::expire_sessions() {
    std::vector<StoreId> ended;
    sessions_.expire(seams_.clock.now(), ended);
    leave_ended(ended);
}

void IdentityNode::close_all(Then<void> then) {
    sessions_.remove_all();
    gates_.close_all([this, then = std::move(then)](const Status&) {
        storage_.lock(kDirectory, alive_.guard([then](const Status& status) { then(status); }));
    });
}

}  // namespace

std::unique_ptr<Identity> Identity::create(Seams seams, store::Storage& storage, IdentityOptions options) {
    return std::make_unique<IdentityNode>(std::move(seams), storage, std::move(options));
}

}  // namespace firedrill::identity
