// What only the real world can show: modes, links, leftovers, signals, threads, passphrase files.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "posix/direct_writer.h"
#include "posix/log_folder.h"
#include "posix/paths.h"
#include "posix/secret_files.h"
#include "posix/secure_process.h"
#include "posix/terminal.h"
#include "seams/worlds.h"

namespace firedrill::test {
namespace {

Fault open_fault(const std::string& path, posix::Create create) {
    auto disk = posix::open_folder(path, create);
    return disk ? Fault::internal : disk.error().fault;
}

mode_t mode_of(const std::string& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
}

TEST(PosixDisk, MakesItsFolderPrivateAndRefusesOneThatIsNot) {
    const ScratchFolder scratch;
    const std::string path = scratch.path() + "/data";
    EXPECT_EQ(open_fault(path, posix::Create::no), Fault::not_found);
    ASSERT_TRUE(posix::open_folder(path, posix::Create::yes).is_ok());
    EXPECT_EQ(mode_of(path), 0700U);
    EXPECT_TRUE(posix::open_folder(path, posix::Create::yes).is_ok()) << "there already";

    ASSERT_EQ(::chmod(path.c_str(), 0750), 0);
    auto loose = posix::open_folder(path, posix::Create::no);
    ASSERT_FALSE(loose.is_ok());
    EXPECT_EQ(loose.error().fault, Fault::permission);
    EXPECT_NE(loose.error().text.find("chmod 700 '" + path + "'"), std::string::npos) << loose.error().text;
}

TEST(PosixLogFolder, FailsWhileItsFolderIsMissingAndFindsItAgainWhenAsked) {
    const ScratchFolder scratch;
    const std::string path = scratch.path() + "/log";
    auto disk = posix::open_log_folder(path).value();
    EXPECT_EQ(disk->list().error().fault, Fault::disk_failed);
    EXPECT_NE(disk->list().error().text.find(path), std::string::npos);
    EXPECT_EQ(disk->open("a", Open::any).error().fault, Fault::disk_failed);
    EXPECT_EQ(disk->label(), path);
    EXPECT_FALSE(disk->attach());

    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    EXPECT_FALSE(disk->list()) << "nobody asked yet";
    ASSERT_TRUE(disk->attach());
    ASSERT_TRUE(disk->open("a", Open::create));
    EXPECT_EQ(disk->list().value(), std::vector<std::string>{"a"});

    // Another folder takes its place: the disk stays with the first until it is asked again.
    ASSERT_EQ(::rename(path.c_str(), (path + ".old").c_str()), 0);
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    EXPECT_EQ(disk->list().value(), std::vector<std::string>{"a"});
    ASSERT_TRUE(disk->attach());
    EXPECT_TRUE(disk->list().value().empty());
}

TEST(PosixPaths, OneFolderIsKnownUnderEveryName) {
    const ScratchFolder scratch;
    const std::string one = scratch.path() + "/one";
    const std::string two = scratch.path() + "/two";
    ASSERT_EQ(::mkdir(one.c_str(), 0700), 0);
    ASSERT_EQ(::mkdir(two.c_str(), 0700), 0);
    ASSERT_EQ(::symlink("one", (scratch.path() + "/link").c_str()), 0);
    EXPECT_TRUE(posix::is_same_folder(one, one + "/"));
    EXPECT_TRUE(posix::is_same_folder(one, scratch.path() + "/link"));
    EXPECT_FALSE(posix::is_same_folder(one, two));
    EXPECT_FALSE(posix::is_same_folder(one, scratch.path() + "/none"));
    EXPECT_TRUE(posix::is_same_folder(scratch.path() + "/none", scratch.path() + "/two/../none"));
}

TEST(PosixPaths, TellsFoldersOnOneDeviceFromThoseOnAnother) {
    const ScratchFolder scratch;
    const std::string one = scratch.path() + "/one";
    ASSERT_EQ(::mkdir(one.c_str(), 0700), 0);
    EXPECT_TRUE(*posix::is_same_device(one, scratch.path()));
    EXPECT_FALSE(*posix::is_same_device(one, "/proc"));
    EXPECT_EQ(posix::is_same_device(one, scratch.path() + "/none").error().fault, Fault::not_found);
    EXPECT_EQ(posix::is_same_device(scratch.path() + "/none", one).error().fault, Fault::not_found);
}

TEST(PosixLogFolder, RefusesAFolderThatIsOpenToOthers) {
    const ScratchFolder scratch;
    const std::string path = scratch.path() + "/log";
    ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
    EXPECT_EQ(posix::open_log_folder(path).error().fault, Fault::permission);
}

TEST(SecureProcess, AClosedStandardStreamNeverBecomesAFileOfTheNode) {
    const ScratchFolder scratch;
    const std::string path = scratch.path() + "/file";
    const auto first_number_after_closing = [&path](bool is_kept_open) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(STDOUT_FILENO);
            ::close(STDERR_FILENO);
            const bool is_ok = !is_kept_open || posix::keep_standard_streams_open();
            ::_exit(is_ok ? ::open(path.c_str(), O_RDWR | O_CREAT, 0600) : 99);
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        return WEXITSTATUS(status);
    };
    EXPECT_EQ(first_number_after_closing(false), STDOUT_FILENO) << "what would happen";
    EXPECT_GT(first_number_after_closing(true), STDERR_FILENO);
}

TEST(PosixDisk, FollowsNoLinks) {
    const ScratchFolder scratch;
    const std::string path = scratch.path() + "/data";
    auto disk = posix::open_folder(path, posix::Create::yes).value();
    ASSERT_EQ(::symlink("data", (scratch.path() + "/link").c_str()), 0);
    EXPECT_NE(open_fault(scratch.path() + "/link", posix::Create::no), Fault::internal);
    ASSERT_EQ(::symlink("/etc/passwd", (path + "/escape").c_str()), 0);
    EXPECT_EQ(disk->open("escape", Open::any).error().fault, Fault::permission);
    EXPECT_TRUE(disk->list().value().empty());
}

TEST(DirectWriter, TakesWholeSectorsAndLeavesTheRestToOthers) {
    const ScratchFolder folder;
    const std::string path = folder.path() + "/a";
    const posix::Handle file(::open(path.c_str(), O_RDWR | O_CREAT, 0600));
    ASSERT_EQ(::ftruncate(file.get(), 4096), 0);
    const Bytes odd(511, 'x');
    const Bytes whole(1024, 'y');
    posix::DirectWriter writer;

    const auto write = [&](std::uint64_t offset, const Bytes& bytes) {
        const ByteView piece(bytes);
        return writer.write(file.get(), offset, {&piece, 1}, "a").value();
    };
    EXPECT_FALSE(write(0, odd));
    EXPECT_FALSE(write(1, whole));
    std::string out(4096, '?');
    ASSERT_EQ(::pread(file.get(), out.data(), out.size(), 0), 4096);
    EXPECT_EQ(out, std::string(4096, '\0')) << "what it did not take it must not have touched";

    if (!write(512, whole)) {
        GTEST_SKIP() << "this file system takes no direct writes of 512 bytes";
    }
    ASSERT_EQ(::pread(file.get(), out.data(), out.size(), 0), 4096);
    EXPECT_EQ(out, std::string(512, '\0') + std::string(1024, 'y') + std::string(2560, '\0'));
}

TEST(DirectWriter, SaysWhatFailedAndLeavesAFileAloneThatRefusesIt) {
    const ScratchFolder folder;
    const std::string path = folder.path() + "/a";
    const Bytes whole(512, 'y');
    const ByteView piece(whole);

    // A descriptor that is no file of a disk: the second open, or the write, does not take it.
    posix::DirectWriter refused;
    EXPECT_FALSE(refused.write(-1, 0, {&piece, 1}, "none").value());
    EXPECT_FALSE(refused.write(-1, 0, {&piece, 1}, "none").value());

    // Beyond what the process may write, the kernel answers EFBIG (setrlimit(2)).
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit least{4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &least);
        const posix::Handle file(::open(path.c_str(), O_RDWR | O_CREAT, 0600));
        posix::DirectWriter writer;
        const auto first = writer.write(file.get(), 0, {&piece, 1}, "a");
        const auto beyond = writer.write(file.get(), 4096, {&piece, 1}, "the file");
        const bool is_named = !beyond && beyond.error().text.find("the file") != std::string::npos;
        ::_exit(!first || !first.value() || is_named ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(PosixDisk, ListsFilesOnlyAndRefusesToOpenAnythingElse) {
    const ScratchFolder scratch;
    auto disk = posix::open_folder(scratch.path(), posix::Create::no).value();
    ASSERT_EQ(::mkdir((scratch.path() + "/folder").c_str(), 0700), 0);
    ASSERT_EQ(::mkfifo((scratch.path() + "/pipe").c_str(), 0600), 0);
    std::ofstream(scratch.path() + "/name with spaces") << "x";
    ASSERT_TRUE(disk->open("file", Open::any).is_ok());

    EXPECT_EQ(disk->list().value(), std::vector<std::string>{"file"});
    EXPECT_EQ(disk->open("folder", Open::any).error().fault, Fault::bad_input);
    EXPECT_EQ(disk->open("pipe", Open::any).error().fault, Fault::bad_input);
    EXPECT_EQ(mode_of(scratch.path() + "/file"), 0600U);
}

TEST(PosixDisk, AClaimHoldsAgainstAnotherOpenOfTheFolderAndEndsWithItsProcess) {
    const ScratchFolder scratch;
    auto disk = posix::open_folder(scratch.path(), posix::Create::no).value();
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        auto own = posix::open_folder(scratch.path(), posix::Create::no);
        auto claim = own ? (*own)->claim("the other process") : Result<std::unique_ptr<Claim>>(own.error());
        const char answer = claim.is_ok() ? 'y' : 'n';
        (void)!::write(ready[1], &answer, 1);
        ::pause();
        ::_exit(0);
    }
    char answer = 0;
    ASSERT_EQ(::read(ready[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    auto refused = disk->claim("me");
    EXPECT_EQ(refused.error().fault, Fault::in_use);
    EXPECT_NE(refused.error().text.find("the other process"), std::string::npos);

    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);

    EXPECT_TRUE(disk->claim("me").is_ok());
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST(PosixLoop, UnixSocketsArePrivateAndVanishWithTheirListener) {
    const ScratchFolder scratch;
    posix::PosixLoop loop;
    const std::string path = scratch.path() + "/control";
    auto listener = loop.listen({"unix:" + path}).value();
    EXPECT_EQ(mode_of(path), 0600U);
    listener.reset();
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(PosixLoop, ReplacesASocketThatNobodyAnswersAndNothingElse) {
    const ScratchFolder scratch;
    posix::PosixLoop loop;
    const std::string path = scratch.path() + "/control";
    {
        // Bound and closed without being removed: what a killed process leaves.
        const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), address.sun_path);
        ASSERT_EQ(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ::close(left);
    }
    EXPECT_TRUE(loop.listen({"unix:" + path}).is_ok());

    std::ofstream(path) << "somebody's file";
    EXPECT_EQ(loop.listen({"unix:" + path}).error().fault, Fault::in_use);
    EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST(PosixLoop, RunsWhatThreadsPostInTheirOrderAndWakesForIt) {
    posix::PosixLoop loop;
    std::vector<int> order;
    std::thread thread([&] {
        for (int i = 0; i < 100; ++i) {
            loop.post_from_thread([&, i] {
                order.push_back(i);
                if (i == 99) {
                    loop.stop();
                }
            });
        }
    });
    loop.run();
    thread.join();

    EXPECT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

/// A loop whose owner sleeps most of the time, and threads that post to it.
class PosixLoopGuest : public ::testing::Test {
  protected:
    /// Posts from another thread until that thread itself was the loop once; `seen` runs there.
    void visit(std::function<void()> seen) {
        std::atomic<bool> is_over = false;
        std::thread guest([&] {
            bool was_loop = false;
            for (int pause = 1; !was_loop; pause *= 2) {
                std::atomic<bool> is_run = false;
                was_loop = loop_.post([&is_run] { is_run = true; });
                if (was_loop) {
                    loop_.post_from_thread(seen);  // it is taken: this only adds to what the guest runs
                    loop_.serve_as_loop();
                }
                while (!is_run) {
                    std::this_thread::yield();
                }
                for (int i = 0; i < pause; ++i) {
                    std::this_thread::yield();  // longer each time: the owner must get to sleep
                }
            }
            is_over = true;
            loop_.post_from_thread([] {});
        });
        loop_.run_until([&] { return is_over.load(); });
        guest.join();
    }
    posix::PosixLoop loop_;
};

TEST_F(PosixLoopGuest, RunsWhatItsHandlersDeferOnTheSameThread) {
    std::vector<std::thread::id> ids;
    visit([&] {
        ids.push_back(std::this_thread::get_id());
        loop_.defer([&] {
            ids.push_back(std::this_thread::get_id());
            loop_.call_at(loop_.now(), [&] { ids.push_back(std::this_thread::get_id()); });
        });
    });

    ASSERT_EQ(ids.size(), 3U);
    EXPECT_NE(ids[0], std::this_thread::get_id());
    EXPECT_EQ(ids[1], ids[0]);
    EXPECT_EQ(ids[2], ids[0]);
}

TEST_F(PosixLoopGuest, EndsARunAndLeavesWhatIsPendingToTheNext) {
    bool is_reached = false;
    bool is_later = false;
    std::thread guest([&] {
        loop_.post_from_thread([&] {
            loop_.defer([&] { is_later = true; });
            is_reached = true;
        });
    });
    EXPECT_TRUE(loop_.run_until([&] { return is_reached; }));
    guest.join();
    EXPECT_FALSE(is_later);

    EXPECT_TRUE(loop_.run_until([&] { return is_later; }));
}

TEST_F(PosixLoopGuest, ItsTimersWakeTheOwner) {
    bool is_rung = false;
    visit([&] { loop_.call_at(loop_.now() + 2ms, [&] { is_rung = true; }); });

    EXPECT_TRUE(loop_.run_until([&] { return is_rung; }));
}

TEST_F(PosixLoopGuest, HandsTheLoopOverWhenItsHandlersNeverEnd) {
    auto listener = loop_.listen({"127.0.0.1:0"}).value();
    bool is_accepted = false;
    listener->accept([&](Result<std::unique_ptr<Stream>> stream) { is_accepted = stream.is_ok(); });
    std::unique_ptr<Stream> client;
    std::function<void()> again = [&] { loop_.defer([&] { again(); }); };
    std::thread guest([&] {
        loop_.post_from_thread([&] {
            again();
            loop_.connect(listener->local(), [&](Result<std::unique_ptr<Stream>> stream) {
                client = std::move(stream).value();
            });
        });
    });

    EXPECT_TRUE(loop_.run_until([&] { return is_accepted && client != nullptr; }));
    guest.join();
}

TEST(PosixWorkers, ManyLanesAndTheLoopNeverRunTwoHandlersAtOnce) {
    posix::PosixLoop loop;
    posix::PosixWorkers workers(loop, 3);
    std::atomic<int> inside = 0;
    int left = 3000;
    std::function<void(int)> next = [&](int lane) {
        workers.run(
            static_cast<Lane>(16 + lane), [] {},
            [&, lane] {
                EXPECT_EQ(inside.fetch_add(1), 0);
                --left;  // no atomic: only the loop touches it
                if (left >= 16) {
                    loop.defer([&, lane] { next(lane); });
                }
                inside.fetch_sub(1);
            });
    };
    for (int lane = 0; lane < 16; ++lane) {
        next(lane);
    }

    EXPECT_TRUE(loop.run_until([&] { return left == 0; }));
}

TEST(PosixLoop, HandsSignalsToItsHandlerEveryTime) {
    posix::PosixLoop loop;
    std::vector<int> seen;
    loop.on_signal({SIGUSR1, SIGUSR2}, [&](int signal) {
        seen.push_back(signal);
        if (seen.size() == 1) {
            ::raise(SIGUSR2);
        } else {
            loop.stop();
        }
    });
    loop.defer([] { ::raise(SIGUSR1); });
    loop.run();

    EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST(PosixLoop, AStopBeforeRunIsNotForgottenAndARunThatEndedForgetsWhatWasPending) {
    posix::PosixLoop loop;
    auto held = std::make_shared<int>(1);
    loop.defer([held] { ADD_FAILURE() << "stopped before"; });
    loop.call_at(loop.now(), [held] { ADD_FAILURE() << "stopped before"; });
    loop.stop();
    loop.run();
    EXPECT_EQ(held.use_count(), 1);

    bool is_run = false;
    loop.defer([&] {
        is_run = true;
        loop.stop();
    });
    loop.run();
    EXPECT_TRUE(is_run);
}

class PassphraseFile : public ::testing::Test {
  protected:
    std::string write(std::string_view contents, mode_t mode = 0600) {
        const std::string path = scratch_.path() + "/passphrase";
        std::ofstream(path, std::ios::trunc) << contents;
        EXPECT_EQ(::chmod(path.c_str(), mode), 0);
        return path;
    }
    Fault fault(const std::string& path) {
        auto secret = posix::read_passphrase_file(path);
        return secret ? Fault::internal : secret.error().fault;
    }
    std::string text(const std::string& path) {
        auto secret = posix::read_passphrase_file(path);
        return secret ? std::string(as_text(secret->view())) : secret.error().text;
    }
    ScratchFolder scratch_;
};

TEST_F(PassphraseFile, LosesOneNewlineAndNothingElse) {
    EXPECT_EQ(text(write("correct horse")), "correct horse");
    EXPECT_EQ(text(write("correct horse\n")), "correct horse");
    EXPECT_EQ(text(write("correct horse\r\n")), "correct horse");
    EXPECT_EQ(text(write(" two\n\n")), " two\n");
    EXPECT_EQ(text(write(std::string(4096, 'p') + "\n")), std::string(4096, 'p'));
}

TEST_F(PassphraseFile, IsRefusedWhenItIsNotSafeOrNotSane) {
    EXPECT_EQ(fault(scratch_.path() + "/none"), Fault::not_found);
    EXPECT_EQ(fault(scratch_.path()), Fault::bad_input);
    EXPECT_EQ(fault(write("x", 0640)), Fault::permission);
    EXPECT_EQ(fault(write("x", 0604)), Fault::permission);
    EXPECT_EQ(fault(write("")), Fault::bad_input);
    EXPECT_EQ(fault(write("\n")), Fault::bad_input);
    EXPECT_EQ(fault(write(std::string(4097, 'p'))), Fault::limit);
    EXPECT_EQ(fault(write(std::string(100'000, 'p'))), Fault::limit);
    const std::string pipe = scratch_.path() + "/pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_EQ(fault(pipe), Fault::bad_input);
    EXPECT_NE(text(write("x", 0644)).find("chmod 600"), std::string::npos);
}

}  // namespace
}  // namespace firedrill::test
