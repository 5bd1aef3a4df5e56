// The whole node over simulated seams: made, booted, cut off, booted again; operators over the one channel.
#include "node/node.h"
#include "node/commands.h"

#include <gtest/gtest.h>

#include "tests/support/sim_machine.h"

namespace firedrill::node {
namespace {

const crypto::Secret& passphrase() {
    static const crypto::Secret kPassphrase(as_bytes("a passphrase of the node"));
    return kPassphrase;
}

Config offline_config() {
    Config config;
    config.listen = Endpoint{};
    config.cost = crypto::kToyCost;
    return config;
}

/// Boots and runs until the node is ready, or says why it is not.
Result<std::unique_ptr<Node>> boot(sim::SimMachine& machine, Config config, const crypto::Secret& secret) {
    std::optional<Status> ready;
    auto node = TRY(
        Node::boot(machine.seams(), std::move(config), {}, secret, [&](Status status) { ready = status; }));
    if (!machine.run_until([&] { return ready.has_value(); })) {
        return Error{Fault::internal, "the node never became ready"};
    }
    TRY(*ready);
    return node;
}

Result<std::string> command(sim::SimMachine& machine, Node& node, std::string request) {
    std::optional<Result<std::string>> answer;
    node.command(std::move(request), [&](Result<std::string> got) { answer = std::move(got); });
    machine.run_until([&] { return answer.has_value(); });
    return answer ? *answer : Result<std::string>(Error{Fault::internal, "no answer"});
}

constexpr const char* kCreate =
    R"({"verb":"practice.create","name":"harbor","title":"Harbor PT","login":"owner","password":"sunlit-otter-42-basket"})";

TEST(Node, KeepsAPracticeThroughAPowerCut) {
    sim::SimMachine machine(1, 2);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    auto node = boot(machine, offline_config(), passphrase());
    ASSERT_TRUE(node) << node.error().text;
    ASSERT_TRUE(command(machine, **node, kCreate));

    machine.power_cut();
    node->reset();
    machine.power_on();
    auto again = boot(machine, offline_config(), passphrase());

    ASSERT_TRUE(again) << again.error().text;
    Result<std::string> shown = command(machine, **again, R"({"verb":"practice.show","name":"harbor"})");
    ASSERT_TRUE(shown) << shown.error().text;
    EXPECT_NE(shown->find("Harbor PT"), std::string::npos);
}

TEST(Node, IsNotMadeTwice) {
    sim::SimMachine machine(2);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));

    Status again = create_node(machine.seams(), offline_config(), {}, passphrase());

    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().fault, Fault::exists);
}

TEST(Node, RefusesAWrongPassphraseAndChangesNothing) {
    sim::SimMachine machine(3);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    const auto before = machine.data->peek("node.slots");

    auto refused = boot(machine, offline_config(), crypto::Secret(as_bytes("another passphrase")));

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::wrong_secret);
    EXPECT_EQ(machine.data->peek("node.slots"), before);
    EXPECT_TRUE(boot(machine, offline_config(), passphrase()));
}

TEST(Node, StartsFromTheLogsKeySlotsWhenTheFoldersAreMissingOrRotten) {
    sim::SimMachine machine(30, 2);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    const Bytes good = *machine.data->peek("node.slots");
    const std::array<std::function<void()>, 3> harm{
        [&] { ASSERT_TRUE(machine.data->remove("node.slots")); },
        [&] { ASSERT_TRUE(machine.data->corrupt("node.slots", 0, Bytes(4, 0xee))); },
        [&] { ASSERT_TRUE(machine.data->corrupt("node.slots", good.size() - 40, Bytes(20, 0xee))); }};
    for (const auto& strike : harm) {
        strike();
        EXPECT_EQ(boot(machine, offline_config(), crypto::Secret(as_bytes("another passphrase"))).is_ok(),
                  false);

        std::vector<std::string> journal;
        Config config = offline_config();
        config.journal = [&](std::string_view line) { journal.emplace_back(line); };
        auto node = boot(machine, config, passphrase());

        ASSERT_TRUE(node) << node.error().text;
        ASSERT_FALSE(journal.empty());
        EXPECT_NE(journal.front().find("node.slots"), std::string::npos);
        EXPECT_EQ(*machine.data->peek("node.slots"), good);
        node->reset();
        machine.power_cut();
        machine.power_on();
    }
}

TEST(Node, RefusesAShortPassphrase) {
    sim::SimMachine machine(4);

    Status made = create_node(machine.seams(), offline_config(), {}, crypto::Secret(as_bytes("short")));

    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().fault, Fault::bad_usage);
    EXPECT_TRUE(machine.data->peek_names().empty());
}

