// Goal: after the last sign-out a running server's memory holds no key of the practice, no answer of a
// patient and no password; also not by accident in freed memory, caches or stacks. Method: the shipped
// program runs as a child, people work with it over HTTPS, and all of its memory is searched. Control:
// before the sign-out the same search finds the keys and the answer, and a password that is just being
// sent.
#include "tests/live/process_memory.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/live/live_node.h"

namespace firedrill::test {
namespace {

TEST_F(LiveNode, HoldsNoKeyNoAnswerAndNoPasswordAfterTheLastSignOut) {
    ProcessMemory memory(server_->process_id());
    if (kIsSanitized || !memory.is_readable()) {
        GTEST_SKIP() << "NOT TESTED: needs the shipped program, and root to read another process's memory";
    }
    std::vector<std::string> canaries;
    for (int i = 0; i < 6; ++i) {
        canaries.push_back(submit_a_canary());
    }
    sim::Browser staff(loop_, loop_, client_options());
    const sim::WebPage list = sign_in(staff);
    ASSERT_EQ(list.status, 200U);
    EXPECT_EQ(read_each(staff, list), 6U);
    const KeysSeen keys = derive_keys();
    ASSERT_FALSE(keys.practice_key.is_empty());
    ASSERT_FALSE(keys.page_keys.empty());
    std::vector<Needle> needles{needle_of_key("practice key", keys.practice_key.view()),
                                needle_of_key("page key", keys.page_keys.front().view()),
                                needle_of_text("password", server_->facts().password)};
    for (const std::string& canary : canaries) {
        needles.push_back(needle_of_text("answer", canary));
    }

    const std::vector<Sighting> before = memory.search(needles);
    EXPECT_GT(memory.searched_bytes(), std::uint64_t{10} << 20);
    for (const char* what : {"practice key", "page key", "answer"}) {
        EXPECT_TRUE(std::ranges::count(names_of(before), what) == 1)
            << "the search does not see the " << what;
    }
    EXPECT_EQ(std::ranges::count(names_of(before), "password"), 0) << describe(before);

    sign_out(staff, list);  // the connection stays open
    std::vector<Sighting> after = memory.search(needles);
    // The answer to the sign-out is a moment ahead of the last buffers' release.
    for (int i = 0; i < 20 && !after.empty(); ++i) {
        pump(100ms, [] { return false; });
        after = memory.search(needles);
    }
    EXPECT_TRUE(after.empty()) << describe(after);
}

TEST_F(LiveNode, HoldsAPasswordWhileItIsBeingSentAndNotAfterwards) {
    ProcessMemory memory(server_->process_id());
    if (kIsSanitized || !memory.is_readable()) {
        GTEST_SKIP() << "NOT TESTED: needs the shipped program, and root to read another process's memory";
    }
    const std::vector<Needle> needles{needle_of_text("password", server_->facts().password)};
    /// Whether the password is, within some seconds, there (or gone).
    const auto becomes = [&](bool is_there) {
        for (int i = 0; i < 50; ++i) {
            if (memory.search(needles).empty() != is_there) {
                return true;
            }
            pump(50ms, [] { return false; });
        }
        return false;
    };
    EXPECT_TRUE(becomes(false)) << "nobody typed it yet: " << describe(memory.search(needles));
    begin_a_sign_in();
    EXPECT_TRUE(becomes(true)) << "the search does not see a password that stands in a buffer";
    half_stream_.reset();
    EXPECT_TRUE(becomes(false)) << describe(memory.search(needles));
}

// The node's passphrase opens the node's key at the start; after that nobody needs it. Control: this
// process keeps it, and the same search finds it here.
TEST_F(LiveNode, HoldsNoPassphraseOnceItIsServing) {
    ProcessMemory memory(server_->process_id());
    if (kIsSanitized || !memory.is_readable()) {
        GTEST_SKIP() << "NOT TESTED: needs the shipped program, and root to read another process's memory";
    }
    submit_a_canary();  // it serves
    const std::string text(as_text(passphrase().view()));
    ASSERT_GE(text.size(), 8U);
    const std::vector<Needle> needles{needle_of_text("passphrase", text)};
    const std::vector<Sighting> seen = memory.search(needles);
    EXPECT_GT(memory.searched_bytes(), std::uint64_t{10} << 20);
    EXPECT_TRUE(seen.empty()) << describe(seen);
    ProcessMemory own(static_cast<int>(::getpid()));
    EXPECT_FALSE(own.search(needles).empty()) << "the search does not see a passphrase that is kept";
}

std::string read_all(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_F(LiveNode, KeepsKeysInLockedMemoryOutOfCoreFilesArgumentsEnvironmentAndJournal) {
    const std::string proc = fmt::format("/proc/{}/", server_->process_id());
    if (kIsSanitized || read_all(proc + "smaps").empty()) {
        GTEST_SKIP() << "NOT TESTED: needs the shipped program, and root to look at another process";
    }
    const std::string limits = read_all(proc + "limits");
    const std::string core = limits.substr(limits.find("Max core file size"), 50);
    EXPECT_EQ(std::count(core.begin(), core.end(), '0'), 2) << core;
    // A mapping that is locked ("lo") and left out of core files ("dd"): the arena of secrets.
    std::istringstream lines(read_all(proc + "smaps"));
    std::size_t locked = 0;
    for (std::string line; std::getline(lines, line);) {
        locked += line.starts_with("VmFlags:") && line.find(" lo") != std::string::npos &&
                  line.find(" dd") != std::string::npos;
    }
    EXPECT_GT(locked, 0U) << "no secret is in locked memory";

    const std::string canary = submit_a_canary();
    sim::Browser staff(loop_, loop_, client_options());
    const sim::WebPage list = sign_in(staff);
    read_newest(staff, list, canary);
    sign_out(staff, list);
    const std::string passphrase_text(as_text(passphrase().view()));
    for (const char* where : {"cmdline", "environ"}) {
        const std::string text = read_all(proc + where);
        EXPECT_EQ(text.find(passphrase_text), std::string::npos) << where;
        EXPECT_EQ(text.find(server_->facts().password), std::string::npos) << where;
    }
    const std::string journal = read_all(server_->folder() + "/server.journal");
    for (const std::string& secret : {passphrase_text, server_->facts().password, canary}) {
        EXPECT_EQ(journal.find(secret), std::string::npos) << "the journal holds a secret";
    }
}

}  // namespace
}  // namespace firedrill::test
