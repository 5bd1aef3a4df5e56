// Goal: the house rules that a program can check hold for every file. Method: each rule over the whole tree;
// and each rule over made-up files that break it, so that a rule that stopped working is noticed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tidy/rules.h"

namespace firedrill::tidy {
namespace {

const std::vector<SourceFile>& tree() {
    static const std::vector<SourceFile> kTree = read_tree(FIREDRILL_SOURCE_ROOT);
    return kTree;
}

void expect_clean(Findings (*rule)(const SourceFile&)) {
    ASSERT_GT(tree().size(), 50u) << "the tree was not found";
    Findings all;
    for (const SourceFile& file : tree()) {
        const Findings some = rule(file);
        all.insert(all.end(), some.begin(), some.end());
    }
    EXPECT_TRUE(all.empty()) << describe(all);
}

std::string lines(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += "    x();\n";
    }
    return text;
}

TEST(Tree, UsesNoBannedName) {
    expect_clean(check_banned_names);
}
TEST(Tree, UsesNoBannedWord) {
    expect_clean(check_banned_words);
}
TEST(Tree, HasNoOverlongFile) {
    expect_clean(check_file_length);
}
TEST(Tree, HasNoOverlongFunction) {
    expect_clean(check_function_length);
}
TEST(Tree, IsLaidOut) {
    expect_clean(check_layout);
}
TEST(Tree, HasNoLooseTodo) {
    expect_clean(check_todo);
}
TEST(Tree, GivesEveryDocumentOneTitle) {
    expect_clean(check_title);
}
TEST(Tree, SaysWhatEveryHeaderIs) {
    expect_clean(check_header);
}
TEST(Tree, BuildsEverySourceFile) {
    const Findings findings = check_built(tree());
    EXPECT_TRUE(findings.empty()) << describe(findings);
}

TEST(BannedNames, AreCaughtInCode) {
    for (const char* code :
         {"auto t = std::chrono::steady_clock::now();", "std::mt19937_64 g;", "x = rand();",
          "auto t = time(nullptr);", "FILE* f = fopen(p, m);", "std::ifstream in(p);",
          "std::filesystem::path p;", "std::mutex m;", "std::atomic<int> n;", "getenv(name);", "assert(x);",
          "co_await f();", "if (is_simulated()) {", "int TEST_hook;", "void make_backup();", "int tenant_id;",
          "Botan::AutoSeeded_RNG rng;", "int wal_checkpoint;"}) {
        EXPECT_EQ(check_banned_names({"core/store/x.cpp", code}).size(), 1u) << code;
    }
}

TEST(BannedNames, AreCaughtInTheSimulatorToo) {
    EXPECT_EQ(check_banned_names({"sim/x.cpp", "std::random_device d;"}).size(), 1u);
}

TEST(BannedNames, MayStandInCommentsTextsMembersAndLongerNames) {
    for (const char* code :
         {"// rand() would be wrong\n", "auto s = \"time(\";", "auto s = R\"(mutex atomic)\";",
          "clock.time(x);", "operand(x);", "wall_time(x);", "static_assert(true);",
          "/* steady_clock */ int x;", "p->time(1);"}) {
        EXPECT_TRUE(check_banned_names({"core/store/x.cpp", code}).empty()) << code;
    }
}

TEST(BannedNames, AreFreeWhereTheRealWorldLives) {
    EXPECT_TRUE(check_banned_names({"core/posix/clock.cpp", "clock_gettime(CLOCK_BOOTTIME, &t);"}).empty());
    EXPECT_TRUE(check_banned_names({"tests/store/x.cpp", "std::mutex m;"}).empty());
}

TEST(BannedWords, AreCaughtInDocumentsAndComments) {
    EXPECT_EQ(check_banned_words({"docs/x.md", "# X\n\nEvery Tenant has\n"}).size(), 1u);
    EXPECT_EQ(check_banned_words({"core/x/x.h", "// the master key\n"}).size(), 1u);
    EXPECT_EQ(check_banned_words({"core/x/x.h", "// FIXME later\n"}).size(), 1u);
    EXPECT_EQ(check_banned_words({"README.md", "# X\n\na checkpoint\n"}).front().line, 3u);
    EXPECT_TRUE(check_banned_words({"docs/x.md", "# X\n\nEvery practice has its key\n"}).empty());
}

TEST(FileLength, IsAtMostSixHundredLines) {
    EXPECT_TRUE(check_file_length({"core/x/x.cpp", lines(600)}).empty());
    EXPECT_EQ(check_file_length({"core/x/x.cpp", lines(601)}).size(), 1u);
    EXPECT_TRUE(check_file_length({"docs/x.md", lines(601)}).empty());
}

TEST(FunctionLength, CountsFreeFunctionsMembersAndTests) {
    const std::string body = "{\n" + lines(69) + "}\n";  // 71 lines
    for (const char* head :
         {"void f() ", "namespace a {\nResult<int> f(int x,\n  int y) ", "class C {\n int g() const ",
          "C::C(int x) : x_(x), y_{x} ", "TEST(A, B) ", "struct S : T {\n S() noexcept "}) {
        EXPECT_EQ(check_function_length({"core/x/x.cpp", head + body}).size(), 1u) << head;
    }
}

TEST(FunctionLength, AcceptsSeventyLinesAndLongTables) {
    EXPECT_TRUE(check_function_length({"core/x/x.cpp", "void f() {\n" + lines(68) + "}\n"}).empty());
    EXPECT_TRUE(check_function_length({"core/x/x.cpp", "namespace a {\n" + lines(90) + "}\n"}).empty());
    EXPECT_TRUE(
        check_function_length({"core/x/x.cpp", "const int kTable[] = {\n" + lines(90) + "};\n"}).empty());
    EXPECT_TRUE(
        check_function_length({"core/x/x.h", "class C {\n  void f();\n" + lines(90) + "};\n"}).empty());
}

TEST(FunctionLength, IsNotFooledByBracesInTexts) {
    EXPECT_TRUE(check_function_length({"core/x/x.cpp", "void f() { g(\"{\", '{'); }\n" + lines(90)}).empty());
}

TEST(Layout, CatchesWideLinesTabsAndLooseEnds) {
    EXPECT_EQ(check_layout({"core/x/x.cpp", std::string(111, 'x') + "\n"}).size(), 1u);
    EXPECT_EQ(check_layout({"core/x/x.cpp", "\tx();\n"}).size(), 1u);
    EXPECT_EQ(check_layout({"core/x/x.cpp", "x(); \n"}).size(), 1u);
    EXPECT_EQ(check_layout({"core/x/x.cpp", "x();"}).size(), 1u);
    std::string dashes;
    for (int i = 0; i < 110; ++i) {
        dashes += "–";  // three bytes, one column
    }
    EXPECT_TRUE(check_layout({"core/x/x.cpp", dashes + "\n"}).empty());
}

TEST(Layout, LetsATextStandInOnePieceButNotAComment) {
    EXPECT_TRUE(check_layout({"core/x/x.cpp", "auto s = R\"(" + std::string(120, 'x') + ")\";\n"}).empty());
    EXPECT_EQ(check_layout({"core/x/x.cpp", "// " + std::string(120, 'x') + "\n"}).size(), 1u);
}

TEST(Todo, MustNameItsKind) {
    EXPECT_EQ(check_todo({"core/x/x.cpp", "// TODO: later\n"}).size(), 1u);
    EXPECT_EQ(check_todo({"core/x/x.cpp", "// TODO(me): later\n"}).size(), 1u);
    EXPECT_TRUE(check_todo({"core/x/x.cpp", "// TODO(perf): one copy less\n"}).empty());
}

TEST(Title, IsOneAndFirst) {
    EXPECT_TRUE(check_title({"docs/x.md", "# One\n\n```sh\n# a comment\n```\n## Part\n"}).empty());
    EXPECT_EQ(check_title({"docs/x.md", "# One\n# Two\n"}).size(), 1u);
    EXPECT_EQ(check_title({"docs/x.md", "Text\n"}).size(), 1u);
}

TEST(Header, BeginsWithItsPurpose) {
    EXPECT_TRUE(check_header({"core/x/x.h", "// What it is.\n#pragma once\n"}).empty());
    EXPECT_EQ(check_header({"core/x/x.h", "#pragma once\n"}).size(), 2u);
    EXPECT_EQ(check_header({"core/x/x.h", "// What it is.\n"}).size(), 1u);
}

TEST(Built, CatchesAFileThatNobodyBuilds) {
    const std::vector<SourceFile> made_up{
        {"core/x/meson.build", "static_library('x', 'a.cpp')\n"}, {"core/x/a.cpp", ""}, {"core/x/b.cpp", ""}};
    const Findings findings = check_built(made_up);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings.front().path, "core/x/b.cpp");
}

}  // namespace
}  // namespace firedrill::tidy
