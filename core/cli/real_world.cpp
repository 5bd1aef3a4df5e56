#include "cli/real_world.h"

#include <csignal>

#include "node/control.h"
#include "posix/disk.h"
#include "posix/entropy.h"
#include "posix/loop.h"
#include "posix/workers.h"

namespace firedrill::cli {

namespace {

posix::Create how(MakeFolders make) {
    return make == MakeFolders::yes ? posix::Create::yes : posix::Create::no;
}

class PosixWorld final : public RealWorld {
  public:
    PosixWorld(std::unique_ptr<Disk> data, std::vector<std::unique_ptr<Disk>> logs)
        : data_(std::move(data)), logs_(std::move(logs)), workers_(loop_) {}

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

Result<std::unique_ptr<RealWorld>> RealWorld::open(const Place& place, MakeFolders make) {
    std::vector<std::string> folders{place.data, place.data + "/data"};
    const std::vector<std::string> logs =
        place.logs.empty() ? std::vector<std::string>{place.data + "/log"} : place.logs;
    folders.insert(folders.end(), logs.begin(), logs.end());
    auto disks = TRY(open_folders(folders, make));
    std::unique_ptr<Disk> data = std::move(disks[1]);
    disks.erase(disks.begin(),
                disks.begin() + 2);  // the node's folder itself was only to be made and checked
    return std::unique_ptr<RealWorld>(std::make_unique<PosixWorld>(std::move(data), std::move(disks)));
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

Result<std::vector<std::unique_ptr<Disk>>> open_folders(const std::vector<std::string>& paths,
                                                        MakeFolders make) {
    std::vector<std::unique_ptr<Disk>> out;
    for (const std::string& path : paths) {
        out.push_back(TRY(posix::open_folder(path, how(make))));
    }
    return out;
}

}  // namespace firedrill::cli