TEST(NodeCommand, RefusesUnknownVerbsAndFields) {
    sim::SimMachine machine(5);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    auto node = boot(machine, offline_config(), passphrase());
    ASSERT_TRUE(node) << node.error().text;

    for (const char* request :
         {"", "[]", "{}", R"({"verb":1})", R"({"verb":"practice.erase"})", R"({"verb":"status","x":"y"})",
          R"({"verb":"practice.show"})", R"({"verb":"practice.create","name":"a"})"}) {
        Result<std::string> answer = command(machine, **node, request);
        ASSERT_FALSE(answer) << request;
        EXPECT_EQ(answer.error().fault, Fault::bad_usage) << request;
    }
}

TEST(NodeCommand, ReportsExistingAndMissingPractices) {
    sim::SimMachine machine(6);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    auto node = boot(machine, offline_config(), passphrase());
    ASSERT_TRUE(node) << node.error().text;
    ASSERT_TRUE(command(machine, **node, kCreate));

    Result<std::string> twice = command(machine, **node, kCreate);
    Result<std::string> missing = command(machine, **node, R"({"verb":"practice.show","name":"nowhere"})");

    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().fault, Fault::exists);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().fault, Fault::not_found);
}

TEST(NodeCommand, StatusSaysThatAStoreCannotBeFoldedAndSinceWhen) {
    sim::SimMachine machine(32, 2);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    std::string journal;
    Config config = offline_config();
    config.journal = [&](std::string_view line) { journal += std::string(line) + "\n"; };
    auto node = boot(machine, config, passphrase());
    ASSERT_TRUE(node) << node.error().text;
    machine.data->set_capacity(machine.data->used_bytes());
    ASSERT_TRUE(command(machine, **node, kCreate));
    const Instant later = machine.loop().now() + std::chrono::minutes(10);
    machine.run_until([&] { return machine.loop().now() >= later; });

    std::string status = command(machine, **node, R"({"verb":"status"})").value();

    EXPECT_NE(status.find(R"("is_sound":false)"), std::string::npos) << status;
    EXPECT_NE(status.find(R"("is_unfolded":true)"), std::string::npos) << status;
    EXPECT_NE(status.find(R"("fold_fails_since":"2)"), std::string::npos) << status;
    EXPECT_NE(journal.find("cannot be folded"), std::string::npos) << journal;

    machine.data->set_capacity(1ULL << 40);
    const Instant mended = machine.loop().now() + std::chrono::minutes(3);
    machine.run_until([&] { return machine.loop().now() >= mended; });
    status = command(machine, **node, R"({"verb":"status"})").value();
    EXPECT_NE(status.find(R"("is_sound":true)"), std::string::npos) << status;
    EXPECT_NE(journal.find("is folded again"), std::string::npos) << journal;
}

/// `spoil` makes a sound health unsound, all by itself.
void expect_unsound_with(const char* what, const std::function<void(store::Health&)>& spoil) {
    store::Health health;
    health.stores.emplace_back();
    health.log_members.emplace_back().is_present = true;
    EXPECT_TRUE(is_sound(health)) << what;
    spoil(health);
    EXPECT_FALSE(is_sound(health)) << what;
}

TEST(NodeCommand, EachThingThatNeedsAttentionMakesTheStatusUnsoundByItself) {
    expect_unsound_with("fatal", [](store::Health& of) { of.is_fatal = true; });
    expect_unsound_with("full", [](store::Health& of) { of.is_full = true; });
    expect_unsound_with("unfolded", [](store::Health& of) { of.is_unfolded = true; });
    expect_unsound_with("not repairable", [](store::Health& of) { of.scrub.not_repairable = 1; });
    expect_unsound_with("repaired", [](store::Health& of) { of.repairs.pages_repaired = 1; });
    expect_unsound_with("damaged", [](store::Health& of) { of.stores[0].is_damaged = true; });
    expect_unsound_with("absent", [](store::Health& of) { of.log_members[0].is_present = false; });
    expect_unsound_with("stale", [](store::Health& of) { of.log_members[0].is_stale = true; });
}

TEST(NodeCommand, StatusSaysWhatTheDataDiskDidNotGiveBack) {
    sim::SimMachine machine(33, 2);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    {
        auto node = boot(machine, offline_config(), passphrase());
        ASSERT_TRUE(node) << node.error().text;
        ASSERT_TRUE(command(machine, **node, kCreate));
        const std::string status = command(machine, **node, R"({"verb":"status"})").value();
        EXPECT_NE(status.find(R"("is_suspect":false)"), std::string::npos) << status;
        EXPECT_NE(status.find(R"("files_replaced":0,"last":null)"), std::string::npos) << status;
        bool is_stopped = false;
        (*node)->stop([&] { is_stopped = true; });
        machine.run_until([&] { return is_stopped; });
        machine.power_cut();
    }
    machine.power_on();
    ASSERT_TRUE(machine.data->rot_bit("leaves." + std::string(32, '0'), 60, 1));
    ASSERT_TRUE(machine.data->corrupt("node.slots", 0, Bytes(512, 0x77)));
    std::string journal;
    Config config = offline_config();
    config.journal = [&](std::string_view line) { journal += std::string(line) + "\n"; };

    auto again = boot(machine, config, passphrase());
    ASSERT_TRUE(again) << again.error().text;
    const std::string status = command(machine, **again, R"({"verb":"status"})").value();

    EXPECT_NE(status.find(R"("is_sound":false)"), std::string::npos) << status;
    EXPECT_NE(status.find(R"("is_suspect":true)"), std::string::npos) << status;
    EXPECT_NE(status.find(R"("stores_rebuilt":1,"pages_repaired":0,"files_replaced":1,"last":"2)"),
              std::string::npos)
        << status;
    EXPECT_NE(status.find("replace it soon"), std::string::npos) << status;
    EXPECT_NE(status.find("built anew from the log"), std::string::npos) << status;
    EXPECT_NE(journal.find("node.slots is missing or not what was written"), std::string::npos) << journal;
}

/// Every file of the data disk is rubbish; the log disks have all of it.
void ruin_data_disk(sim::SimMachine& machine) {
    for (const std::string& name : machine.data->peek_names()) {
        const std::size_t size = machine.data->peek(name)->size();
        ASSERT_TRUE(machine.data->corrupt(name, 0, Bytes(size, 0x77)));
    }
}

/// A node with a practice that was stopped in order.
void make_stopped_node(sim::SimMachine& machine) {
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    {
        auto node = boot(machine, offline_config(), passphrase());
        ASSERT_TRUE(node) << node.error().text;
        ASSERT_TRUE(command(machine, **node, kCreate));
        bool is_stopped = false;
        (*node)->stop([&] { is_stopped = true; });
        machine.run_until([&] { return is_stopped; });
        machine.power_cut();
    }
    machine.power_on();
}

TEST(Node, StartsFromItsLogDisksWhenEveryFileOfTheDataDiskIsRubbish) {
    for (const std::size_t log_disks : {std::size_t{1}, std::size_t{2}}) {
        sim::SimMachine machine(40, log_disks);
        make_stopped_node(machine);
        ruin_data_disk(machine);
        {
            const crypto::Secret wrong(as_bytes("not the passphrase of it"));
            EXPECT_EQ(boot(machine, offline_config(), wrong).error().fault, Fault::wrong_secret);
            auto node = boot(machine, offline_config(), passphrase());
            ASSERT_TRUE(node) << node.error().text;
            const std::string shown =
                command(machine, **node, R"({"verb":"practice.show","name":"harbor"})").value();
            EXPECT_NE(shown.find("Harbor PT"), std::string::npos) << shown;
            const store::RepairHealth repairs = (*node)->health().repairs;
            EXPECT_EQ(repairs.files_replaced, 3U);  // firedrill.node, node.slots, log.members
            EXPECT_EQ(repairs.stores_rebuilt, 1U + 1U);
            bool is_stopped = false;
            (*node)->stop([&] { is_stopped = true; });
            machine.run_until([&] { return is_stopped; });
            machine.power_cut();
        }
        machine.power_on();
        auto again = boot(machine, offline_config(), passphrase());
        ASSERT_TRUE(again) << again.error().text;
        EXPECT_FALSE((*again)->health().repairs.is_any());
    }
}

TEST(Node, RefusesWhatTheLogDisksCannotProve) {
    for (const int what : {0, 1, 2}) {
        sim::SimMachine machine(41, 2);
        make_stopped_node(machine);
        ruin_data_disk(machine);
        if (what == 0) {  // the disk that is left may be stale
            machine.logs[1]->replace();
        } else if (what == 1) {  // another node's log disk stands beside this one's
            sim::SimMachine other(42, 2);
            make_stopped_node(other);
            other.power_cut();
            machine.power_cut();
            (void)machine.logs[1]->put_back(other.logs[1]->image());
            machine.power_on();
        } else {  // no data folder at all
            ASSERT_TRUE(machine.data->remove("firedrill.node"));
        }
        const std::vector<std::string> before = machine.data->peek_names();

        const auto refused = boot(machine, offline_config(), passphrase());

        ASSERT_FALSE(refused) << what;
        EXPECT_EQ(machine.data->peek_names(), before) << what;
    }
}

TEST(NodeCommand, StatusSaysWhetherTheNodeIsSound) {
    sim::SimMachine machine(7, 2);
    ASSERT_TRUE(create_node(machine.seams(), offline_config(), {}, passphrase()));
    auto node = boot(machine, offline_config(), passphrase());
    ASSERT_TRUE(node) << node.error().text;

    Result<std::string> status = command(machine, **node, R"({"verb":"status"})");

    ASSERT_TRUE(status) << status.error().text;
    EXPECT_NE(status->find(R"("is_sound":true)"), std::string::npos) << *status;
    EXPECT_NE(status->find("log1"), std::string::npos) << *status;
}

}  // namespace
}  // namespace firedrill::node
