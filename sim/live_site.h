// LiveSite: one real node on this machine in a folder of its own: started, killed, started again. Blocking.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "crypto/tls.h"
#include "sim/https_client.h"
#include "sim/process.h"

namespace firedrill::sim {

class LiveSite {
  public:
    /// Makes the folder and a passphrase file beside (not inside) the node's.
    static Result<std::unique_ptr<LiveSite>> create(Entropy& entropy);
    ~LiveSite();  ///< kills the process; keeps the folder unless remove_folder() was called
    LiveSite(const LiveSite&) = delete;
    LiveSite& operator=(const LiveSite&) = delete;

    /// Starts `serve --demo` and waits, at most kStartLimit, until it serves. The port of the first start is kept.
    Status start();
    void kill();
    /// SIGTERM; its exit code.
    int stop();
    /// `store verify` on the stopped node's folder: its exit code.
    int verify();
    void remove_folder();

    /// How a client reaches it; needs a first start.
    [[nodiscard]] HttpsClientOptions client_options() const;
    [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
    [[nodiscard]] std::string node_folder() const { return folder_ + "/node"; }
    [[nodiscard]] std::string journal_file() const { return folder_ + "/journal"; }
    [[nodiscard]] const std::string& login() const noexcept { return login_; }
    [[nodiscard]] const std::string& password() const noexcept { return password_; }

  private:
    LiveSite(std::string folder, Entropy& entropy) : folder_(std::move(folder)), entropy_(entropy) {}
    Status take_ready_line(const std::string& line);

    std::string folder_;
    Entropy& entropy_;
    std::string endpoint_ = "127.0.0.1:0";
    std::string login_;
    std::string password_;
    std::shared_ptr<crypto::TlsClientContext> tls_;
    std::optional<ChildProcess> process_;
    int starts_ = 0;
};

}  // namespace firedrill::sim
