#include "cli/real_world.h"

#include <csignal>

#include <fmt/format.h>

#include "node/control.h"
#include "posix/disk.h"
#include "posix/entropy.h"
#include "posix/log_folder.h"
#include "posix/loop.h"
#include "posix/paths.h"
#include "posix/workers.h"
#include "store/storage.h"

namespace firedrill::cli {

namespace {

posix::Create how(MakeFolders make) {
    return make == MakeFolders::yes ? posix::Create::yes : posix::Create::no;
}

/// Lanes that may all hang at once, two for each slow store whose fold runs, and threads for the others: log,
/// directory, passwords, upkeep, and two for healthy practices. A thread that is not needed sleeps.
constexpr std::size_t kThreads = 2 * store::kFoldsAtOnce + 6;

class PosixWorld final : public RealWorld {
  public:
    PosixWorld(std::unique_ptr<Disk> data, std::vector<std::unique_ptr<Disk>> logs)
        : data_(std::move(data)), logs_(std::move(logs)), workers_(loop_, kThreads) {}

    Seams seams() override {
        std::vector<Disk*> logs;
        for (const std::unique_ptr<Disk>& log : logs_) {
            logs.push_back(log.get());
        }
        return {loop_, loop_, system_entropy(), workers_, *data_, logs};
    }
    void run() override { loop_.run(); }
    void stop() override { loop_.stop(); }
    void on_stop_signal(std::function<void()> handler) override {
        loop_.on_signal({SIGINT, SIGTERM}, [handler = std::move(handler)](int) { handler(); });
    }

  private:
    std::unique_ptr<Disk> data_;
    std::vector<std::unique_ptr<Disk>> logs_;
    posix::PosixLoop loop_;
    posix::PosixWorkers workers_;
};

}  // namespace

namespace {

Status check_distinct(const std::vector<std::string>& paths) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            if (posix::is_same_folder(paths[i], paths[k])) {
                return Error{
                    Fault::bad_usage,
                    fmt::format("log folders {} and {} are one and the same: two copies must lie on two "
                                "disks",
                                paths[k], paths[i])};
            }
        }
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<RealWorld>> RealWorld::open(const Place& place, MakeFolders make) {
    // The node's folder itself is only to be made and checked.
    auto folders = TRY(open_folders({place.data, place.data + "/data"}, make));
    const std::vector<std::string> paths =
        place.logs.empty() ? std::vector<std::string>{place.data + "/log"} : place.logs;
    TRY(check_distinct(paths));
    auto logs = TRY(make == MakeFolders::yes ? open_folders(paths, make) : open_log_folders(paths));
    return std::unique_ptr<RealWorld>(std::make_unique<PosixWorld>(std::move(folders[1]), std::move(logs)));
}

Entropy& system_entropy() {
    static posix::PosixEntropy entropy;
    return entropy;
}

Result<std::string> call_running_node(const std::string& control_endpoint, std::string request,
                                      node::OnProgress progress) {
    posix::PosixLoop loop;
    std::optional<Result<std::string>> answer;
    node::call_control(loop, Endpoint{control_endpoint}, std::move(request), std::move(progress),
                       [&](Result<std::string> got) { answer = std::move(got); });
    loop.run_until([&] { return answer.has_value(); });
    if (!answer) {
        return Error{Fault::closed, "interrupted before the node answered"};
    }
    return *std::move(answer);
}

Status check_port_is_free(const Endpoint& endpoint) {
    posix::PosixLoop loop;
    TRY(loop.listen(endpoint));
    return {};
}

bool node_answers(const std::string& control_endpoint) {
    return call_running_node(control_endpoint, R"({"verb":"log.show"})", {}).is_ok();
}

Result<std::vector<std::unique_ptr<Disk>>> open_log_folders(const std::vector<std::string>& paths) {
    TRY(check_distinct(paths));
    std::vector<std::unique_ptr<Disk>> out;
    std::optional<Error> missing;
    bool is_any_there = false;
    for (const std::string& path : paths) {
        out.push_back(TRY(posix::open_log_folder(path)));
        if (Status attached = out.back()->attach(); attached) {
            is_any_there = true;
        } else if (!missing) {
            missing = attached.error();
        }
    }
    return is_any_there ? Result<std::vector<std::unique_ptr<Disk>>>(std::move(out)) : *missing;
}

Result<std::vector<std::unique_ptr<Disk>>> open_folders(const std::vector<std::string>& paths,
                                                        MakeFolders make) {
    std::vector<std::unique_ptr<Disk>> out;
    for (const std::string& path : paths) {
        out.push_back(TRY(posix::open_folder(path, how(make))));
    }
    return out;
}

}  // namespace firedrill::cli
