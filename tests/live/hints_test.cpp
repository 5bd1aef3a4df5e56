// What a verb advises does what it says. Method: the shipped program runs as a person would run it, each
// command that it prints is given to a shell as it is printed, and the node that it names must serve.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/exit_codes.h"
#include "identity/safekeeping.h"
#include "posix/loop.h"
#include "sim/process.h"

namespace firedrill::test {
namespace {

namespace fs = std::filesystem;

std::string read_all(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The rest of the line behind `mark`; empty when it is not there.
std::string after(const std::string& text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    if (at == std::string::npos) {
        return {};
    }
    const std::size_t from = at + mark.size();
    return text.substr(from, text.find('\n', from) - from);
}

class Hints : public testing::Test {
  protected:
    struct Said {
        int code = -1;
        std::string out;
        std::string errors;
        [[nodiscard]] bool has(std::string_view words) const {
            return (out + errors).find(words) != std::string::npos;
        }
    };

    void SetUp() override {
        std::string name =
            (fs::temp_directory_path() / "firedrill hints-XXXXXX").string();  // one needs quotes
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
        write_file("words", "some words to use here\n");
        write_file("other", "not the words to use here\n");
    }
    void TearDown() override { fs::remove_all(root_); }
    void write_file(const std::string& name, const std::string& contents) {
        std::ofstream(root_ + "/" + name, std::ios::binary) << contents;
        fs::permissions(root_ + "/" + name, fs::perms::owner_read | fs::perms::owner_write);
    }
    sim::ChildProcess start(const std::string& command, const std::string& where) {
        const std::string folder = fs::path(FIREDRILL_PROGRAM).parent_path().string();
        return sim::ChildProcess::start(
                   {"/bin/sh", "-c", "cd \"$1\"; PATH=\"$2:$PATH\"; exec " + command, "sh", where, folder},
                   root_ + "/errors")
            .value();
    }
    /// As a shell runs it, in the test's folder unless another is named.
    Said run(const std::string& command, const std::string& where = "") {
        sim::ChildProcess child = start(command, where.empty() ? root_ : where);
        Said said;
        while (child.read_more(said.out, 50ms)) {
        }
        said.code = child.wait();
        said.errors = read_all(root_ + "/errors");
        return said;
    }
    /// Whether the command starts a node that serves, from whatever folder it is called; then it is stopped.
    testing::AssertionResult serves(const std::string& command, const std::string& where = "/") {
        if (!command.starts_with("firedrill serve ")) {
            return testing::AssertionFailure() << "no start command: " << command;
        }
        sim::ChildProcess child = start(command + " --listen 127.0.0.1:0 --json", where);
        std::string out;
        bool is_open = true;
        while (is_open && out.find('\n') == std::string::npos) {
            is_open = child.read_more(out, 50ms);
        }
        child.signal(sim::Signal::terminate);
        const int code = child.wait();
        if (code != 0 || out.find("\"endpoint\"") == std::string::npos) {
            return testing::AssertionFailure() << command << ": " << out << read_all(root_ + "/errors");
        }
        return testing::AssertionSuccess();
    }
    static int code_of(Fault fault) { return static_cast<int>(cli::exit_code(fault)); }
    static constexpr const char* kPlace = " --data node --log \"log one\" --log two --passphrase-file words";
    /// A node with two log folders, made by the shipped program; its start command.
    std::string make_node() {
        const Said made = run(std::string("firedrill init") + kPlace);
        EXPECT_EQ(made.code, 0) << made.errors;
        return after(made.out, "start it with: ");
    }

    std::string root_;
};

TEST_F(Hints, TheCommandThatInitPrintsStartsTheNode) {
    EXPECT_TRUE(serves(make_node()));
}

TEST_F(Hints, WhereThereIsNoNodeTheCommandPrintedMakesItThereAndNowhereElse) {
    const Said none = run(std::string("firedrill serve --host localhost --host clinic.test") + kPlace);
    EXPECT_EQ(none.code, code_of(Fault::not_found));
    const std::string make = after(none.errors, "make one with: ");
    ASSERT_TRUE(make.starts_with("firedrill init ")) << none.errors;
    const Said made = run(make, "/");
    ASSERT_EQ(made.code, 0) << made.errors;
    ASSERT_TRUE(fs::exists(root_ + "/two"));
    EXPECT_FALSE(fs::is_empty(root_ + "/two"));
    const std::string start = after(made.out, "start it with: ");
    EXPECT_NE(start.find("--host clinic.test"), std::string::npos) << start;
    EXPECT_TRUE(serves(start));
}

TEST_F(Hints, TheCommandThatRestorePrintsStartsTheRestoredNode) {
    ASSERT_TRUE(serves(make_node()));
    const Said done =
        run("firedrill restore --from two --to again --log new1 --log \"new 2\" --passphrase-file words");
    ASSERT_EQ(done.code, 0) << done.errors;
    EXPECT_TRUE(serves(after(done.out, "start it with: ")));
}

TEST_F(Hints, ARestoreSaysThatThePassphraseIsNotTheNodes) {
    ASSERT_TRUE(serves(make_node()));
    const Said done = run("firedrill restore --from two --to again --passphrase-file other");
    EXPECT_EQ(done.code, code_of(Fault::wrong_secret));
    EXPECT_TRUE(done.has("is restored, but the secret in")) << done.errors;
    EXPECT_FALSE(after(done.out, "start it with: ").empty());
    EXPECT_FALSE(done.has("--passphrase-file")) << "the command would be refused" << done.out;
    EXPECT_TRUE(serves("firedrill serve --data again --passphrase-file words", root_));
}

TEST_F(Hints, AnLsnThatNeverWasRestoresNothing) {
    ASSERT_TRUE(serves(make_node()));
    const Said zero = run("firedrill restore --from two --to zero --until 0");
    EXPECT_EQ(zero.code, code_of(Fault::bad_usage));
    EXPECT_TRUE(zero.has("the first LSN is 1")) << zero.errors;
    EXPECT_FALSE(fs::exists(root_ + "/zero"));
    const Said late = run("firedrill restore --from two --to late --until 123456789");
    EXPECT_EQ(late.code, code_of(Fault::not_found));
    EXPECT_TRUE(late.has("there is no LSN 123456789")) << late.errors;
    EXPECT_FALSE(fs::exists(root_ + "/late/data/firedrill.node"));
    const std::string last = after(late.errors, "ends at LSN ");
    const Said good = run("firedrill restore --from two --to good --until " + last.substr(0, last.find(';')));
    EXPECT_EQ(good.code, 0) << good.errors;
}

TEST_F(Hints, FilesOfANodeThatIsNoneAreNeverCalledAnInvitationToMakeOne) {
    const std::string start = make_node();
    fs::remove(root_ + "/node/data/firedrill.node");
    fs::create_directories(root_ + "/half/data");
    for (const char* folder : {"/half", "/half/data"}) {  // as a restore makes them
        fs::permissions(root_ + folder, fs::perms::owner_all);
    }
    write_file("half/data/0123456789abcdef.pages", "half");
    for (const std::string& command :
         {start, "firedrill init" + std::string(kPlace), std::string("firedrill serve --data half"),
          std::string("firedrill init --data half --passphrase-file words"),
          std::string("firedrill serve --demo --data half --listen 127.0.0.1:0")}) {
        const Said said = run(command);
        EXPECT_EQ(said.code, code_of(Fault::damaged)) << command << said.out << said.errors;
        EXPECT_FALSE(said.has("firedrill init")) << said.errors;
        EXPECT_TRUE(said.has("firedrill restore")) << said.errors;
    }
    fs::remove_all(root_ + "/node/data");  // a data disk that is not mounted
    const Said said = run(start);
    EXPECT_EQ(said.code, code_of(Fault::not_found));
    EXPECT_FALSE(said.has("firedrill init")) << said.errors;
    EXPECT_TRUE(said.has("holds a log")) << said.errors;
}

TEST_F(Hints, StoreVerbsReadTheLogFoldersOfTheSettingsFile) {
    ASSERT_TRUE(serves(make_node()));
    write_file("firedrill.toml", "data = \"node\"\nlogs = [\"log one\", \"two\"]\n");
    for (const char* verb : {"verify", "inspect", "scrub"}) {
        const Said said = run(fmt::format("firedrill store {} node", verb));
        EXPECT_EQ(said.code, 0) << verb << said.out << said.errors;
    }
    fs::create_directories(root_ + "/copy");
    fs::copy(root_ + "/node/data", root_ + "/copy/data", fs::copy_options::recursive);
    fs::copy(root_ + "/two", root_ + "/copy/log", fs::copy_options::recursive);
    const Said named = run("firedrill store inspect copy --log copy/log --json");
    const Said other = run("firedrill store inspect copy --log \"log one\" --log two --json");
    const Said found = run("firedrill store inspect copy --json");
    EXPECT_EQ(found.out, named.out) << "a copy is looked at with its own log";
    EXPECT_EQ(found.code, named.code);
    EXPECT_NE(other.out, named.out) << "the control: another log would show";
}

TEST_F(Hints, APracticeThatIsNotMadeIsNotWarnedOf) {
    write_file("password", "plum-kettle-orbit-42\n");
    const Said said =
        run("firedrill practice create harbor --title Harbor --owner ada --password-file password"
            " --data nowhere --passphrase-file words");
    EXPECT_EQ(said.code, code_of(Fault::not_found)) << said.errors;
    EXPECT_FALSE(said.has(identity::kFinalSentence));
    make_node();
    const Said made =
        run("firedrill practice create harbor --title Harbor --owner ada --password-file password" +
            std::string(kPlace));
    EXPECT_EQ(made.code, 0) << made.errors;
    EXPECT_TRUE(made.has(identity::kFinalSentence)) << made.out;
}

TEST_F(Hints, ADemoWhosePortIsTakenMakesNoNode) {
    posix::PosixLoop loop;
    const auto taken = loop.listen(Endpoint{"127.0.0.1:0"});
    ASSERT_TRUE(taken);
    const Said said = run("firedrill serve --demo --data demo --listen " + (*taken)->local().text);
    EXPECT_EQ(said.code, code_of(Fault::in_use)) << said.errors;
    EXPECT_FALSE(fs::exists(root_ + "/demo"));
}

}  // namespace
}  // namespace firedrill::test
