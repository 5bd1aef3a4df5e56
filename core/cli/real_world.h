// RealWorld: the seams of one real node, built from posix. Only verbs construct it.
#pragma once

#include <functional>
#include <memory>

#include "cli/verbs.h"
#include "node/progress.h"
#include "seams/seams.h"

namespace firedrill::cli {

enum class MakeFolders : bool { no, yes };

class RealWorld {
  public:
    /// Opens (or makes, mode 0700) the folders of `place`. permission, not_found, and what posix says.
    static Result<std::unique_ptr<RealWorld>> open(const Place& place, MakeFolders make);
    virtual ~RealWorld() = default;
    virtual Seams seams() = 0;
    /// Runs handlers until stop(), then returns.
    virtual void run() = 0;
    virtual void stop() = 0;
    /// `handler` runs on the loop at each SIGINT or SIGTERM.
    virtual void on_stop_signal(std::function<void()> handler) = 0;
};

/// The system's entropy, for what a verb draws before or without a node.
Entropy& system_entropy();
/// A loop without folders, for talking to a node's control socket: runs until `start`'s callback was called.
Result<std::string> call_running_node(const std::string& control_endpoint, std::string request,
                                      node::OnProgress progress);
/// in_use, permission, bad_usage: what listening there would say. Nobody is served.
Status check_port_is_free(const Endpoint& endpoint);
/// Does a node run there? What it answers may be unavailable, too: so a caller that got that asks this.
bool node_answers(const std::string& control_endpoint);
/// Opens a node's log folders, of which some may be missing: they are Disks that fail until they are there.
/// The first folder's error when there is none of them; permission.
Result<std::vector<std::unique_ptr<Disk>>> open_log_folders(const std::vector<std::string>& paths);
/// Opens folders that must all be there, or makes them: permission, not_found.
Result<std::vector<std::unique_ptr<Disk>>> open_folders(const std::vector<std::string>& paths,
                                                        MakeFolders make);

}  // namespace firedrill::cli
