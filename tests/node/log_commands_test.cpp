// log.show and log.cover over the operator's channel, of a whole node.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "node/node.h"
#include "store/copy_check.h"
#include "store/log_format.h"
#include "tests/support/sim_machine.h"

namespace firedrill::node {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

struct LogCommands : testing::Test {
    LogCommands() : machine(1, 2), passphrase(as_bytes("a passphrase of the node")) {
        config.listen = Endpoint{};
        config.cost = crypto::kToyCost;
        config.journal = [this](std::string_view line) { journal.emplace_back(line); };
        EXPECT_TRUE(create_node(machine.seams(), config, {}, passphrase));
        boot();
    }
    void boot() {
        std::optional<Status> ready;
        auto booted = Node::boot(machine.seams(), config, {}, passphrase,
                                 [&](Status status) { ready = std::move(status); });
        ASSERT_TRUE(booted) << booted.error().text;
        node = std::move(*booted);
        ASSERT_TRUE(machine.run_until([&] { return ready.has_value(); }));
        ASSERT_TRUE(*ready) << ready->error().text;
    }
    Result<std::string> ask(const json::object& request) {
        std::optional<Result<std::string>> answer;
        node->command(json::serialize(request), [&](Result<std::string> got) { answer = std::move(got); });
        machine.run_until([&] { return answer.has_value(); });
        return answer ? *answer : Result<std::string>(Error{Fault::internal, "no answer"});
    }
    json::object shown(std::string_view verb) {
        const auto answer = ask({{"verb", verb}});
        EXPECT_TRUE(answer) << answer.error().text;
        return answer ? json::parse(*answer).as_object() : json::object();
    }
    /// Writes something, lets its segment be closed, and copies the log as it stands.
    std::unique_ptr<sim::SimDisk> copy_after_an_hour() {
        EXPECT_TRUE(ask({{"verb", "practice.create"},
                         {"name", "harbor"},
                         {"title", "Harbor PT"},
                         {"login", "owner"},
                         {"password", "sunlit-otter-42-basket"}}));
        machine.loop().run_for(61min);
        EXPECT_TRUE(ask({{"verb", "practice.create"},
                         {"name", "alpha"},
                         {"title", "Alpha PT"},
                         {"login", "owner"},
                         {"password", "sunlit-otter-42-basket"}}));
        auto copy = elsewhere.make_disk("copy");
        for (const std::string& name : machine.logs[0]->peek_names()) {
            if (store::parse_segment_name(name)) {
                EXPECT_TRUE(replace_file(*copy, name, *machine.logs[0]->peek(name)));
            }
        }
        return copy;
    }
    store::CopyOwner owner() {
        const json::object log = shown("log.show");
        store::CopyOwner out;
        const auto read = [](const json::value& text, auto& into) {
            const auto bytes = from_hex(std::string_view(text.as_string()));
            ASSERT_TRUE(bytes && bytes->size() == into.size());
            std::copy(bytes->begin(), bytes->end(), into.begin());
        };
        read(log.at("node"), out.node.bytes);
        for (const json::value& each : log.at("signers").as_array()) {
            read(each, out.signers.emplace_back());
        }
        return out;
    }
    static json::object word(const store::CopyReport& report) {
        return {{"verb", "log.cover"},
                {"through", std::to_string(report.through)},
                {"chain", to_hex(report.chain.view())},
                {"timeline", to_hex(report.timeline)},
                {"where", "/mnt/copy"}};
    }
    [[nodiscard]] bool is_in_journal(std::string_view part) const {
        return std::any_of(journal.begin(), journal.end(),
                           [part](const std::string& line) { return line.find(part) != std::string::npos; });
    }

    sim::SimMachine machine;
    sim::Universe elsewhere{9};
    crypto::Secret passphrase;
    Config config;
    std::vector<std::string> journal;
    std::unique_ptr<Node> node;
};

TEST_F(LogCommands, AVerifiedCopyIsBelievedWrittenInTheJournalAndShownInStatus) {
    const auto copy = copy_after_an_hour();
    EXPECT_EQ(shown("log.show").at("begins").to_number<int>(), 1);
    EXPECT_TRUE(shown("status").at("log").as_object().at("cover").is_null());
    const auto report = store::check_log_copy(*copy, owner(), {});
    ASSERT_TRUE(report) << report.error().text;

    const auto answer = ask(word(*report));

    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(json::parse(*answer).at("cover").at("through").to_number<store::Lsn>(), report->through);
    EXPECT_TRUE(is_in_journal("covered the log through LSN " + std::to_string(report->through)));
    EXPECT_TRUE(is_in_journal("/mnt/copy"));
    machine.loop().run_for(3min);
    const json::object log = shown("status").at("log").as_object();
    EXPECT_EQ(log.at("begins").to_number<store::Lsn>(), report->through + 1);
    EXPECT_EQ(log.at("cover").at("where").as_string(), "/mnt/copy");
    EXPECT_TRUE(shown("status").at("is_sound").as_bool());
    EXPECT_TRUE(is_in_journal("begins with LSN " + std::to_string(report->through + 1)));
    machine.power_cut();
    node.reset();
    machine.power_on();
    boot();
    EXPECT_EQ(shown("log.show").at("cover"), log.at("cover"));
}

TEST_F(LogCommands, AWordThatTheLogContradictsIsRefusedAndInTheJournal) {
    const auto copy = copy_after_an_hour();
    auto report = store::check_log_copy(*copy, owner(), {});
    ASSERT_TRUE(report) << report.error().text;
    report->chain.bytes[3] ^= 1;

    const auto answer = ask(word(*report));

    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().fault, Fault::refused);
    EXPECT_TRUE(is_in_journal("was not believed"));
    machine.loop().run_for(3min);
    EXPECT_EQ(shown("log.show").at("begins").to_number<int>(), 1);
    EXPECT_TRUE(shown("log.show").at("cover").is_null());
}

TEST_F(LogCommands, AWordThatIsMalformedIsBadUsage) {
    const store::CopyReport report{.through = 3};
    const auto refuses = [&](std::string_view field, const json::value& value) {
        json::object wrong = word(report);
        wrong[field] = value;
        const auto answer = ask(wrong);
        ASSERT_FALSE(answer) << field;
        EXPECT_EQ(answer.error().fault, Fault::bad_usage) << answer.error().text;
    };
    for (const char* through : {"", "0", "-1", "3x", " 3", "99999999999999999999"}) {
        refuses("through", through);
    }
    refuses("through", 3);
    refuses("chain", "00");
    refuses("chain", json::value(std::string(64, 'x')));
    refuses("timeline", json::value(std::string(31, '0')));
    refuses("more", "field");
    for (const char* field : {"through", "chain", "timeline", "where"}) {
        json::object wrong = word(report);
        wrong.erase(field);
        EXPECT_EQ(ask(wrong).error().fault, Fault::bad_usage) << field;
    }
    EXPECT_EQ(ask({{"verb", "log.remove"}}).error().fault, Fault::bad_usage);
    EXPECT_EQ(ask({{"verb", "log.show"}, {"all", "yes"}}).error().fault, Fault::bad_usage);
}

}  // namespace
}  // namespace firedrill::node
