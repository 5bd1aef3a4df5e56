// Goal: an upward include, a library outside its home, or a way around the seams cannot be merged. Method:
// read every file of the tree; and show on made-up files that each rule catches what it should and nothing
// else.
#include "tidy/layers.h"

#include <gtest/gtest.h>

namespace firedrill::tidy {
namespace {

std::size_t count(std::string path, std::string text) {
    return check_layers({std::move(path), std::move(text)}).size();
}

TEST(Layers, HoldInThisTree) {
    const auto tree = read_tree(FIREDRILL_SOURCE_ROOT);
    ASSERT_GT(tree.size(), 50u) << "the tree was not found";
    Findings all;
    for (const SourceFile& file : tree) {
        const Findings some = check_layers(file);
        all.insert(all.end(), some.begin(), some.end());
    }
    EXPECT_TRUE(all.empty()) << describe(all);
}

TEST(Layers, CatchAnUpwardInclude) {
    EXPECT_EQ(count("core/base/x.cpp", "#include \"store/log.h\"\n"), 1u);
    EXPECT_EQ(count("core/store/x.h", "#include \"web/http.h\"\n"), 1u);
    EXPECT_EQ(count("core/web/x.cpp", "#include \"node/node.h\"\n"), 1u);
    EXPECT_EQ(count("core/node/x.cpp", "#include \"cli/app.h\"\n"), 1u);
    EXPECT_EQ(count("core/node/x.cpp", "#include \"web/http.h\"\n#include \"store/log.h\"\n"), 0u);
}

TEST(Layers, CatchCoreIncludingTheSimulator) {
    EXPECT_EQ(count("core/node/x.cpp", "#include \"sim/world.h\"\n"), 1u);
    EXPECT_EQ(count("sim/world.cpp", "#include \"node/node.h\"\n"), 0u);
}

TEST(Layers, KeepSiblingsApart) {
    EXPECT_EQ(count("core/forms/x.cpp", "#include \"identity/identity.h\"\n"), 1u);
    EXPECT_EQ(count("core/identity/x.cpp", "#include \"forms/submissions.h\"\n"), 1u);
    EXPECT_EQ(count("core/web/x.cpp", "#include \"identity/identity.h\"\n"), 0u);
}

TEST(Layers, KeepTheRealWorldInMain) {
    EXPECT_EQ(count("core/node/x.cpp", "#include \"posix/disk.h\"\n"), 1u);
    EXPECT_EQ(count("core/cli/x.cpp", "#include \"posix/disk.h\"\n"), 0u);
    EXPECT_EQ(count("sim/world.cpp", "#include \"posix/disk.h\"\n"), 1u);
    EXPECT_EQ(count("sim/main.cpp", "#include \"posix/disk.h\"\n"), 0u);
    EXPECT_EQ(count("sim/live_case.cpp", "#include \"posix/disk.h\"\n"), 0u);
}

TEST(Layers, KeepEachLibraryAtHome) {
    EXPECT_EQ(count("core/store/x.cpp", "#include <botan/hash.h>\n"), 1u);
    EXPECT_EQ(count("core/crypto/x.cpp", "#include <botan/hash.h>\n"), 0u);
    EXPECT_EQ(count("core/forms/x.cpp", "#include <sqlite3.h>\n"), 1u);
    EXPECT_EQ(count("core/store/x.cpp", "#include <sqlite3.h>\n"), 0u);
    EXPECT_EQ(count("core/web/server.cpp", "#include <boost/beast/http.hpp>\n"), 1u);
    EXPECT_EQ(count("core/web/http.cpp", "#include <boost/beast/http.hpp>\n"), 0u);
    EXPECT_EQ(count("core/web/http.cpp", "#include <boost/asio.hpp>\n"), 1u);
}

TEST(Layers, CatchTheOperatingSystemOutsidePosix) {
    EXPECT_EQ(count("core/store/x.cpp", "#include <unistd.h>\n"), 1u);
    EXPECT_EQ(count("core/store/x.cpp", "#include <sys/stat.h>\n"), 1u);
    EXPECT_EQ(count("sim/world.cpp", "#include <thread>\n"), 1u);
    EXPECT_EQ(count("core/posix/x.cpp", "#include <unistd.h>\n"), 0u);
    EXPECT_EQ(count("core/crypto/locked_arena.cpp", "#include <sys/mman.h>\n"), 0u);
    EXPECT_EQ(count("core/crypto/secret.cpp", "#include <sys/mman.h>\n"), 1u);
    EXPECT_EQ(count("tests/posix/x.cpp", "#include <unistd.h>\n"), 0u);
}

TEST(Layers, CatchAFolderThatIsNoLayer) {
    EXPECT_EQ(count("core/utilities/x.cpp", "#include \"base/bytes.h\"\n"), 1u);
}

TEST(Layers, IgnoreCommentsAndReadOddSpacing) {
    EXPECT_EQ(count("core/base/x.cpp", "// #include \"store/log.h\"\n/* #include <unistd.h> */\n"), 0u);
    EXPECT_EQ(count("core/base/x.cpp", "  #  include   \"store/log.h\"\n"), 1u);
}

}  // namespace
}  // namespace firedrill::tidy
